"""A job as its handler sees it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any, Generic, Mapping, NoReturn, Optional, Protocol, Sequence, TypedDict, TypeVar

from ._errors import Cancelled, Delay, RateLimit, Release, WaitForChildren

#: How long a line of the log may be; the rest is cut off.
MAX_LOG_LINE = 64 * 1024

Data = TypeVar("Data")


class _NamedJob(TypedDict):
    name: str


class NewJob(_NamedJob, total=False):
    """A job to add: its name, and what else there is to say about it."""

    #: Anything that JSON can hold, dataclasses too. Defaults to ``{}``.
    data: Any
    #: Defaults to the queue of the running job.
    queue: str
    #: BullMQ's options of a job, such as ``{"attempts": 3, "delay": 5000}``; times are in milliseconds.
    opts: Mapping[str, Any]


class AddedJob(TypedDict):
    """Where a job is that was added."""

    id: str
    queue: str


class DependencyCounts(TypedDict):
    """How many of a job's children have ended in which way, or not yet."""

    processed: int
    unprocessed: int
    ignored: int
    failed: int


class Attempt(Protocol):
    """What a job needs of whoever runs it."""

    #: Set once the job must stop.
    stop: threading.Event
    #: Why it must.
    reason: str

    def notify(self, method: str, **params: Any) -> None:
        """Tells the worker something of the job, unless the attempt is over."""

    def request(self, method: str, **params: Any) -> Future[Any]:
        """Asks the worker for something; the future may fail with :class:`RequestError`."""
        ...


