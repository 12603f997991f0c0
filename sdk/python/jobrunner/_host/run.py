"""One attempt of one job."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import Future
from typing import Any, Awaitable, Mapping, Optional, Protocol

from .._errors import Cancelled
from .._job import MAX_LOG_LINE, Job
from .._json import encode
from . import current
from .failure import describe, free_memory
from .handlers import Handler
from .output import LineBuffer, Pipe
from .peer import Peer


class Stage(Protocol):
    """What a run needs of the host."""

    peer: Peer
    max_result: int

    def in_thread(self, run: "Run") -> None:
        """Has a thread call :meth:`Run.run_in_thread`, when one is free."""

    def in_loop(self, run: "Run") -> None:
        """Has the event loop call :meth:`Run.start_task`."""

    def cancel_in_loop(self, run: "Run") -> None:
        """Has the event loop call :meth:`Run.cancel_task`."""

    def flush_soon(self) -> None:
        """Sends, with whatever else the event loop's turn brings, what was left for later."""

    def take_off(self, run: "Run") -> bool:
        """Ends a run; True the first time only, whichever thread asks."""
        ...

    def damaged(self, reason: str) -> None:
        """Takes note that this process had better get no further jobs."""


class Run:
    """Runs a handler for a job and answers the worker's request once."""

    def __init__(self, stage: Stage, call: int, handler: Handler, job: Mapping[str, Any]) -> None:
        self.call = call
        self.stop = threading.Event()
        self.reason = "the job was cancelled"
        self._stage = stage
        self._handler = handler
        self._started = False
        self._ending = False
        self._over = False
        self._task: Optional[asyncio.Task[None]] = None
        self._awaitable: Optional[Awaitable[Any]] = None  # made by a plain function
        self._lines = LineBuffer()
        self._pipe: Optional[Pipe] = None
        # Held to use the two above; again by the same thread if, say, a destructor prints.
        self._output = threading.RLock()
        self.job: Job[Any] = Job(self, job)

    def start(self) -> None:
        """Starts the handler, in the event loop or in a thread as it needs."""
        if self._handler.is_coroutine:
            self._stage.in_loop(self)
        else:
            self._stage.in_thread(self)

    def cancel(self, reason: str) -> None:
        """Tells the handler to stop."""
        self.reason = reason
        self.stop.set()
        if self._started:
            self._stage.cancel_in_loop(self)
        else:
            self.fail(Cancelled(reason))  # it still waits for its turn

    def notify(self, method: str, **params: Any) -> None:
        """Tells the worker something of the job."""
        if not self._over:
            self._stage.peer.notify(method, {"call": self.call, **params})

    def request(self, method: str, **params: Any) -> Future[Any]:
        """Asks the worker for something on behalf of the job."""
        return self._stage.peer.request(method, {"call": self.call, **params})

    def take_output(self, data: bytes) -> bool:
        """Takes what the handler printed into the job's log."""
        with self._output:
            if self._over:
                return False
            self._log(self._lines.feed(data))
        return True

    def output_descriptor(self) -> Optional[int]:
        """Returns where processes that the handler starts write to the job's log."""
        with self._output:
            if self._ending:
                return None
            if self._pipe is None:
                self._pipe = Pipe(self.take_output)
            return self._pipe.descriptor

    def run_in_thread(self) -> None:
        """Runs a plain function. It is called in a thread that may have run other jobs."""
        contextvars.Context().run(self._run_function)

    def _run_function(self) -> None:
        if not self._begin():
            return
        try:
            result = self._handler.call(self.job)
        except BaseException as error:  # SystemExit, too: it ends this job only
            self.fail(error)
            return
        if inspect.isawaitable(result):
            self._awaitable = result
            self._stage.in_loop(self)
        else:
            self._succeed(result, flush=True)

    def start_task(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts a coroutine. It is called in the event loop."""
        self._task = loop.create_task(self._run_coroutine(), name=f"job {self.job.id}")

    def cancel_task(self) -> None:
        """Cancels the coroutine, if it is one. It is called in the event loop."""
        if self._task is not None:
            self._task.cancel()

    async def _run_coroutine(self) -> None:
        if not self._begin():
            return
        try:
            result = await (self._awaitable or self._handler.call(self.job))
        except BaseException as error:  # CancelledError and SystemExit, too
            self.fail(error)
        else:
            self._succeed(result, flush=False)
            self._stage.flush_soon()

    def _begin(self) -> bool:
        """Enters the running context; False if the job was cancelled before."""
        # In this order, as cancel has it the other way round: one of the two takes note of the other.
        self._started = True
        if self.stop.is_set():
            self.fail(Cancelled(self.reason))
            return False
        current.enter(self)
        return True

    def _succeed(self, result: Any, *, flush: bool) -> None:
        try:
            text = encode(result, "result")
            if len(text) > self._stage.max_result:
                raise ValueError(
                    f"the result has {len(text)} bytes as JSON, more than the {self._stage.max_result} allowed; "
                    "store it elsewhere and return where"
                )
        except Exception as error:
            self.fail(error)
            return
        if self._end():
            self._stage.peer.reply(self.call, text, flush=flush)

    def fail(self, error: BaseException) -> None:
        """Answers with an error, unless the run is over."""
        if isinstance(error, asyncio.CancelledError) and self.stop.is_set():
            error = Cancelled(self.reason).with_traceback(error.__traceback__)
        if isinstance(error, MemoryError):
            free_memory(error)
        described = describe(error)
        if self._end():
            self._stage.peer.reply_error(self.call, described)
        if isinstance(error, MemoryError):
            self._stage.damaged("a job ran out of memory")

    def _end(self) -> bool:
        """Ends the taking of output and reports; True the first time only."""
        if not self._stage.take_off(self):
            return False
        with self._output:
            self._ending = True
        if self._pipe is not None:
            self._pipe.close()
        with self._output:
            self._log(self._lines.rest())
            self._over = True
        return True

    def _log(self, lines: list[str]) -> None:
        for line in lines:
            self._stage.peer.notify("log", {"call": self.call, "line": line[:MAX_LOG_LINE]}, flush=False)
        if lines:
            self._stage.peer.flush()
