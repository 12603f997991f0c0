"""How handlers are told to stop."""

from __future__ import annotations

from .child import ECHO, HostTest


class Cancelling(HostTest):
    SLEEPER = """
        import asyncio, time
        from jobrunner import Cancelled, handler

        @handler
        def sleeps(job):
            job.progress("begun")
            job.sleep(1000)

        @handler
        def checks(job):
            job.progress("begun")
            while True:
                job.check()
                time.sleep(0.001)

        @handler
        def looks(job):
            job.progress("begun")
            while not job.cancelled:
                time.sleep(0.001)
            return "tidied up"

        @handler
        async def awaits(job):
            job.progress("begun")
            await asyncio.sleep(1000)

        @handler
        async def tidies(job):
            job.progress("begun")
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                return "tidied up"

        @handler
        async def gives_up(job):
            raise asyncio.CancelledError()
    """

    def test_a_handler_is_told_to_stop(self) -> None:
        child = self.load(self.SLEEPER)
        for name in ("sleeps", "checks", "awaits"):
            call = child.start(name)
            child.wait_begun(call)
            child.cancel(call, "timed out after 5s")
            outcome = child.outcome(call)
            self.assertEqual((outcome.message, outcome.data["name"]), ("timed out after 5s", "Cancelled"))
            self.assertIn("module.py", outcome.data["stack"])
            self.assertNotIn("_job.py", outcome.data["stack"])
        for name in ("looks", "tidies"):
            call = child.start(name)
            child.wait_begun(call)
            child.cancel(call)
            self.assertEqual(child.outcome(call).result, "tidied up")

    def test_a_job_cancelled_before_it_begins_does_not_run(self) -> None:
        child = self.load(
            """
            import time
            from jobrunner import handler

            @handler
            async def blocks(job):
                job.progress("begun")
                while not blocked:
                    time.sleep(0.001)

            @handler
            async def waits(job):
                job.log("ran")

            blocked = []

            @handler
            def unblock(job): blocked.append(1)
            """
        )
        first = child.start("blocks")
        child.wait_begun(first)
        second = child.start("waits")
        child.cancel(second, "the job was cancelled")
        self.assertEqual(child.outcome(second).message, "the job was cancelled")
        child.run("unblock")
        child.outcome(first)
        self.assertEqual(child.outcome(child.send("ping", {})).result, None)
        self.assertEqual(child.so_far(second).logs, [])

    def test_a_cancelled_error_of_its_own_is_an_error_like_others(self) -> None:
        child = self.load(self.SLEEPER)
        self.assertEqual(child.run("gives_up").data["name"], "CancelledError")

    def test_cancelling_a_job_that_is_over_does_nothing(self) -> None:
        child = self.load(ECHO)
        call = child.start("plain", 1)
        child.outcome(call)
        child.cancel(call)
        child.cancel(99)
        self.assertEqual(child.run("plain", 2).result, 2)
