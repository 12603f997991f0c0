"""Which job the running code belongs to."""

from __future__ import annotations

import contextvars
import threading
import weakref
from contextlib import contextmanager
from typing import Generator, Optional, Protocol


class Owner(Protocol):
    """The attempt of a job that code runs for, as far as its output goes."""

    def take_output(self, data: bytes) -> bool:
        """Takes what the code printed; False once the attempt is over."""
        ...

    def output_descriptor(self) -> Optional[int]:
        """Returns a descriptor whose readers take it as output, for other processes; None once it is over."""
        ...


_current: contextvars.ContextVar[Optional[Owner]] = contextvars.ContextVar("jobrunner_job", default=None)
_THREAD_ATTRIBUTE = "_jobrunner_owner"
_forked = False


def note_fork() -> None:
    """Takes note that this process is a child made by fork."""
    global _forked
    _forked = True


def enter(owner: Owner) -> None:
    """Makes the running context that of an attempt: the task's, or the thread's."""
    _current.set(owner)


@contextmanager
def entered(owner: Owner) -> Generator[None, None, None]:
    """Makes the running context that of an attempt for a while."""
    token = _current.set(owner)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Optional[Owner]:
    """Returns the attempt that the calling code belongs to, or the thread it runs in was started by.

    In a child made by fork it is None, for only the parent may speak to the worker.
    """
    if _forked:
        return None
    owner = _current.get()
    if owner is not None:
        return owner
    reference = getattr(threading.current_thread(), _THREAD_ATTRIBUTE, None)
    return reference() if reference is not None else None


def adopt(thread: threading.Thread, owner: Owner) -> None:
    """Makes a thread one of an attempt. It does not keep the attempt in memory."""
    setattr(thread, _THREAD_ATTRIBUTE, weakref.ref(owner))
