"""The decorator that makes a function a handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Definition:
    """A handler: a function and what the worker says about it."""

    function: Callable[..., Any]
    name: str
    version: str = "0.0.0"
    description: Optional[str] = None
    author: Optional[str] = None
    schema: Optional[Mapping[str, Any]] = None
    result_schema: Optional[Mapping[str, Any]] = None
    defaults: Optional[Mapping[str, Any]] = None

    def describe(self) -> dict[str, Any]:
        """Returns the description as the worker reads it."""
        return {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "author": self.author,
            "dataSchema": self.schema,
            "resultSchema": self.result_schema,
            "defaults": self.defaults,
        }


_definitions: list[Definition] = []


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
) -> Callable[[_Function], _Function]:
    """Makes a function, or a coroutine function, the handler of the jobs of a name.

    :param name: the job name; defaults to the function's name.
    :param description: defaults to the first line of the function's docstring.
    :param schema: JSON Schema of the job's data; data that violates it never reaches the function.
    :param result_schema: JSON Schema of the result, for readers.
    :param attempts: how often a job is tried in all.
    :param backoff: pause before a further attempt, ``{"type": "exponential", "delay": 1000}``, in milliseconds.
    :param timeout: how long an attempt may take, in seconds.
    """
    if callable(name):
        raise TypeError("write @handler() or @handler(name=...), with parentheses")
    defaults: dict[str, Any] = {}
    if attempts is not None:
        defaults["attempts"] = attempts
    if backoff is not None:
        defaults["backoff"] = backoff
    if timeout is not None:
        defaults["timeout"] = int(timeout * 1000)

    def register(function: _Function) -> _Function:
        doc = (function.__doc__ or "").strip().split("\n")[0]
        _definitions.append(
            Definition(
                function=function,
                name=name or function.__name__,
                version=version,
                description=description or doc or None,
                author=author,
                schema=schema,
                result_schema=result_schema,
                defaults=defaults or None,
            )
        )
        return function

    return register


def definitions() -> list[Definition]:
    """Returns the handlers defined so far, in the order of their definition."""
    return list(_definitions)
