"""Runs one handler module for a JobRunner worker."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from typing import Any, Mapping, Optional

from ._definition import Definition
from ._errors import Delay, Unrecoverable
from ._job import Job
from ._module import describe_error, load, local_files, stack_of
from ._output import current, flush_partial, take_stdin, take_stdout
from ._peer import Peer, encode

PROTOCOL = 1

_THROWN = -32000


class Host:
    """Answers the worker's requests.

    Coroutines run in one event loop on the main thread; plain functions each get
    a thread, as the worker bounds how many jobs run at once.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._handlers: dict[str, Definition] = {}
        self._max_result_bytes = 0
        self._runs: dict[int, _Run] = {}
        methods = {"initialize": self._initialize, "execute": self._execute, "cancel": self._cancel, "ping": self._ping}
        self._peer = Peer(take_stdin(), take_stdout(), methods)
        self._loop = asyncio.new_event_loop()

    def serve(self) -> None:
        """Serves until the worker closes the connection, which ends the process."""
        threading.Thread(target=self._peer.listen, daemon=True).start()
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _initialize(self, params: Mapping[str, Any], call: Optional[int]) -> None:
        assert call is not None
        self._max_result_bytes = params["maxResultBytes"]
        # On the main thread: some modules insist on it.
        self._loop.call_soon_threadsafe(self._load, call)

    def _load(self, call: int) -> None:
        try:
            found = load(self._path)
            text = encode(
                {
                    "protocol": PROTOCOL,
                    "handlers": [definition.describe() for definition in found],
                    "dependencies": local_files(self._path),
                }
            )
        except BaseException as error:  # SystemExit too: a module may call sys.exit
            self._peer.reply_error(call, describe_error(error, self._path))
            return
        self._handlers = {definition.name: definition for definition in found}
        self._peer.reply_text(call, text)

    def _execute(self, params: Mapping[str, Any], call: Optional[int]) -> None:
        assert call is not None
        run = _Run(self, call, Job(self._peer, call, params["job"]))
        self._runs[call] = run
        definition = self._handlers.get(params["handler"])
        if definition is None:
            run.fail(LookupError(f"the module has no handler {params['handler']}"))
        else:
            run.start(definition)

    def _cancel(self, params: Mapping[str, Any], _call: Optional[int]) -> None:
        run = self._runs.get(params["call"])
        if run is not None:
            run.cancel(params["reason"])

    def _ping(self, _params: Mapping[str, Any], call: Optional[int]) -> None:
        # By way of the event loop, whose health is what the worker asks for.
        assert call is not None
        self._loop.call_soon_threadsafe(self._peer.reply_text, call, "null")


class _Run:
    """One attempt of one job."""

    def __init__(self, host: Host, call: int, job: Job) -> None:
        self._host = host
        self._call = call
        self._job = job
        self._task: Optional[asyncio.Task[None]] = None

    def start(self, definition: Definition) -> None:
        context = contextvars.copy_context()
        context.run(current.set, self._job)
        if inspect.iscoroutinefunction(definition.function):
            self._host._loop.call_soon_threadsafe(self._start_task, definition, context=context)
            return
        thread = threading.Thread(target=context.run, args=(self._run_function, definition), daemon=True)
        thread.start()

    def cancel(self, reason: str) -> None:
        self._job._reason = reason
        self._job._cancelled.set()
        self._host._loop.call_soon_threadsafe(self._cancel_task)

    def fail(self, error: BaseException) -> None:
        self._settle()
        self._host._peer.reply_error(self._call, self._describe(error))

    def _start_task(self, definition: Definition) -> None:
        self._task = self._host._loop.create_task(self._run_coroutine(definition))
        if self._job.cancelled:
            self._task.cancel()

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run_coroutine(self, definition: Definition) -> None:
        try:
            result = await definition.function(self._job)
        except BaseException as error:
            self.fail(error)
        else:
            self._succeed(result)

    def _run_function(self, definition: Definition) -> None:
        try:
            result = definition.function(self._job)
            if inspect.isawaitable(result):
                raise TypeError("the handler returned an awaitable; declare it with async def")
        except BaseException as error:  # SystemExit too: it ends this job only
            self.fail(error)
        else:
            self._succeed(result)

    def _succeed(self, result: Any) -> None:
        try:
            text = encode(result)
        except (TypeError, ValueError) as error:
            self.fail(TypeError(f"the result is not JSON: {error}"))
            return
        size, limit = len(text.encode("utf-8", errors="replace")), self._host._max_result_bytes
        if size > limit:
            self.fail(
                ValueError(
                    f"the result has {size} bytes as JSON, more than the {limit} allowed; "
                    "store it elsewhere and return where"
                )
            )
            return
        self._settle()
        self._host._peer.reply_text(self._call, text)

    def _settle(self) -> None:
        flush_partial(self._job)
        self._job._settled = True
        self._host._runs.pop(self._call, None)

    def _describe(self, error: BaseException) -> dict[str, Any]:
        data: dict[str, Any] = {"name": type(error).__name__, "stack": stack_of(error)}
        if isinstance(error, Unrecoverable):
            data["unrecoverable"] = True
        if isinstance(error, Delay):
            data["delay"] = error.seconds * 1000
        message = str(error) or type(error).__name__
        if isinstance(error, SystemExit):
            message = f"the handler called sys.exit({error.code!r})"
        return {"code": _THROWN, "message": message, "data": data}
