"""Answers the worker's requests."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import os
import queue
import threading
import time
import traceback
from collections import deque
from typing import Any, Mapping, NoReturn, Optional

from .._errors import Unrecoverable
from .._json import encode
from . import inherit
from .current import note_fork
from .failure import describe
from .handlers import Handler
from .module import Module
from .output import take_stdin, take_stdout
from .peer import Peer
from .run import Run
from .threads import Threads

PROTOCOL = 2

#: How much longer than a result any message may be.
_MESSAGE_ROOM = 512 * 1024
#: How long what a module has left to do at exit may take.
_EXIT_GRACE = 1.0


class Host:
    """Runs the jobs of one module, many at once."""

    def __init__(self, path: str, problem: Optional[Exception] = None) -> None:
        """
        :param problem: why the module cannot be loaded, if that is known before.
        """
        self.max_result = 0
        self._module = Module(path)
        self._problem = problem
        self._handlers: dict[str, Handler] = {}
        self._runs: dict[int, Run] = {}
        self._to_load: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._to_start: deque[Run] = deque()
        self._start_scheduled = False
        self._flush_scheduled = False
        self._ending = False
        self._retired = False
        self._forked = False
        self._threads = Threads()
        self._loop = asyncio.new_event_loop()
        self.peer = Peer(
            take_stdin(),
            take_stdout(),
            {"initialize": self._initialize, "execute": self._execute, "cancel": self._cancel, "ping": self._ping},
        )
        inherit.install()
        os.register_at_fork(after_in_child=self._in_forked_child)

    def serve(self) -> NoReturn:
        """Serves until the worker closes the connection, which ends the process.

        The module is loaded, and coroutines run, in the calling thread, which must be the
        main one: some modules insist on it.
        """
        # What it has to say of a crash in C goes to stderr, for the worker's log.
        faulthandler.enable(2, all_threads=False)
        threading.Thread(target=self._listen, daemon=True).start()
        asyncio.set_event_loop(self._loop)
        self._load(self._to_load.get())
        while not self._ending:
            try:
                self._loop.run_forever()
            except BaseException:  # a task that calls sys.exit() must not end the others
                traceback.print_exc()
        self._exit()

    def _listen(self) -> None:
        try:
            self.peer.listen()
        except BaseException:
            traceback.print_exc()
            os._exit(1)  # jobs would wait for ever for what is not heard any more
        self._ending = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        time.sleep(_EXIT_GRACE)
        os._exit(0)  # the main thread is busy with something that does not end

    def _exit(self) -> NoReturn:
        """Does what the module has registered for the end, but waits for no thread."""
        atexit._run_exitfuncs()
        os._exit(0)

    def _initialize(self, params: Mapping[str, Any], call: Optional[int]) -> None:
        assert call is not None
        self.max_result = params["maxResultBytes"]
        self.peer.max_message = self.max_result + _MESSAGE_ROOM
        self._to_load.put(call)

    def _load(self, call: int) -> None:
        try:
            if self._problem is not None:
                raise self._problem
            handlers = self._module.load()
            if self._loop.is_closed():  # by the module, which may use it while it is loaded
                self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
            described = {
                "protocol": PROTOCOL,
                "handlers": [handler.describe() for handler in handlers],
                "dependencies": self._module.new_files(),
            }
            text = encode(described, "description")
        except BaseException as error:  # SystemExit, too: a module may call sys.exit
            self.peer.reply_error(call, self._module.describe_failure(error))
            return
        self._handlers = {handler.definition.name: handler for handler in handlers}
        self.peer.reply(call, text)

    def _execute(self, params: Mapping[str, Any], call: Optional[int]) -> None:
        assert call is not None
        handler = self._handlers.get(params["handler"])
        if handler is None:
            missing = Unrecoverable(f"the module has no handler called {params['handler']}")
            self.peer.reply_error(call, describe(missing))
            return
        run = Run(self, call, handler, params["job"])
        self._runs[call] = run
        run.start()

    def _cancel(self, params: Mapping[str, Any], _call: Optional[int]) -> None:
        run = self._runs.get(params["call"])
        if run is not None:
            run.cancel(params["reason"])

    def _ping(self, _params: Mapping[str, Any], call: Optional[int]) -> None:
        # By way of the event loop, whose health is what the worker asks for.
        assert call is not None
        self._loop.call_soon_threadsafe(self.peer.reply, call, b"null")

    def in_thread(self, run: Run) -> None:
        self._threads.call(run.run_in_thread)

    def in_loop(self, run: Run) -> None:
        # Jobs that arrive together wake the loop once.
        self._to_start.append(run)
        if not self._start_scheduled:
            self._start_scheduled = True
            self._loop.call_soon_threadsafe(self._start_waiting)

    def _start_waiting(self) -> None:
        self._start_scheduled = False
        while self._to_start:
            self._to_start.popleft().start_task(self._loop)

    def cancel_in_loop(self, run: Run) -> None:
        self._loop.call_soon_threadsafe(run.cancel_task)

    def flush_soon(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self.peer.flush()

    def take_off(self, run: Run) -> bool:
        if self._runs.pop(run.call, None) is None:
            return False
        if self._forked:
            os._exit(0)
        files = self._module.new_files()
        if files:
            self.peer.notify("dependencies", {"files": files})
        return True

    def damaged(self, reason: str) -> None:
        if not self._retired:
            self._retired = True
            self.peer.notify("retire", {"reason": reason})

    def _in_forked_child(self) -> None:
        """Keeps a child made by fork from answering for us."""
        self._forked = True
        self.peer.silent = True
        note_fork()
