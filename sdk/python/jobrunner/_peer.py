"""JSON-RPC 2.0 over two pipes, one message a line."""

from __future__ import annotations

import itertools
import json
import os
import threading
from concurrent.futures import Future
from typing import Any, BinaryIO, Callable, Mapping, Optional

Method = Callable[[Mapping[str, Any], Optional[int]], None]


def encode(value: Any) -> str:
    """Writes JSON as other languages read it: without NaN, and on one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Peer:
    """One end of the connection to the worker. Sending is safe from any thread."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, methods: Mapping[str, Method]) -> None:
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._pending: dict[int, Future[Any]] = {}

    def listen(self) -> None:
        """Reads messages until the stream ends, then ends the process: its parent has gone or wants it to."""
        try:
            for line in self._reader:
                self._dispatch(json.loads(line))
        finally:
            os._exit(0)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        self._send(encode({"jsonrpc": "2.0", "method": method, "params": params}))

    def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """Asks the worker and waits for its answer."""
        call = next(self._ids)
        answer: Future[Any] = Future()
        self._pending[call] = answer
        self._send(encode({"jsonrpc": "2.0", "id": call, "method": method, "params": params}))
        return answer.result()

    def reply_text(self, call: int, text: str) -> None:
        """Answers a request with a result that is JSON text already."""
        self._send(f'{{"jsonrpc":"2.0","id":{call},"result":{text}}}')

    def reply_error(self, call: int, error: Mapping[str, Any]) -> None:
        self._send(encode({"jsonrpc": "2.0", "id": call, "error": error}))

    def _send(self, text: str) -> None:
        # Lone surrogates have no bytes in UTF-8; they come out as question marks.
        line = text.encode("utf-8", errors="replace") + b"\n"
        with self._lock:
            self._writer.write(line)
            self._writer.flush()

    def _dispatch(self, message: Mapping[str, Any]) -> None:
        method, call = message.get("method"), message.get("id")
        if method is None:
            self._deliver(call, message)
        elif method in self._methods:
            self._methods[method](message.get("params") or {}, call)
        elif call is not None:
            self.reply_error(call, {"code": -32601, "message": f"no such method: {method}"})

    def _deliver(self, call: Optional[int], message: Mapping[str, Any]) -> None:
        answer = self._pending.pop(call, None) if call is not None else None
        if answer is None:
            return
        if message.get("error"):
            answer.set_exception(RuntimeError(message["error"]["message"]))
        else:
            answer.set_result(message.get("result"))
