"""A job as its handler sees it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Mapping, Optional, Protocol

from ._errors import Cancelled

_MAX_LOG_LINE = 64 * 1024


class _Connection(Protocol):
    """What a job needs of the connection to the worker."""

    def notify(self, method: str, params: Mapping[str, Any]) -> None: ...

    def request(self, method: str, params: Mapping[str, Any]) -> Any: ...


class Job:
    """One attempt of one job. Its methods may be called from any thread."""

    def __init__(self, connection: _Connection, call: int, job: Mapping[str, Any]) -> None:
        self._connection = connection
        self._call = call
        self._cancelled = threading.Event()
        self._reason = ""
        self._settled = False
        self._partial = ""
        #: Unique in the queue.
        self.id: str = job["id"]
        #: The job's name, which chose the handler.
        self.name: str = job["name"]
        #: The queue's name without its prefix.
        self.queue: str = job["queue"]
        self.prefix: str = job["prefix"]
        #: What the producer gave.
        self.data: Any = job["data"]
        #: Counts the attempts from 1.
        self.attempt: int = job["attempt"]
        self.max_attempts: int = job["maxAttempts"]
        self.priority: int = job["priority"]
        #: When the job was created, in epoch milliseconds.
        self.timestamp: int = job["timestamp"]
        #: ``{"id", "queue"}`` of the job that waits for this one.
        self.parent: Optional[Mapping[str, str]] = job.get("parent")

    def progress(self, value: Any) -> None:
        """Reports how far the job is: by convention a percentage or a dict."""
        if not self._settled:
            self._connection.notify("progress", {"call": self._call, "value": value})

    def log(self, line: object) -> None:
        """Appends a line to the job's log. ``print`` does so too while the job runs."""
        if not self._settled:
            self._connection.notify("log", {"call": self._call, "line": str(line)[:_MAX_LOG_LINE]})

    def children_values(self) -> Mapping[str, Any]:
        """Returns the results of the job's completed children by their job keys."""
        return self._connection.request("childrenValues", {"call": self._call})

    async def children_values_async(self) -> Mapping[str, Any]:
        """The same, for ``async`` handlers."""
        return await asyncio.to_thread(self.children_values)

    @property
    def cancelled(self) -> bool:
        """Whether the job must stop: timed out, cancelled, or the worker shuts down."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raises :class:`Cancelled` if the job must stop."""
        if self._cancelled.is_set():
            raise Cancelled(self._reason)

    def sleep(self, seconds: float) -> None:
        """Sleeps like :func:`time.sleep`, but raises :class:`Cancelled` as soon as the job must stop."""
        if self._cancelled.wait(seconds):
            raise Cancelled(self._reason)
