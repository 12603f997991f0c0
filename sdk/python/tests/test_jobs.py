"""What handlers can do for and with their jobs."""

from __future__ import annotations

from .child import ECHO, HostTest


class Jobs(HostTest):
    def test_a_plain_function_and_a_coroutine_return_a_result(self) -> None:
        child = self.load(ECHO)
        for name in ("plain", "coroutine"):
            for data in (None, True, 1.5, "Grüße\u2028\n", [1, {"a": []}], 10**30):
                self.assertEqual(child.run(name, data).result, data)

    def test_many_jobs_run_at_once_in_one_process(self) -> None:
        child = self.load(
            """
            import asyncio, os, threading
            from jobrunner import handler
            together = threading.Barrier(20)
            arrived = 0

            @handler
            def plain(job):
                together.wait(20)
                return os.getpid()

            @handler
            async def coroutine(job):
                global arrived
                arrived += 1
                while arrived < 20:
                    await asyncio.sleep(0)
                return os.getpid()
            """
        )
        for name in ("plain", "coroutine"):
            calls = [child.start(name) for _ in range(20)]
            self.assertEqual({child.outcome(call).result for call in calls}, {child.process.pid})

    def test_a_job_tells_about_itself(self) -> None:
        child = self.load(
            """
            from jobrunner import handler

            @handler
            def facts(job):
                return [job.id, job.name, job.queue, job.prefix, job.data, job.opts, job.attempt, job.max_attempts,
                        job.attempts_started, job.priority, job.timestamp, job.parent, job.state, job.cancelled]
            """
        )
        facts = child.run("facts", {"a": 1}, parent={"id": "1", "queue": "p"}, state={"page": 3}).result
        expected = ["7", "facts", "q", "bull", {"a": 1}, {"attempts": 3}, 2, 3, 4, 1, 1_700_000_000_000]
        self.assertEqual(facts, [*expected, {"id": "1", "queue": "p"}, {"page": 3}, False])
        self.assertEqual(child.run("facts", 1).result[-3:], [None, None, False])

    def test_progress_and_log_lines_arrive_in_order_before_the_result(self) -> None:
        child = self.load(
            """
            from jobrunner import handler

            @handler
            async def talk(job):
                for n in range(3):
                    job.progress(n)
                    job.log(f"line {n}")
                job.progress({"percent": 100})
                job.log("x" * 100_000)
                job.log(42)
            """
        )
        outcome = child.run("talk")
        self.assertEqual(outcome.progress, [0, 1, 2, {"percent": 100}])
        self.assertEqual(outcome.logs, ["line 0", "line 1", "line 2", "x" * 65536, "42"])

    def test_requests_reach_the_worker_and_bring_its_answer(self) -> None:
        answers = {
            "childrenValues": {"bull:q:1": {"n": 1}},
            "failedChildren": {"bull:q:2": "no paper"},
            "dependencies": {"processed": 1, "unprocessed": 2, "ignored": 3, "failed": 4},
            "addChildren": [{"id": "1", "queue": "q"}],
            "addJobs": [{"id": "2", "queue": "other"}],
            "saveState": None,
            "updateData": None,
        }
        jobs = [{"name": "resize", "data": {"w": 1}}, {"name": "mail", "queue": "other", "opts": {"delay": 5}}]
        asked = [
            ("childrenValues", {}),
            ("failedChildren", {}),
            ("dependencies", {}),
            ("addChildren", {"jobs": jobs}),
            ("addJobs", {"jobs": jobs}),
            ("saveState", {"value": {"page": 2}}),
            ("updateData", {"value": {"page": 3}}),
        ]
        child = self.load(
            f"""
            from jobrunner import handler
            jobs = {jobs!r}

            @handler
            def plain(job):
                return [job.children_values(), job.failed_children(), job.dependencies(),
                        job.add_children(jobs), job.add_jobs(jobs),
                        job.save_state({{"page": 2}}), job.update_data({{"page": 3}}), job.state, job.data]

            @handler
            async def coroutine(job):
                return [await job.children_values_async(), await job.failed_children_async(),
                        await job.dependencies_async(), await job.add_children_async(jobs),
                        await job.add_jobs_async(jobs), await job.save_state_async({{"page": 2}}),
                        await job.update_data_async({{"page": 3}}), job.state, job.data]
            """
        )
        child.answers = answers
        for name in ("plain", "coroutine"):
            outcome = child.run(name, 1)
            self.assertEqual(outcome.result, [*answers.values(), {"page": 2}, {"page": 3}])
            self.assertEqual(outcome.asked, asked)

    def test_a_request_that_the_worker_refuses_raises_an_exception(self) -> None:
        child = self.load(
            """
            from jobrunner import RequestError, handler

            @handler
            def plain(job):
                try:
                    job.save_state(1)
                except RequestError as error:
                    return str(error), job.state

            @handler
            async def coroutine(job):
                await job.add_jobs_async([{"name": "x"}])

            @handler
            def wrong(job):
                job.add_jobs({"name": "x"})
            """
        )
        child.answers = {"saveState": ValueError("too large"), "addJobs": ValueError("no such queue")}
        self.assertEqual(child.run("plain", state=0).result, ["too large", 0])
        outcome = child.run("coroutine")
        self.assertEqual((outcome.message, outcome.data["name"]), ("no such queue", "RequestError"))
        self.assertIn("the jobs to add are a list", child.run("wrong").message)

    def test_exceptions_and_methods_put_a_job_back(self) -> None:
        child = self.load(
            """
            import jobrunner
            from jobrunner import handler
            raised = {
                "unrecoverable": lambda: jobrunner.Unrecoverable("never again"),
                "delay": lambda: jobrunner.Delay(1.5),
                "children": lambda: jobrunner.WaitForChildren(),
                "release": lambda: jobrunner.Release(),
                "rate": lambda: jobrunner.RateLimit(60),
            }
            called = {
                "delay": lambda job: job.delay(1.5),
                "children": lambda job: job.wait_for_children(),
                "release": lambda job: job.release(),
                "rate": lambda job: job.rate_limit(60),
            }

            @handler
            def raises(job): raise raised[job.data]()

            @handler
            async def calls(job): called[job.data](job)
            """
        )
        keys = {"unrecoverable", "delay", "waitForChildren", "release", "rateLimit"}
        wants = {
            "unrecoverable": ("never again", {"unrecoverable": True}),
            "delay": ("the job is put off for 1.5 s", {"delay": 1500}),
            "children": ("the job waits for its children", {"waitForChildren": True}),
            "release": ("the job is put back", {"release": True}),
            "rate": ("the queue is held for 60 s", {"rateLimit": 60000}),
        }
        for name, (message, said) in wants.items():
            for handler in ("raises",) if name == "unrecoverable" else ("raises", "calls"):
                outcome = child.run(handler, name)
                self.assertEqual(outcome.message, message)
                self.assertEqual({key: value for key, value in outcome.data.items() if key in keys}, said)

    def test_a_pause_must_be_a_length_of_time(self) -> None:
        child = self.load(
            """
            from jobrunner import handler

            @handler
            def pause(job): job.delay(float("nan") if job.data == "nan" else job.data)
            """
        )
        for pause in (-1, "nan", "5", None):
            outcome = child.run("pause", pause)
            self.assertIn("a pause is a number of seconds from 0 up, not", outcome.message)
            self.assertEqual(outcome.data["name"], "ValueError")

    def test_data_becomes_the_dataclass_that_the_parameter_names(self) -> None:
        child = self.load(
            """
            from __future__ import annotations
            from dataclasses import dataclass, field
            from enum import Enum
            from typing import Optional
            from jobrunner import Job, handler

            class Size(Enum):
                SMALL = "s"
                LARGE = "l"

            @dataclass
            class Image:
                url: str
                size: Size = Size.SMALL
                thumbs: list[Image] = field(default_factory=list)

            @dataclass
            class Reply:
                urls: list[str]
                size: Size

            @handler
            def by_data(data: Image, job: Job) -> Reply:
                return Reply([data.url, *(t.url for t in data.thumbs)], data.size)

            @handler
            async def by_job(job: Job[Image]) -> Reply:
                return by_data(job.data, job)

            @handler
            def optional(data: Optional[Image]):
                return data and data.url

            @dataclass
            class Even:
                n: int
                def __post_init__(self):
                    if self.n % 2:
                        raise ValueError(f"{self.n} is odd")

            @handler
            def even(data: Even): return data.n
            """
        )
        data = {"url": "a", "size": "l", "thumbs": [{"url": "b"}]}
        for name in ("by_data", "by_job"):
            self.assertEqual(child.run(name, data).result, {"urls": ["a", "b"], "size": "l"})
        self.assertEqual([child.run("optional", d).result for d in (data, None)], ["a", None])
        unfit = child.run("by_job", {"url": "a", "thumbs": [{"size": "s"}]})
        self.assertEqual(unfit.message, "the job's data does not fit the handler: data.thumbs[0].url is missing")
        self.assertTrue(unfit.data["unrecoverable"])
        self.assertIn("data.size is 'x', which is no Size", child.run("by_data", {"url": "a", "size": "x"}).message)
        odd = child.run("even", {"n": 3})
        self.assertIn("3 is odd", odd.message)
        self.assertTrue(odd.data["unrecoverable"])

    def test_a_plain_function_that_returns_a_coroutine_is_awaited(self) -> None:
        child = self.load(
            """
            import asyncio, functools
            from jobrunner import handler

            async def work(job):
                print("working")
                await asyncio.sleep(0)
                return job.data

            @handler("wrapped")
            @functools.wraps(work)
            def wrapper(*args):
                return work(*args)

            @handler("unnamed")
            def unnamed(*args, **kwargs):
                return work(*args)

            class Object:
                async def __call__(self, job):
                    return await work(job)

            handler("object")(Object())
            handler("partial")(functools.partial(work))
            """
        )
        for name in ("wrapped", "unnamed", "object", "partial"):
            outcome = child.run(name, 5)
            self.assertEqual((outcome.error, outcome.result, outcome.logs), (None, 5, ["working"]))

    def test_context_variables_do_not_pass_from_job_to_job(self) -> None:
        child = self.load(
            """
            import contextvars
            from jobrunner import handler
            seen = contextvars.ContextVar("seen", default=None)

            @handler
            def plain(job):
                before = seen.get()
                seen.set(job.data)
                return before

            @handler
            async def coroutine(job):
                before = seen.get()
                seen.set(job.data)
                return before
            """
        )
        for name in ("plain", "coroutine", "plain", "coroutine"):
            self.assertIsNone(child.run(name, 1).result)
