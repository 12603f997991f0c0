"""The threads that plain functions run in."""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

#: How many plain functions run at once where nothing limits them further.
MAX_THREADS = 256
#: What a thread's stack takes of the memory that a process may use, where the system does not say.
_USUAL_STACK = 8 << 20


class Threads:
    """Calls functions in threads, which are made as they are needed and used again."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(most_threads(), "job")
        self._pool.submit(int)  # so that there is one, whatever comes

    def call(self, function: Callable[[], None]) -> None:
        """Has a thread call a function, when one is free."""
        try:
            self._pool.submit(function)
        except RuntimeError:
            pass  # there can be no more threads, but one of those there are will take it


def most_threads() -> int:
    """Returns how many threads there may be: their stacks shall leave half of the memory to what runs in them."""
    memory, _ = resource.getrlimit(resource.RLIMIT_DATA)
    stack, _ = resource.getrlimit(resource.RLIMIT_STACK)
    if memory == resource.RLIM_INFINITY:
        return MAX_THREADS
    if stack in (0, resource.RLIM_INFINITY):
        stack = _USUAL_STACK
    return max(4, min(MAX_THREADS, memory // 2 // stack))
