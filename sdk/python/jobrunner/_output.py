"""Keeps stdout for the connection, and gives what handlers print to their jobs' logs."""

from __future__ import annotations

import contextvars
import io
import os
import sys
from typing import Any, BinaryIO, Optional

from ._job import Job

#: The job that the running code belongs to.
current: contextvars.ContextVar[Optional[Job]] = contextvars.ContextVar("jobrunner_job", default=None)

_MAX_PARTIAL = 64 * 1024


def take_stdout() -> BinaryIO:
    """Returns the real stdout, and points the descriptor at stderr for everybody else, C code and children included."""
    connection = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = _JobOutput(sys.stderr)
    sys.stderr = _JobOutput(sys.stderr)
    return connection


def take_stdin() -> BinaryIO:
    """Returns the real stdin; everybody else finds an empty one."""
    connection = os.fdopen(os.dup(0), "rb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return connection


def flush_partial(job: Job) -> None:
    """Logs the last line a job has printed without ending it."""
    if job._partial:
        job.log(job._partial)
        job._partial = ""


class _JobOutput(io.TextIOBase):
    """A text stream that writes to the current job's log, and outside of jobs to stderr."""

    def __init__(self, fallback: Any) -> None:
        self._fallback = fallback

    def write(self, text: str) -> int:
        job = current.get()
        if job is None or job._settled:
            self._fallback.write(text)
            return len(text)
        *lines, rest = (job._partial + text).split("\n")
        job._partial = rest[:_MAX_PARTIAL]
        for line in lines:
            job.log(line)
        return len(text)

    def flush(self) -> None:
        self._fallback.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fallback.fileno()
