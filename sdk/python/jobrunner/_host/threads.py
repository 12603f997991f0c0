"""The threads that plain functions run in."""

from __future__ import annotations

import queue
import resource
import threading
import traceback
from collections import deque
from typing import Callable

#: How many plain functions run at once where nothing limits them further.
MAX_THREADS = 256
#: What a thread's stack takes of the memory that a process may use, where the system does not say.
_USUAL_STACK = 8 << 20


class Threads:
    """Calls functions in threads, which are made as they are needed and used again.

    It is a thread of its own that makes them: where memory is short, Python may refuse
    to, or even wait for ever for a thread that could not begin. Those who call never do.
    """

    def __init__(self) -> None:
        self._most = most_threads()
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        # These belong to the condition.
        self._changed = threading.Condition()
        self._functions: deque[Callable[[], None]] = deque()
        self._count = 0
        self._starting = 0
        self._idle = 0
        threading.Thread(target=self._make_threads, daemon=True).start()
        with self._changed:
            self._want_thread()  # so that there is one, whatever comes

    def call(self, function: Callable[[], None]) -> None:
        """Has a thread call a function, when one is free."""
        with self._changed:
            self._functions.append(function)
            if self._idle + self._starting < len(self._functions) and self._count < self._most:
                self._want_thread()
            self._changed.notify()

    def _want_thread(self) -> None:
        self._count += 1
        self._starting += 1
        self._wanted.put(f"job thread {self._count}")

    def _make_threads(self) -> None:
        while True:
            name = self._wanted.get()
            try:
                threading.Thread(target=self._work, name=name, daemon=True).start()
            except RuntimeError:
                # There can be no more for now; one of those there are will take the job.
                traceback.print_exc()
                with self._changed:
                    self._count -= 1
                    self._starting -= 1

    def _work(self) -> None:
        with self._changed:
            self._starting -= 1
        while True:
            function = self._next()
            try:
                function()
            except BaseException:  # it answers for its job itself; this thread has others to come
                traceback.print_exc()
            del function  # with all that a job holds, while this thread waits for the next

    def _next(self) -> Callable[[], None]:
        with self._changed:
            while not self._functions:
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return self._functions.popleft()


def most_threads() -> int:
    """Returns how many threads there may be: their stacks shall leave half of the memory to what runs in them."""
    memory, _ = resource.getrlimit(resource.RLIMIT_DATA)
    stack, _ = resource.getrlimit(resource.RLIMIT_STACK)
    if memory == resource.RLIM_INFINITY:
        return MAX_THREADS
    if stack in (0, resource.RLIM_INFINITY):
        stack = _USUAL_STACK
    return max(4, min(MAX_THREADS, memory // 2 // stack))
