"""Jobs for the tests of handlers, without a worker.

>>> from jobrunner.testing import FakeJob
>>> job = FakeJob({"name": "Ada"})
>>> greet(job)
'Hello, Ada'
>>> job.reported
[50]
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any, Mapping, Optional

from ._job import Data, Job, NewJob
from ._json import encode

__all__ = ["FakeJob"]


class FakeJob(Job[Data]):
    """A job that keeps what its handler does with it."""

    def __init__(
        self,
        data: Data,
        *,
        name: str = "test",
        queue: str = "test",
        attempt: int = 1,
        max_attempts: int = 1,
        opts: Optional[Mapping[str, Any]] = None,
        state: Any = None,
        children_values: Optional[Mapping[str, Any]] = None,
        failed_children: Optional[Mapping[str, str]] = None,
    ) -> None:
        """
        :param data: as the handler takes it; nothing is converted or checked.
        :param children_values: the results of completed children by their job keys.
        :param failed_children: the reasons of failed ones whose failure is ignored.
        """
        self._fake = _FakeAttempt(queue, children_values or {}, failed_children or {})
        super().__init__(
            self._fake,
            {
                "id": "1",
                "name": name,
                "queue": queue,
                "prefix": "bull",
                "data": data,
                "opts": opts,
                "attempt": attempt,
                "maxAttempts": max_attempts,
                "priority": 0,
                "timestamp": 0,
                "state": state,
            },
        )

    @property
    def reported(self) -> list[Any]:
        """The progress that was reported, in order."""
        return self._fake.reported

    @property
    def logged(self) -> list[str]:
        """The lines of the log; what is printed goes to stdout as usual."""
        return self._fake.logged

    @property
    def added_children(self) -> list[NewJob]:
        """The children that were added."""
        return self._fake.added["addChildren"]

    @property
    def added_jobs(self) -> list[NewJob]:
        """The other jobs that were added."""
        return self._fake.added["addJobs"]

    def cancel(self, reason: str = "the job was cancelled") -> None:
        """Tells the handler to stop. A coroutine is cancelled by its task."""
        self._fake.reason = reason
        self._fake.stop.set()


class _FakeAttempt:
    """Answers as a worker does, and refuses what is not JSON as the host does."""

    def __init__(self, queue: str, values: Mapping[str, Any], failures: Mapping[str, str]) -> None:
        self.stop = threading.Event()
        self.reason = ""
        self.reported: list[Any] = []
        self.logged: list[str] = []
        self.added: dict[str, list[NewJob]] = {"addChildren": [], "addJobs": []}
        self._queue = queue
        self._values = values
        self._failures = failures

    def notify(self, method: str, **params: Any) -> None:
        encode(params, method)
        if method == "progress":
            self.reported.append(params["value"])
        else:
            self.logged.append(params["line"])

    def request(self, method: str, **params: Any) -> Future[Any]:
        encode(params, method)
        answer: Future[Any] = Future()
        answer.set_result(self._answer(method, params))
        return answer

    def _answer(self, method: str, params: Mapping[str, Any]) -> Any:
        if method == "childrenValues":
            return dict(self._values)
        if method == "failedChildren":
            return dict(self._failures)
        if method == "dependencies":
            left = len(self.added["addChildren"])
            return {
                "processed": len(self._values),
                "unprocessed": left,
                "ignored": len(self._failures),
                "failed": 0,
            }
        if method in self.added:
            return [self._add(method, job) for job in params["jobs"]]
        return None

    def _add(self, method: str, job: NewJob) -> Mapping[str, str]:
        self.added[method].append(job)
        number = sum(map(len, self.added.values()))
        return {"id": f"{number}", "queue": job.get("queue", self._queue)}
