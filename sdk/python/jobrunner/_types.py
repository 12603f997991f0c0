"""The few questions that reading a type annotation comes down to."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Optional, Union

#: ``A | B`` has a type of its own from Python 3.10 on.
_UNIONS = (Union, getattr(types, "UnionType", Union))


def bare(hint: Any) -> Any:
    """Takes Annotated, Required, NotRequired, Final and NewType away from a type."""
    while True:
        if typing.get_origin(hint) is not None and hasattr(hint, "__metadata__"):
            hint = hint.__origin__
        elif _name_of_origin(hint) in ("Required", "NotRequired", "ReadOnly", "Final"):
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        else:
            return hint


def metadata(hint: Any) -> tuple[Any, ...]:
    """Returns what Annotated says about a type besides what it is."""
    if _name_of_origin(hint) in ("Required", "NotRequired", "ReadOnly", "Final"):
        hint = typing.get_args(hint)[0]
    return getattr(hint, "__metadata__", ())


def union_members(hint: Any) -> Optional[tuple[Any, ...]]:
    """Returns the alternatives of Union, Optional and ``|``; None for any other type."""
    return typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else None


def is_dataclass(hint: Any) -> bool:
    """Whether it is a class whose fields say how to make it."""
    return isinstance(hint, type) and dataclasses.is_dataclass(hint) and "__init__" in vars(hint)


def is_typed_dict(hint: Any) -> bool:
    """Whether it is a dict with known keys."""
    return isinstance(hint, type) and issubclass(hint, dict) and hasattr(hint, "__total__")


def fields_of(cls: Any) -> list[tuple[dataclasses.Field[Any], Any]]:
    """Returns the fields that a dataclass is made with, each with its type."""
    hints = hints_of(cls)
    return [(field, hints.get(field.name, Any)) for field in dataclasses.fields(cls) if field.init]


def hints_of(cls: Any) -> dict[str, Any]:
    """Returns the types of a class's attributes; none if they cannot be evaluated."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception:  # they are any code at all
        return {}


def _name_of_origin(hint: Any) -> str:
    # By name, for they may be typing's or typing_extensions', and Python 3.9 has none.
    origin = typing.get_origin(hint)
    return getattr(origin, "__name__", None) or getattr(origin, "_name", None) or ""
