"""The decorator that makes a function a handler."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from typing import Any, Callable, Mapping, NamedTuple, Optional, TypeVar, Union, overload

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Place(NamedTuple):
    """A line of a source file."""

    file: str
    line: int


@dataclass(frozen=True)
class Definition:
    """A handler: a function and what its author says about it."""

    function: Callable[..., Any]
    #: Where the module that defines it did so.
    place: Place
    name: str
    version: str = "0.0.0"
    description: Optional[str] = None
    author: Optional[str] = None
    schema: Optional[Mapping[str, Any]] = None
    result_schema: Optional[Mapping[str, Any]] = None
    #: As the worker reads them: times are in milliseconds.
    defaults: Optional[Mapping[str, Any]] = None
    keep_alive: bool = False


_definitions: list[Definition] = []


@overload
def handler(name: _Function) -> _Function: ...


@overload
def handler(
    name: Optional[str] = None,
    *,
    version: str = "0.0.0",
    description: Optional[str] = None,
    author: Optional[str] = None,
    schema: Optional[Mapping[str, Any]] = None,
    result_schema: Optional[Mapping[str, Any]] = None,
    attempts: Optional[int] = None,
    backoff: Optional[Mapping[str, Any]] = None,
    timeout: Optional[float] = None,
    concurrency: Optional[int] = None,
    keep_alive: bool = False,
) -> Callable[[_Function], _Function]: ...


def handler(
    name: Union[str, Callable[..., Any], None] = None,
    *,
    version: str = "0.0.0",
    description: Optional[str] = None,
    author: Optional[str] = None,
    schema: Optional[Mapping[str, Any]] = None,
    result_schema: Optional[Mapping[str, Any]] = None,
    attempts: Optional[int] = None,
    backoff: Optional[Mapping[str, Any]] = None,
    timeout: Optional[float] = None,
    concurrency: Optional[int] = None,
    keep_alive: bool = False,
) -> Callable[..., Any]:
    """Makes a function, or a coroutine function, the handler of the jobs of a name.

    It leaves the function as it is, so that a test can call it.

    :param name: the job name; defaults to the function's name.
    :param version: the handler's semantic version.
    :param description: defaults to the first line of the function's docstring.
    :param author: who to ask.
    :param schema: JSON Schema of the job's data; data that violates it never reaches the
        function. Defaults to what the function's annotations say of the data.
    :param result_schema: JSON Schema of the result, for readers. Defaults to what the
        function's return annotation says.
    :param attempts: how often a job is tried in all.
    :param backoff: pause before a further attempt, ``{"type": "exponential", "delay": 1000}``, in milliseconds.
    :param timeout: how long an attempt may take, in seconds.
    :param concurrency: how many jobs of the handler a worker runs at once, over all its queues.
    :param keep_alive: start the handler's process with the worker and keep it, where it
        would otherwise start with the first job and end when there are none for some time.
    """
    if name is not None and not isinstance(name, str):
        return handler()(name)
    if name == "":
        raise ValueError("a handler's name is not empty")
    defaults = {
        "attempts": _count("attempts", attempts),
        "backoff": _json_object("backoff", backoff),
        "timeout": _milliseconds("timeout", timeout),
        "concurrency": _count("concurrency", concurrency),
    }
    place = _place_of_caller()
    given = name or ""

    def register(function: _Function) -> _Function:
        if not callable(function):
            raise TypeError(f"a handler is a function, not {function!r}")
        called = given or getattr(function, "__name__", "<object>")
        if called.startswith("<"):
            raise TypeError('a handler that is no named function needs a name: @handler("name")')
        doc = (getattr(function, "__doc__", None) or "").strip().split("\n")[0]
        _definitions.append(
            Definition(
                function=function,
                place=place,
                name=called,
                version=str(version),
                description=description or doc or None,
                author=author,
                schema=_json_object("schema", schema),
                result_schema=_json_object("result_schema", result_schema),
                defaults={key: value for key, value in defaults.items() if value is not None} or None,
                keep_alive=keep_alive,
            )
        )
        return function

    return register


def definitions() -> list[Definition]:
    """Returns the handlers defined so far, in the order of their definition."""
    return list(_definitions)


def _place_of_caller() -> Place:
    """Returns where the module being imported calls, through however many functions.

    A handler belongs to the file that is being run when it is defined. So a function of
    another module may define handlers for it, while the handlers of another handler
    module that it imports stay that module's.
    """
    here = frame = sys._getframe(2)
    while frame.f_code.co_name != "<module>" and frame.f_back is not None:
        frame = frame.f_back
    if frame.f_code.co_name != "<module>":
        frame = here
    return Place(frame.f_code.co_filename, frame.f_lineno)


def _count(what: str, value: Optional[int]) -> Optional[int]:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"{what} is a whole number from 1 up, not {value!r}")


def _milliseconds(what: str, seconds: Optional[float]) -> Optional[int]:
    if seconds is None:
        return None
    if isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds > 0:
        return max(1, round(seconds * 1000))
    raise ValueError(f"{what} is a number of seconds above 0, not {seconds!r}")


def _json_object(what: str, value: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} is a dict, not {value!r}")
    copy: Mapping[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    return copy
