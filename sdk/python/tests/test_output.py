"""What handlers print goes to their jobs' logs and never between the messages."""

from __future__ import annotations

from .child import HostTest


class Output(HostTest):
    def test_what_a_job_prints_is_its_log(self) -> None:
        child = self.load(
            r"""
            import logging, sys, warnings
            from jobrunner import handler
            print("while it loads")

            @handler
            def plain(job):
                print("one", "two")
                print("left", end="")
                print(" open")
                sys.stderr.write("to stderr\n\nthree ")
                sys.stdout.buffer.write("Gr\u00fc\u00dfe\n".encode())
                sys.stdout.buffer.write(b"\xff\n")
                print("\ud800")
                print("10%\r20%\r30%\r\nnext\r")
                logging.warning("logged")
                print("x" * 70_000)
                print("not ended", end="")

            @handler
            async def coroutine(job):
                print("in a coroutine")
            """
        )
        replaced = ["30%", "next"]
        expected = ["one two", "left open", "to stderr", "", "three Grüße", "\ufffd", "\\ud800", *replaced]
        expected += ["WARNING:root:logged", "x" * 65536, "not ended"]
        self.assertEqual(child.run("plain").logs, expected)
        self.assertEqual(child.run("coroutine").logs, ["in a coroutine"])
        self.assertIn("while it loads\n", child.stderr())

    def test_jobs_that_run_together_keep_their_output_apart(self) -> None:
        child = self.load(
            """
            import asyncio, threading
            from jobrunner import handler
            together = threading.Barrier(10)

            @handler
            def plain(job):
                together.wait(20)
                for n in range(20):
                    print(job.data, end=" ")
                    print(n)

            @handler
            async def coroutine(job):
                for n in range(20):
                    print(job.data, end=" ")
                    await asyncio.sleep(0)
                    print(n)
            """
        )
        for name in ("plain", "coroutine"):
            calls = [child.start(name, data) for data in range(10)]
            for data, call in enumerate(calls):
                self.assertEqual(child.outcome(call).logs, [f"{data} {n}" for n in range(20)])

    def test_threads_and_executors_print_to_the_log_of_the_job_that_uses_them(self) -> None:
        child = self.load(
            """
            import asyncio, threading
            from concurrent.futures import ThreadPoolExecutor
            from jobrunner import handler
            shared = ThreadPoolExecutor(1)

            @handler
            def plain(job):
                thread = threading.Thread(target=print, args=("thread of", job.data))
                thread.start()
                thread.join()
                shared.submit(print, "executor for", job.data).result()
                list(shared.map(print, [f"mapped for {job.data}"]))

            @handler
            async def coroutine(job):
                await asyncio.to_thread(print, "thread of", job.data)
                await asyncio.get_running_loop().run_in_executor(shared, print, "executor for", job.data)

            @handler
            def fails(job):
                thread = threading.Thread(target=lambda: 1 / 0)
                thread.start()
                thread.join()
                return "fine"
            """
        )
        for data in (1, 2):
            expected = [f"thread of {data}", f"executor for {data}", f"mapped for {data}"]
            self.assertEqual(child.run("plain", data).logs, expected)
            self.assertEqual(child.run("coroutine", data).logs, expected[:2])
        failing = child.run("fails")
        self.assertEqual(failing.result, "fine")
        self.assertIn("ZeroDivisionError: division by zero", failing.logs)

    def test_processes_print_to_the_log_of_the_job_that_starts_them(self) -> None:
        child = self.load(
            """
            import asyncio, os, subprocess
            from jobrunner import handler
            script = "echo out of $0; echo err of $0 >&2"

            @handler
            def plain(job):
                subprocess.run(["sh", "-c", script, str(job.data)], check=True)
                subprocess.Popen(["sh", "-c", script, "positional"], -1, None, None, None, None).wait()
                with os.popen("echo read; echo err of popen >&2") as pipe:
                    return pipe.read()

            @handler
            async def coroutine(job):
                process = await asyncio.create_subprocess_exec("sh", "-c", script, str(job.data))
                await process.wait()
                process = await asyncio.create_subprocess_exec("echo", "read", stdout=subprocess.PIPE)
                return (await process.communicate())[0].decode()

            @handler
            def leaves(job):
                process = subprocess.Popen(["sh", "-c", "echo first; read -r line; echo second"], stdin=subprocess.PIPE)
                left.append(process)
                while not os.path.exists("done"):
                    os.system("true")
                    open("done", "w").close()

            @handler
            def ends(job):
                left[0].communicate(b"on\\n")

            left = []

            @handler
            def direct(job):
                os.write(1, b"rubbish in the pipe\\n")
                os.system("echo rubbish from the shell")
                return "fine"
            """
        )
        for data in (1, 2):
            self.assertEqual(
                child.run("plain", data).logs,
                [f"out of {data}", f"err of {data}", "out of positional", "err of positional", "err of popen"],
            )
            outcome = child.run("coroutine", data)
            self.assertEqual((outcome.result, outcome.logs), ("read\n", [f"out of {data}", f"err of {data}"]))
        self.assertEqual(child.run("leaves").result, None)
        child.run("ends")
        child.wait_stderr("second\n")  # its job was over
        self.assertEqual(child.run("direct").result, "fine")
        child.wait_stderr("rubbish in the pipe\n")
        child.wait_stderr("rubbish from the shell\n")

    def test_closing_or_replacing_the_streams_stops_no_other_job(self) -> None:
        child = self.load(
            """
            import io, os, sys
            from jobrunner import handler

            @handler
            def closes(job):
                sys.stdout.close()
                sys.stderr.close()
                os.close(1)
                return sys.stdin.read()

            @handler
            def rewraps(job):
                sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8", line_buffering=True)
                print("rewrapped")

            @handler
            def prints(job):
                sys.stdout.reconfigure(line_buffering=True)
                print("still here", sys.stdout.isatty(), sys.stdout.encoding)
                sys.stdout.flush()
            """
        )
        self.assertEqual(child.run("closes").result, "")
        for name, logs in (("prints", ["still here False utf-8"]), ("rewraps", ["rewrapped"])):
            outcome = child.run(name)
            self.assertEqual((outcome.error, outcome.logs), (None, logs))
        self.assertEqual(child.run("prints").logs, ["still here False utf-8"])

    def test_a_flood_of_output_breaks_nothing(self) -> None:
        child = self.load(
            """
            import threading
            from jobrunner import handler

            @handler
            def floods(job):
                threads = [threading.Thread(target=lambda: [print("x" * 1000) for _ in range(2000)]) for _ in range(4)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                return "fine"
            """
        )
        outcome = child.run("floods")
        self.assertEqual((outcome.result, len(outcome.logs)), ("fine", 8000))

    def test_a_process_that_is_left_writing_holds_up_no_job(self) -> None:
        child = self.load(
            """
            import subprocess
            from jobrunner import handler
            left = []

            @handler
            def leaves(job):
                left.append(subprocess.Popen(["yes", "and on"]))
                return "left"

            @handler
            async def kills(job):
                for process in left:
                    process.kill()
                    process.wait()
            """
        )
        self.assertEqual(child.run("leaves").result, "left")
        child.run("kills")

    def test_destructors_may_print_at_any_time(self) -> None:
        child = self.load(
            """
            import gc
            from jobrunner import handler

            class Loud:
                def __init__(self): self.me = self
                def __del__(self): print("gone")

            @handler
            def works(job):
                gc.set_threshold(1)
                for n in range(500):
                    Loud()
                    print(n, "x" * 1000)
                gc.collect()
                gc.set_threshold(700)
            """
        )
        outcome = child.run("works")
        self.assertIsNone(outcome.error)
        self.assertEqual(sum(line.endswith("gone") for line in outcome.logs), 500)

    def test_reports_after_the_end_go_nowhere(self) -> None:
        child = self.load(
            """
            import threading
            from jobrunner import handler
            go = threading.Event()
            thread = None

            @handler
            def leaves(job):
                global thread
                def later():
                    go.wait()
                    print("a late line")
                    job.progress(1)
                    job.log("late")
                thread = threading.Thread(target=later)
                thread.start()

            @handler
            def ends(job):
                go.set()
                thread.join()
            """
        )
        left = child.start("leaves")
        child.outcome(left)
        child.run("ends")
        self.assertEqual((child.so_far(left).logs, child.so_far(left).progress), ([], []))
        child.wait_stderr("a late line\n")
