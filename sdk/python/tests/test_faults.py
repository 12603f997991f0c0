"""What handlers should not do: it fails their own job, with a reason, and others go on."""

from __future__ import annotations

import os

from .child import Child, HostTest

FAULTS = r"""
    import asyncio, datetime, enum, os, signal, sys, threading, time
    from collections import namedtuple
    from dataclasses import dataclass
    from decimal import Decimal
    from jobrunner import handler

    class OutOfPaper(Exception):
        pass

    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    @dataclass
    class Report:
        rows: list

    def circular():
        value = []
        value.append(value)
        return value

    def nested():
        value = []
        for _ in range(100_000):
            value = [value]
        return value

    def recursion(depth=0):
        return recursion(depth + 1)

    def mutual(depth):
        return other(depth)

    def other(depth):
        return mutual(depth + 1)

    def raises(error):
        raise error

    def chained():
        try:
            raises(OutOfPaper("no paper left"))
        except OutOfPaper as error:
            raise ValueError("cannot print") from error

    def memory():
        import resource
        held = []
        limit = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, limit[1]))
        try:
            while len(held) < 1000:
                held.append(bytearray(1 << 20))
            raise MemoryError()  # where the system has no such limit
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, limit)

    faults = {
        "fine": lambda: "fine",
        "error": lambda: raises(OutOfPaper("no paper left")),
        "silent": lambda: raises(OutOfPaper()),
        "key": lambda: {}["gone"],
        "unprintable": lambda: raises(Unprintable()),
        "chained": chained,
        "long": lambda: raises(OutOfPaper("x" * 10_000_000)),
        "exit": lambda: sys.exit(3),
        "exit text": lambda: sys.exit("no more"),
        "exit plain": lambda: sys.exit(),
        "interrupt": lambda: raises(KeyboardInterrupt()),
        "generator exit": lambda: raises(GeneratorExit()),
        "recursion": recursion,
        "mutual": lambda: mutual(0),
        "memory": memory,
        "set": lambda: {1},
        "nan": lambda: float("nan"),
        "inside": lambda: {"rows": [1, {"at": datetime.datetime.now()}]},
        "dataclass": lambda: Report([Decimal(1)]),
        "key of tuple": lambda: {"a": {(1, 2): 3}},
        "bytes": lambda: b"x",
        "function": lambda: print,
        "circular": circular,
        "nested": nested,
        "large": lambda: "x" * (2 << 20),
        "huge": lambda: "x" * (100 << 20),
        "surrogate": lambda: "\ud800 \U0001f600",
        "tuple": lambda: (1, namedtuple("Point", "x y")(2, 3)),
        "keys": lambda: {1: "a", None: "b", True: "c"},
    }

    @handler
    def plain(job):
        return faults[job.data]()

    @handler
    async def coroutine(job):
        return faults[job.data]()
"""


