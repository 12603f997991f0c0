"""JSON-RPC 2.0 over two pipes, one message a line."""

from __future__ import annotations

import itertools
import os
import re
import time
from concurrent.futures import Future
from typing import Any, Callable, Iterator, Mapping, Optional, TypeVar

from .._errors import RequestError
from .._json import decode, encode
from .failure import message_of
from .outbox import Outbox

#: Handles a request by its parameters and id, or a notification, which has none. It must not block.
Method = Callable[[Mapping[str, Any], Optional[int]], None]

_Made = TypeVar("_Made")

_READ_SIZE = 256 * 1024
#: How often, ten times a second, memory is asked for again.
_PATIENCE = 100
_ID = re.compile(rb'^\{"jsonrpc":"2\.0","id":(\d+),"method":')

NO_METHOD = -32601
UNREADABLE = -32700


def _split(parts: list[bytes]) -> list[bytes]:
    return b"".join(parts).split(b"\n")


def _patiently(make: Callable[..., _Made], value: Any) -> _Made:
    """Makes something that must not be lost because a job has all the memory at the moment."""
    for _ in range(_PATIENCE):
        try:
            return make(value)
        except MemoryError:
            time.sleep(0.1)
    return make(value)


class Peer:
    """One end of the connection to the worker. Sending is safe from any thread."""

    def __init__(self, reader: int, writer: int, methods: Mapping[str, Method]) -> None:
        self._reader = reader
        self._outbox = Outbox(writer)
        self._methods = methods
        self._ids = itertools.count(1)
        self._pending: dict[int, Future[Any]] = {}
        #: How long a message to the worker may be; a longer one would end this process.
        self.max_message: Optional[int] = None
        #: Set in children made by fork, which must not write between our lines.
        self.silent = False

    def listen(self) -> None:
        """Handles messages until the worker closes the connection."""
        for line in self._lines():
            if line:
                self._receive(line)

    def notify(self, method: str, params: Mapping[str, Any], *, flush: bool = True) -> None:
        """Sends a notification.

        :raises TypeError: if the parameters are not JSON.
        :raises ValueError: if they are too large.
        """
        self._send(self._checked(b'{"jsonrpc":"2.0","method":"%s","params":%s}\n', method, params), flush)

    def request(self, method: str, params: Mapping[str, Any]) -> Future[Any]:
        """Sends a request and returns its answer to come; raises what :meth:`notify` does."""
        call = next(self._ids)
        line = self._checked(b'{"jsonrpc":"2.0","id":%d,"method":"%%s","params":%%s}\n' % call, method, params)
        answer: Future[Any] = Future()
        answer.set_running_or_notify_cancel()
        self._pending[call] = answer
        self._send(line, flush=True)
        return answer

    def reply(self, call: int, result: bytes, *, flush: bool = True) -> None:
        """Answers a request with a result that is JSON already."""
        self._send(b'{"jsonrpc":"2.0","id":%d,"result":%s}\n' % (call, result), flush)

    def reply_error(self, call: int, error: Mapping[str, Any], *, flush: bool = True) -> None:
        """Answers a request with ``{code, message, data}``."""
        self._send(b'{"jsonrpc":"2.0","id":%d,"error":%s}\n' % (call, encode(error, "error")), flush)

    def flush(self) -> None:
        """Sends what was left for later."""
        self._outbox.flush()

    def _send(self, line: bytes, flush: bool) -> None:
        if self.silent:
            return
        self._outbox.put(line)
        if flush:
            self._outbox.flush()

    def _checked(self, form: bytes, method: str, params: Mapping[str, Any]) -> bytes:
        text = encode(params, method)
        if self.max_message is not None and len(text) > self.max_message:
            raise ValueError(f"{method} has {len(text)} bytes as JSON, more than the {self.max_message} allowed")
        return form % (method.encode(), text)

    def _lines(self) -> Iterator[bytes]:
        # Read into memory that is there: the jobs may have taken all the rest.
        buffer = memoryview(bytearray(_READ_SIZE))
        parts: list[bytes] = []
        while True:
            count = os.readv(self._reader, [buffer])
            if not count:
                return
            chunk = _patiently(bytes, buffer[:count])
            whole, line_feed, rest = chunk.rpartition(b"\n")
            if line_feed:
                yield from _patiently(_split, [*parts, whole])
                parts = []
            if rest:
                parts.append(rest)

    def _receive(self, line: bytes) -> None:
        try:
            self._dispatch(decode(line))
        except Exception as error:  # of this request only: the next one may be well
            self._refuse(line, error)

    def _dispatch(self, message: Mapping[str, Any]) -> None:
        method, call = message.get("method"), message.get("id")
        if method is None:
            self._deliver(call, message)
        elif method in self._methods:
            self._methods[method](message.get("params") or {}, call)
        elif call is not None:
            self.reply_error(call, {"code": NO_METHOD, "message": f"no such method: {method}"})

    def _refuse(self, line: bytes, error: Exception) -> None:
        """Answers a request that cannot be read, if it can be made out which one it is."""
        request = _ID.match(line)
        if request is None:
            return
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else message_of(error)
        # Of these two it is the job's own fault, and will be next time.
        data = {"name": type(error).__name__, "unrecoverable": isinstance(error, (RecursionError, ValueError))}
        message = f"the job cannot be started in Python: {reason}"
        self.reply_error(int(request.group(1)), {"code": UNREADABLE, "message": message, "data": data})

    def _deliver(self, call: Any, message: Mapping[str, Any]) -> None:
        answer = self._pending.pop(call, None)
        if answer is None:
            return
        if message.get("error"):
            answer.set_exception(RequestError(message["error"]["message"]))
        else:
            answer.set_result(message.get("result"))
