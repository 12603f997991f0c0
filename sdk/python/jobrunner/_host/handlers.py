"""Handlers as the host runs them."""

from __future__ import annotations

from typing import Any, Optional

from .._convert import Converter, Mismatch, converter_of
from .._definition import Definition
from .._errors import Unrecoverable
from .._job import Job
from .._schema import schema_of
from .._signature import UNKNOWN, is_coroutine_function, read_signature
from .failure import Place

_UNFIT = "the job's data does not fit the handler"


class DefinitionError(Exception):
    """What a module defines cannot be: it says where, too."""

    def __init__(self, message: str, at: Optional[Place] = None) -> None:
        super().__init__(message)
        self.at = at


class Handler:
    """A handler that is ready to run."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.is_coroutine = is_coroutine_function(definition.function)
        try:
            self._signature = read_signature(definition.function)
        except TypeError as error:
            raise DefinitionError(str(error), Place(*definition.place)) from None
        self._converter: Optional[Converter] = (
            None if self._signature.data is UNKNOWN else converter_of(self._signature.data)
        )

    def call(self, job: Job[Any]) -> Any:
        """Calls the function, with the job's data as it wants it.

        :raises Unrecoverable: if the data does not fit the function's annotations.
        """
        if self._converter is not None:
            try:
                job.data = self._converter(job.data, "data")
            except Mismatch as error:
                raise Unrecoverable(f"{_UNFIT}: {error}") from None
            except (TypeError, ValueError) as error:  # from the author's own class
                raise Unrecoverable(f"{_UNFIT}: {error}") from error
        return self._signature.call(self.definition.function, job)

    def describe(self) -> dict[str, Any]:
        """Returns the description as the worker reads it."""
        d = self.definition
        return {
            "name": d.name,
            "version": d.version,
            "description": d.description,
            "author": d.author,
            "dataSchema": d.schema if d.schema is not None else _derived(self._signature.data),
            "resultSchema": d.result_schema if d.result_schema is not None else _derived(self._signature.result),
            "defaults": d.defaults,
            "keepAlive": d.keep_alive,
        }


def _derived(hint: Any) -> Optional[dict[str, Any]]:
    # Nothing is told of the result of a function that returns None; readers need no schema for it.
    return None if hint is UNKNOWN or hint is type(None) else schema_of(hint)
