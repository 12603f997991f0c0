"""Writes lines to one file descriptor, from any thread."""

from __future__ import annotations

import os
import threading
from collections import deque

#: How many lines may wait before those who add more have to wait too.
_BACKLOG = 256


class Outbox:
    """Lines that gather while one is being written go out together.

    Whoever finds nobody writing writes, for all. So there is no thread to wake up, and
    none that waits while the worker reads slowly, unless lines come too fast.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque()
        self._writing = threading.Lock()
        self._writer = 0  # the thread that holds _writing

    def put(self, line: bytes) -> None:
        """Takes a line, which ends in a line feed, and leaves it to the next :meth:`flush`."""
        self._lines.append(line)

    def flush(self) -> None:
        """Sees to it that all lines are written, by this thread or the one that is at it."""
        # Looked at again after each round: a line may have come when the round was
        # over and the lock not yet free, so that its owner found somebody writing.
        me = threading.get_ident()
        while self._lines and self._writer != me:  # it is, if a destructor prints meanwhile
            if not self._writing.acquire(blocking=len(self._lines) > _BACKLOG):
                return
            self._writer = me
            try:
                self._write_lines()
            finally:
                self._writer = 0
                self._writing.release()

    def _write_lines(self) -> None:
        while self._lines:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            try:
                lines = [b"".join(lines)]
            except MemoryError:
                pass  # then one by one
            for line in lines:
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
