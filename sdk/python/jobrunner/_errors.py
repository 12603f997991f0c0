"""Exceptions that mean something to the worker."""

from __future__ import annotations


class Unrecoverable(Exception):
    """Fails the job at once, whatever attempts it has left."""


class Delay(Exception):
    """Puts the job back for some seconds, without using up an attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"job is delayed for {seconds} s")
        self.seconds = seconds


class Cancelled(Exception):
    """Raised by :meth:`Job.check` once the job must stop."""