class Job(Generic[Data]):
    """One attempt of one job. Its methods may be called from any thread.

    Methods that ask the worker for something block until it has answered; each has a
    twin whose name ends in ``_async`` for coroutines.
    """

    def __init__(self, attempt: Attempt, job: Mapping[str, Any]) -> None:
        self._attempt = attempt
        #: Unique in the queue.
        self.id: str = job["id"]
        #: The job's name, which chose the handler.
        self.name: str = job["name"]
        #: The queue's name without its prefix.
        self.queue: str = job["queue"]
        self.prefix: str = job["prefix"]
        #: What the producer gave.
        self.data: Data = job["data"]
        #: The options that the job was added with, as BullMQ has them.
        self.opts: Mapping[str, Any] = job.get("opts") or {}
        #: Counts the attempts from 1.
        self.attempt: int = job["attempt"]
        self.max_attempts: int = job["maxAttempts"]
        #: Counts how often the job was started, this time included: also after it was put back or cut off.
        self.attempts_started: int = job.get("attemptsStarted", self.attempt)
        self.priority: int = job["priority"]
        #: When the job was created, in epoch milliseconds.
        self.timestamp: int = job["timestamp"]
        #: ``{"id", "queue"}`` of the job that waits for this one.
        self.parent: Optional[Mapping[str, str]] = job.get("parent")
        #: What :meth:`save_state` has saved, in this attempt or an earlier one; None at first.
        self.state: Any = job.get("state")

    def progress(self, value: Any) -> None:
        """Reports how far the job is: by convention a percentage or a dict."""
        self._attempt.notify("progress", value=value)

    def log(self, line: object) -> None:
        """Appends a line to the job's log. ``print`` does so too."""
        self._attempt.notify("log", line=str(line)[:MAX_LOG_LINE])

    @property
    def cancelled(self) -> bool:
        """Whether the job must stop: it timed out, was cancelled, or the worker shuts down."""
        return self._attempt.stop.is_set()

    def check(self) -> None:
        """Raises :class:`Cancelled` if the job must stop."""
        if self._attempt.stop.is_set():
            raise Cancelled(self._attempt.reason)

    def sleep(self, seconds: float) -> None:
        """Sleeps like :func:`time.sleep`, but raises :class:`Cancelled` as soon as the job must stop.

        Coroutines use :func:`asyncio.sleep`.
        """
        if self._attempt.stop.wait(seconds):
            raise Cancelled(self._attempt.reason)

    def children_values(self) -> dict[str, Any]:
        """Returns the results of the job's completed children by their job keys, ``prefix:queue:id``."""
        values: dict[str, Any] = self._attempt.request("childrenValues").result()
        return values

    async def children_values_async(self) -> dict[str, Any]:
        """See :meth:`children_values`."""
        values: dict[str, Any] = await asyncio.wrap_future(self._attempt.request("childrenValues"))
        return values

    def failed_children(self) -> dict[str, str]:
        """Returns why children failed whose failure the job was told to ignore, by their job keys."""
        reasons: dict[str, str] = self._attempt.request("failedChildren").result()
        return reasons

    async def failed_children_async(self) -> dict[str, str]:
        """See :meth:`failed_children`."""
        reasons: dict[str, str] = await asyncio.wrap_future(self._attempt.request("failedChildren"))
        return reasons

    def dependencies(self) -> DependencyCounts:
        """Counts the job's children by how they stand."""
        counts: DependencyCounts = self._attempt.request("dependencies").result()
        return counts

    async def dependencies_async(self) -> DependencyCounts:
        """See :meth:`dependencies`."""
        counts: DependencyCounts = await asyncio.wrap_future(self._attempt.request("dependencies"))
        return counts

    def add_children(self, jobs: Sequence[NewJob]) -> list[AddedJob]:
        """Adds jobs as children of this one, all or none.

        The job does not wait for them by itself: see :meth:`wait_for_children`.
        """
        added: list[AddedJob] = self._ask_to_add("addChildren", jobs).result()
        return added

    async def add_children_async(self, jobs: Sequence[NewJob]) -> list[AddedJob]:
        """See :meth:`add_children`."""
        added: list[AddedJob] = await asyncio.wrap_future(self._ask_to_add("addChildren", jobs))
        return added

    def add_jobs(self, jobs: Sequence[NewJob]) -> list[AddedJob]:
        """Adds jobs that have nothing further to do with this one, all or none."""
        added: list[AddedJob] = self._ask_to_add("addJobs", jobs).result()
        return added

    async def add_jobs_async(self, jobs: Sequence[NewJob]) -> list[AddedJob]:
        """See :meth:`add_jobs`."""
        added: list[AddedJob] = await asyncio.wrap_future(self._ask_to_add("addJobs", jobs))
        return added

    def save_state(self, value: Any) -> None:
        """Keeps a value, 1 MiB as JSON at most, for the job's further attempts as :attr:`state`."""
        self._attempt.request("saveState", value=value).result()
        self.state = value

    async def save_state_async(self, value: Any) -> None:
        """See :meth:`save_state`."""
        await asyncio.wrap_future(self._attempt.request("saveState", value=value))
        self.state = value

    def update_data(self, value: Data) -> None:
        """Replaces the job's data, for this attempt and all that read the job later."""
        self._attempt.request("updateData", value=value).result()
        self.data = value

    async def update_data_async(self, value: Data) -> None:
        """See :meth:`update_data`."""
        await asyncio.wrap_future(self._attempt.request("updateData", value=value))
        self.data = value

    def delay(self, seconds: float) -> NoReturn:
        """Puts the job back for some seconds, by raising :class:`Delay`."""
        raise Delay(seconds)

    def wait_for_children(self) -> NoReturn:
        """Puts the job back until its children have ended, by raising :class:`WaitForChildren`."""
        raise WaitForChildren()

    def release(self) -> NoReturn:
        """Puts the job back to wait for its turn, on any worker, by raising :class:`Release`."""
        raise Release()

    def rate_limit(self, seconds: float) -> NoReturn:
        """Puts the job back and holds its queue for some seconds, by raising :class:`RateLimit`."""
        raise RateLimit(seconds)

    def _ask_to_add(self, method: str, jobs: Sequence[NewJob]) -> Future[Any]:
        if isinstance(jobs, (Mapping, str)):
            raise TypeError("the jobs to add are a list, such as [{'name': 'resize', 'data': {…}}]")
        return self._attempt.request(method, jobs=list(jobs))
