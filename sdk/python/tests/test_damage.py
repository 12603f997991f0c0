"""What handlers do to their process, and files that change under it."""

from __future__ import annotations

from .child import HostTest


class Damage(HostTest):
    def test_a_changed_directory_or_path_harms_nothing(self) -> None:
        folder = self.folder()
        self.write(folder, "late.py", "VALUE = 1\n")
        path = self.write(
            folder,
            "module.py",
            """
            import os, sys
            from jobrunner import handler
            os.chdir("/")

            @handler
            def late(job):
                os.chdir("/")
                import late
                return late.VALUE

            @handler
            def fails(job):
                return 1 / 0
            """,
        )
        child = self.open(path)
        self.assertEqual(child.run("late").result, 1)
        self.assertIn("return 1 / 0", child.run("fails").data["stack"])

    def test_tracebacks_show_the_text_that_runs_after_the_file_has_changed(self) -> None:
        folder = self.folder()
        text = "from jobrunner import handler\n\n@handler\ndef fails(job):\n    return 1 / 0\n"
        path = self.write(folder, "module.py", text)
        child = self.open(path)
        self.write(folder, "module.py", "# changed\n" * 10)
        self.assertIn("return 1 / 0", child.run("fails").data["stack"])

    def test_waiting_jobs_get_a_thread_when_one_is_free(self) -> None:
        child = self.load(
            """
            import threading
            from jobrunner import handler
            go = threading.Event()

            @handler
            def waits(job):
                job.progress("begun")
                go.wait()

            @handler
            async def frees(job): go.set()
            """
        )
        calls = [child.start("waits") for _ in range(300)]
        child.wait(lambda: sum(child.so_far(call).progress == ["begun"] for call in calls) == 256, "not begun")
        child.cancel(calls[-1])
        self.assertIn("timed out", child.outcome(calls[-1]).message)
        child.run("frees")
        for call in calls[:-1]:
            self.assertIsNone(child.outcome(call).error)
        self.assertEqual(child.so_far(calls[-1]).progress, [])

    def test_jobs_wait_where_no_further_thread_can_be_made(self) -> None:
        child = self.load(
            """
            import resource, threading
            from jobrunner import handler
            go = threading.Event()
            resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))

            @handler
            def waits(job):
                job.progress("begun")
                go.wait()

            @handler
            async def frees(job): go.set()
            """
        )
        calls = [child.start("waits") for _ in range(100)]
        child.wait_begun(calls[0])
        child.run("frees")
        for call in calls:
            self.assertIsNone(child.outcome(call).error)
