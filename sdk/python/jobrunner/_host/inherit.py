"""Lets what a job starts print to the job's log: threads, executors' calls and processes.

Python has no hook for any of these, so this wraps three methods of the standard library.
"""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable

from .current import Owner, adopt, current, entered

_start_thread = threading.Thread.start
_submit = ThreadPoolExecutor.submit
_init_process: Callable[..., None] = subprocess.Popen.__init__

#: Where Popen takes its outputs by position: after args, bufsize, executable and stdin.
_OUTPUTS = ((4, "stdout"), (5, "stderr"))


def install() -> None:
    """Wraps the methods, once for the process."""
    for owner, name, wrapper in (
        (threading.Thread, "start", _start_thread_of_job),
        (ThreadPoolExecutor, "submit", _submit_for_job),
        (subprocess.Popen, "__init__", _init_process_of_job),
    ):
        setattr(owner, name, wrapper)


def _start_thread_of_job(self: threading.Thread) -> None:
    owner = current()
    if owner is not None:
        adopt(self, owner)
    _start_thread(self)


def _submit_for_job(self: ThreadPoolExecutor, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
    owner = current()
    if owner is None:
        return _submit(self, function, *args, **kwargs)
    return _submit(self, _call_for_job, owner, function, args, kwargs)


def _call_for_job(owner: Owner, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with entered(owner):  # the executor's thread may have been started by another job
        return function(*args, **kwargs)


def _init_process_of_job(self: Any, *args: Any, **kwargs: Any) -> None:
    owner = current()
    descriptor = owner.output_descriptor() if owner is not None else None
    if descriptor is not None:
        given = list(args)
        for index, name in _OUTPUTS:
            if index < len(given):
                given[index] = descriptor if given[index] is None else given[index]
            elif kwargs.get(name) is None:
                kwargs[name] = descriptor
        args = tuple(given)
    _init_process(self, *args, **kwargs)
