"""What a handler's parameters and annotations say of it."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import Any, Callable

from ._job import Job

#: Stands for "nothing is said", for None is an annotation.
UNKNOWN: Any = inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """How a function is called for a job, and the types it names."""

    #: What it takes by position: whether the job, or else its data.
    positional: tuple[bool, ...]
    #: The same by name.
    named: tuple[tuple[str, bool], ...]
    #: The types of the data and the result, or UNKNOWN.
    data: Any
    result: Any

    def call(self, function: Callable[..., Any], job: Job[Any]) -> Any:
        """Calls the function for a job."""
        args = [job if takes_job else job.data for takes_job in self.positional]
        named = {name: job if takes_job else job.data for name, takes_job in self.named}
        return function(*args, **named)


def read_signature(function: Callable[..., Any]) -> Signature:
    """Reads a function's parameters.

    A parameter is the job's data if it is annotated with anything but :class:`Job` or is
    called ``data``; any other is the job. ``Job[T]`` says that the job's data is a T.

    :raises TypeError: if there are parameters that are neither.
    """
    hints = _hints_of(function)
    positional: list[bool] = []
    named: list[tuple[str, bool]] = []
    of_job = of_data = UNKNOWN
    for parameter in _parameters(function):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            if parameter.kind is parameter.VAR_POSITIONAL and not positional:
                positional.append(True)  # a wrapper that passes on whatever it gets
            continue
        hint = hints.get(parameter.name, UNKNOWN)
        takes_job = _is_job(hint) or (hint is UNKNOWN and parameter.name != "data")
        if parameter.default is not parameter.empty and not _is_job(hint):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            named.append((parameter.name, takes_job))
        else:
            positional.append(takes_job)
        if takes_job:
            of_job = (typing.get_args(hint) or (UNKNOWN,))[0]
        else:
            of_data = hint
    roles = positional + [takes_job for _, takes_job in named]
    if roles.count(True) > 1 or roles.count(False) > 1:
        raise TypeError(
            "a handler takes the job, its data, or both: def greet(job), or def greet(data: Greeting, job: Job)"
        )
    data = of_job if of_data is UNKNOWN else of_data
    return Signature(tuple(positional), tuple(named), data, hints.get("return", UNKNOWN))


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Whether calling it makes a coroutine; objects with an ``async def __call__`` count."""
    calls = (function, getattr(type(function), "__call__", None))  # noqa: B004, what it is matters
    return any(inspect.iscoroutinefunction(call) for call in calls)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, NameError):  # it is written in C, or has annotations that cannot be evaluated
        return [inspect.Parameter("job", inspect.Parameter.POSITIONAL_ONLY)]


def _hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Returns the annotations, evaluated. Those that cannot be are as good as none."""
    target: Any = inspect.unwrap(function)
    if not inspect.isroutine(target):
        target = getattr(target, "func", None) or getattr(target, "__call__", target)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # they are any code at all
        return {}


def _is_job(hint: Any) -> bool:
    return hint is Job or typing.get_origin(hint) is Job
