"""Exceptions that mean something to the worker.

Raise them, or call the job's methods that do. Those that put the job back use up
none of its attempts.
"""

from __future__ import annotations

import math


class Unrecoverable(Exception):
    """Fails the job at once, whatever attempts it has left."""


class Delay(Exception):
    """Puts the job back for some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = _duration(seconds)
        super().__init__(f"the job is put off for {self.seconds:g} s")


class WaitForChildren(Exception):
    """Puts the job back until the children it has added have ended; the handler then runs again."""

    def __init__(self) -> None:
        super().__init__("the job waits for its children")


class Release(Exception):
    """Puts the job back to wait for its turn, on any worker."""

    def __init__(self) -> None:
        super().__init__("the job is put back")


class RateLimit(Exception):
    """Puts the job back, and holds its whole queue for some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = _duration(seconds)
        super().__init__(f"the queue is held for {self.seconds:g} s")


class Cancelled(Exception):
    """Raised by :meth:`Job.check` and :meth:`Job.sleep` once the job must stop; its text says why."""


class RequestError(RuntimeError):
    """The worker could not do what the job asked it for."""


def _duration(seconds: float) -> float:
    """Checks a pause where the author wrote it, as the worker could only refuse it later."""
    if not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"a pause is a number of seconds from 0 up, not {seconds!r}")
    return float(seconds)
