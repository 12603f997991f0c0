"""The job that is given to authors for their tests."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any

from jobrunner import Cancelled, Job, WaitForChildren
from jobrunner.testing import FakeJob


class FakeJobs(unittest.TestCase):
    def test_it_keeps_what_a_handler_reports(self) -> None:
        job = FakeJob({"name": "Ada"}, attempt=2, max_attempts=3)
        job.progress(50)
        job.log("half")
        job.save_state({"page": 1})
        job.update_data({"name": "Bob"})
        self.assertEqual((job.reported, job.logged), ([50], ["half"]))
        self.assertEqual((job.state, job.data, job.attempt, job.max_attempts), ({"page": 1}, {"name": "Bob"}, 2, 3))
        with self.assertRaisesRegex(TypeError, "is of type set"):
            job.progress({1})

    def test_children_are_added_and_asked_for(self) -> None:
        def album(job: Job[Any]) -> Any:
            if not job.children_values():
                added = job.add_children([{"name": "resize"}, {"name": "resize", "queue": "images"}])
                job.add_jobs([{"name": "mail"}])
                self.assertEqual(added, [{"id": "1", "queue": "test"}, {"id": "2", "queue": "images"}])
                self.assertEqual(job.dependencies()["unprocessed"], 2)
                job.wait_for_children()
            return [list(job.children_values().values()), job.failed_children()]

        first: FakeJob[None] = FakeJob(None)
        with self.assertRaises(WaitForChildren):
            album(first)
        self.assertEqual([child["name"] for child in first.added_children], ["resize", "resize"])
        self.assertEqual(first.added_jobs, [{"name": "mail"}])
        again: FakeJob[None] = FakeJob(None, children_values={"bull:test:1": 5}, failed_children={"bull:test:2": "no"})
        self.assertEqual(album(again), [[5], {"bull:test:2": "no"}])

    def test_coroutines_and_cancelling_work_as_in_a_worker(self) -> None:
        async def work(job: Job[int]) -> int:
            await job.save_state_async(job.data + 1)
            job.check()
            return int(job.state)

        job = FakeJob(1)
        self.assertEqual(asyncio.run(work(job)), 2)
        job.cancel("timed out")
        self.assertTrue(job.cancelled)
        with self.assertRaisesRegex(Cancelled, "timed out"):
            asyncio.run(work(job))
        with self.assertRaises(Cancelled):
            job.sleep(1000)
