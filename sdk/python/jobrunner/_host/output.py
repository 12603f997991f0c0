"""Keeps stdin and stdout for the connection, and gives what handlers print to their jobs' logs."""

from __future__ import annotations

import io
import os
import select
import sys
import threading
from typing import Any, Callable

from .current import current

_MAX_LINE = 64 * 1024
_READ_SIZE = 64 * 1024
#: How many pieces of a pipe are read at a job's end. A process that is left may write for ever.
_MOST_LEFT = 16


def take_stdin() -> int:
    """Returns a descriptor of the real stdin; everybody else finds an empty one."""
    connection = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)
    return connection


def take_stdout() -> int:
    """Returns a descriptor of the real stdout; all others, code in C and other processes too, get stderr."""
    connection = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = _TextOutput(_JobOutput())
    sys.stderr = _TextOutput(_JobOutput())
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    return connection


class _JobOutput(io.RawIOBase):
    """A stream to the log of the job that writes to it; outside of jobs to stderr, the worker's log."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        data = bytes(data)
        owner = current()
        if owner is None or not owner.take_output(data):
            write_all(2, data)
        return len(data)

    def close(self) -> None:
        """Does nothing: the stream is that of other jobs, too."""


class _TextOutput(io.TextIOWrapper):
    """What sys.stdout and sys.stderr are: every write goes through at once, to the job that made it."""

    def __init__(self, raw: _JobOutput) -> None:
        # A raw stream will do: with write_through, all that is asked of it is to write.
        buffer: Any = raw
        super().__init__(buffer, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of the data, or nothing more once nobody reads."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        pass  # the worker has gone, and with it its log


class LineBuffer:
    """Makes lines of what is printed piece by piece. It is not safe for use by several threads at once."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> list[str]:
        """Takes a piece and returns the lines that it completes."""
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[-_MAX_LINE:] if b"\r" in rest else rest[:_MAX_LINE]
        return [_text(line) for line in lines]

    def rest(self) -> list[str]:
        """Returns the last line if it was not ended."""
        partial, self._partial = self._partial, b""
        return [_text(partial)] if partial else []


def _text(line: bytes) -> str:
    """Returns a line as a terminal would leave it: what follows a carriage return replaces what was before."""
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")


class Pipe:
    """Takes the output of processes that a job starts, until the job is over and beyond."""

    def __init__(self, take: Callable[[bytes], bool]) -> None:
        self._take = take
        self._reader, self.descriptor = os.pipe()
        os.set_blocking(self._reader, False)
        self._reading = threading.Lock()
        self._ended = False  # guarded by _reading
        self._closing = False
        self._closed = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def close(self) -> None:
        """Takes what has been written so far; further output of processes that are left goes to stderr."""
        self._closing = True
        os.close(self.descriptor)
        for _ in range(_MOST_LEFT):
            if not self._take_some():
                break
        self._closed.set()

    def _follow(self) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while not self._ended:
            poll.poll()
            if self._closing:
                self._closed.wait()  # whoever closes shall not wait for us
            self._take_some()

    def _take_some(self) -> bool:
        """Takes some of what there is, and returns False if there is nothing at the moment."""
        with self._reading:
            if self._ended:
                return False
            try:
                data = os.read(self._reader, _READ_SIZE)
            except BlockingIOError:
                return False
            if not data:
                self._ended = True
                os.close(self._reader)
                return False
            if not self._take(data):
                write_all(2, data)
            return True