class Faults(HostTest):
    def assert_sound(self, child: Child) -> None:
        """Asserts that the process goes on with other jobs."""
        self.assertEqual([child.run(name, "fine").result for name in ("plain", "coroutine")], ["fine", "fine"])

    def test_an_exception_fails_the_job_with_its_name_message_and_traceback(self) -> None:
        child = self.load(FAULTS)
        wants = {
            "error": ("OutOfPaper", "no paper left"),
            "silent": ("OutOfPaper", "OutOfPaper"),
            "key": ("KeyError", "KeyError: 'gone'"),
            "unprintable": ("Unprintable", "Unprintable"),
            "chained": ("ValueError", "cannot print"),
            "exit": ("SystemExit", "the handler called sys.exit(3)"),
            "exit text": ("SystemExit", "the handler called sys.exit('no more')"),
            "exit plain": ("SystemExit", "the handler called sys.exit()"),
            "interrupt": ("KeyboardInterrupt", "KeyboardInterrupt"),
            "generator exit": ("GeneratorExit", "GeneratorExit"),
        }
        for handler in ("plain", "coroutine"):
            for fault, (name, message) in wants.items():
                outcome = child.run(handler, fault)
                self.assertEqual((outcome.data["name"], outcome.message), (name, message))
                stack = outcome.data["stack"]
                self.assertIn("module.py", stack)
                self.assertNotIn(f"jobrunner{os.sep}", stack)
                self.assertNotIn("concurrent", stack)
        chained = child.run("plain", "chained").data["stack"]
        self.assertIn("OutOfPaper: no paper left\n\nThe above exception was the direct cause", chained)
        self.assert_sound(child)

    def test_what_an_error_says_is_bounded(self) -> None:
        child = self.load(FAULTS)
        outcome = child.run("plain", "long")
        self.assertLess(len(outcome.message), 70_000)
        self.assertIn("characters left out", outcome.message)
        for fault in ("recursion", "mutual"):
            outcome = child.run("plain", fault)
            self.assertEqual(outcome.data["name"], "RecursionError")
            self.assertLess(len(outcome.data["stack"]), 70_000)
            self.assertTrue(outcome.data["stack"].rstrip().splitlines()[-1].startswith("RecursionError: "))
        self.assert_sound(child)

    def test_a_result_that_is_not_json_says_what_is_wrong_where(self) -> None:
        child = self.load(FAULTS)
        wants = {
            "set": "it is of type set; use a list",
            "nan": "it is nan, which JSON has no word for; use None",
            "inside": "result['rows'][1]['at'] is of type datetime; use its isoformat()",
            "dataclass": "result.rows[0] is of type Decimal; use str() or float() of it",
            "key of tuple": "result['a'] has the key (1, 2); keys must be text",
            "bytes": "it is of type bytes; use text, by decode() or base64",
            "function": "it is of type builtin_function_or_method",
            "circular": "it contains itself",
            "nested": "it is nested too deeply",
        }
        for handler in ("plain", "coroutine"):
            for fault, why in wants.items():
                outcome = child.run(handler, fault)
                self.assertEqual(outcome.message, f"the result is not JSON: {why}")
        self.assert_sound(child)

    def test_a_result_that_is_too_large_is_refused(self) -> None:
        child = self.load(FAULTS)
        for fault, size in (("large", (2 << 20) + 2), ("huge", (100 << 20) + 2)):
            message = f"the result has {size} bytes as JSON, more than the {1 << 20} allowed; store it elsewhere"
            self.assertIn(message, child.run("plain", fault).message)
        self.assert_sound(child)

    def test_odd_results_that_are_json_arrive(self) -> None:
        child = self.load(FAULTS)
        self.assertEqual(child.run("plain", "surrogate").result, "\ud800 \U0001f600")
        self.assertEqual(child.run("plain", "tuple").result, [1, [2, 3]])
        self.assertEqual(child.run("plain", "keys").result, {"1": "c", "null": "b"})

    def test_reports_that_the_worker_could_not_take_fail_where_they_are_made(self) -> None:
        child = self.load(
            """
            from jobrunner import handler

            @handler
            def progress(job): job.progress({1} if job.data == "set" else "x" * (2 << 20))

            @handler
            def state(job): job.save_state({"seen": {1}})

            @handler
            def fine(job): return "fine"
            """
        )
        self.assertEqual(
            child.run("progress", "set").message,
            "the progress is not JSON: progress['value'] is of type set; use a list",
        )
        self.assertIn("progress has 2097", child.run("progress", "large").message)
        self.assertIn("saveState['value']['seen'] is of type set", child.run("state").message)
        self.assertEqual(child.run("fine").result, "fine")

    def test_running_out_of_memory_asks_for_a_new_process(self) -> None:
        child = self.load(FAULTS)
        for _ in range(2):
            outcome = child.run("plain", "memory")
            self.assertEqual((outcome.message, outcome.data["name"]), ("the job ran out of memory", "MemoryError"))
            self.assertIn("module.py", outcome.data["stack"])
        self.assert_sound(child)
        self.assertEqual(child.notices, [("retire", {"reason": "a job ran out of memory"})])

    def test_code_that_is_left_running_in_the_event_loop_harms_no_other_job(self) -> None:
        child = self.load(
            """
            import asyncio, sys
            from jobrunner import handler

            async def exits(): sys.exit(3)
            async def fails(): raise ValueError("nobody looks")

            @handler
            async def leaves(job):
                asyncio.create_task(exits())
                asyncio.create_task(fails())
                await asyncio.sleep(0)
                return "left"

            @handler
            async def stops(job):
                asyncio.get_running_loop().stop()
                return "stopped"

            @handler
            async def fine(job):
                await asyncio.sleep(0.001)
                return "fine"
            """
        )
        for name, result in (("leaves", "left"), ("fine", "fine"), ("stops", "stopped"), ("fine", "fine")):
            self.assertEqual(child.run(name).result, result)

    def test_a_child_made_by_fork_does_not_answer_for_its_parent(self) -> None:
        child = self.load(
            """
            import multiprocessing, os, time
            from jobrunner import handler

            @handler
            def forks(job):
                pid = os.fork()
                if pid == 0:
                    job.log("from the child")
                    print("printed by the child")
                    return "the child's"
                os.waitpid(pid, 0)
                return "the parent's"

            def work(number):
                print(f"worked on {number}")  # in one piece: the two share stderr
                return number * 2

            @handler
            def pool(job):
                with multiprocessing.get_context("fork").Pool(2) as pool:
                    return pool.map(work, [1, 2])
            """
        )
        outcome = child.run("forks")
        self.assertEqual((outcome.result, outcome.logs), ("the parent's", []))
        self.assertEqual(child.run("pool").result, [2, 4])
        child.wait_stderr("worked on 2")

    def test_a_process_that_ends_itself_ends(self) -> None:
        child = self.load(
            """
            import os
            from jobrunner import handler

            @handler
            def dies(job): os._exit(3)
            """
        )
        child.start("dies")
        self.assertEqual(child.wait_end(), 3)

    def test_a_crash_says_where(self) -> None:
        child = self.load(
            """
            import ctypes
            from jobrunner import handler

            @handler
            def crashes(job): ctypes.string_at(0)
            """
        )
        child.start("crashes")
        self.assertLess(child.wait_end(), 0)
        self.assertIn("Fatal Python error: Segmentation fault", child.stderr())
        self.assertIn("module.py", child.stderr())

    def test_the_end_of_the_connection_ends_the_process_whatever_runs_in_it(self) -> None:
        child = self.load(
            """
            import asyncio, atexit, sys, threading, time
            from jobrunner import handler
            atexit.register(lambda: print("tidied up", file=sys.stderr))

            @handler
            def never(job):
                threading.Thread(target=time.sleep, args=(1000,)).start()
                job.progress("begun")
                while True:
                    time.sleep(1000)

            @handler
            async def blocks(job):
                job.progress("begun")
                time.sleep(1000)
            """
        )
        call = child.start("never")
        child.wait_begun(call)
        assert child.process.stdin is not None
        child.process.stdin.close()
        self.assertEqual(child.wait_end(), 0)
        self.assertIn("tidied up", child.stderr())

    def test_a_blocked_event_loop_does_not_keep_the_process_alive(self) -> None:
        child = self.load(
            """
            import time
            from jobrunner import handler

            @handler
            async def blocks(job):
                job.progress("begun")
                time.sleep(1000)
            """
        )
        call = child.start("blocks")
        child.wait_begun(call)
        self.assertEqual(child.close(), 0)
