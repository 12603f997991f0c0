"""Makes the dataclasses and enum members that annotations name of JSON values."""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Any, Callable, Optional

from ._schema import LISTS, OBJECTS
from ._types import bare, fields_of, hints_of, is_dataclass, is_typed_dict, union_members

#: Makes a value of a JSON value, which is at a place in the data.
Converter = Callable[[Any, str], Any]


class Mismatch(ValueError):
    """The data does not fit the type; the text says where."""


def converter_of(hint: Any) -> Optional[Converter]:
    """Returns what makes values of a type, None if they are what JSON gives already."""
    return _converter(hint, {})


def _converter(hint: Any, known: dict[Any, Converter]) -> Optional[Converter]:
    hint = bare(hint)
    members = union_members(hint)
    if members is not None:
        return _union(members, known)
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in LISTS and args:
        return _list(_converter(args[0], known))
    if origin in OBJECTS and args:
        return _dict(_converter(args[1], known))
    if origin is tuple:
        return _tuple(args, known)
    if is_dataclass(hint):
        return _dataclass(hint, known)
    if is_typed_dict(hint):
        return _typed_dict(hint, known)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _enum(hint)
    return None


def _dataclass(cls: Any, known: dict[Any, Converter]) -> Converter:
    if cls in known:
        return known[cls]
    fields: list[tuple[str, bool, Optional[Converter]]] = []

    def convert(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(f"{place} is not an object")
        made = {}
        for name, required, part in fields:
            if name in value:
                made[name] = part(value[name], f"{place}.{name}") if part else value[name]
            elif required:
                raise Mismatch(f"{place}.{name} is missing")
        return cls(**made)

    known[cls] = convert  # before its fields are read, for they may be of the same class
    for field, hint in fields_of(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        fields.append((field.name, required, _converter(hint, known)))
    return convert


def _typed_dict(cls: Any, known: dict[Any, Converter]) -> Optional[Converter]:
    # A place is kept for itself first: one that only refers to itself has nothing to convert.
    if cls in known:
        return known[cls]
    parts: dict[str, Converter] = {}

    def convert(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(f"{place} is not an object")
        return {name: parts[name](part, f"{place}.{name}") if name in parts else part for name, part in value.items()}

    known[cls] = convert
    for name, hint in hints_of(cls).items():
        part = _converter(hint, known)
        if part is not None:
            parts[name] = part
    return convert if parts else None


def _enum(cls: type[enum.Enum]) -> Converter:
    def convert(value: Any, place: str) -> Any:
        try:
            return cls(value)
        except ValueError:
            raise Mismatch(f"{place} is {value!r}, which is no {cls.__name__}") from None

    return convert


def _list(part: Optional[Converter]) -> Optional[Converter]:
    if part is None:
        return None
    convert_part = part

    def convert(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise Mismatch(f"{place} is not a list")
        return [convert_part(item, f"{place}[{index}]") for index, item in enumerate(value)]

    return convert


def _dict(part: Optional[Converter]) -> Optional[Converter]:
    if part is None:
        return None
    convert_part = part

    def convert(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise Mismatch(f"{place} is not an object")
        return {key: convert_part(item, f"{place}[{key!r}]") for key, item in value.items()}

    return convert


def _tuple(args: tuple[Any, ...], known: dict[Any, Converter]) -> Converter:
    repeated = len(args) == 2 and args[1] is ...
    parts = [_converter(arg, known) for arg in args if arg is not ...]

    def convert(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise Mismatch(f"{place} is not a list")
        made = []
        for index, item in enumerate(value):
            part = parts[0] if repeated else parts[index] if index < len(parts) else None
            made.append(part(item, f"{place}[{index}]") if part else item)
        return tuple(made)

    return convert


def _union(members: tuple[Any, ...], known: dict[Any, Converter]) -> Optional[Converter]:
    """Takes the first alternative that fits, those that need no converting first."""
    converters = [part for part in (_converter(member, known) for member in members) if part]
    if not converters:
        return None
    plain = tuple(kind for member in members if _converter(member, known) is None for kind in _kinds(bare(member)))

    def convert(value: Any, place: str) -> Any:
        if type(value) in plain:
            return value
        mismatch = Mismatch(f"{place} fits no alternative")
        for part in converters:
            try:
                return part(value, place)
            except Mismatch as error:
                mismatch = error
        if object in plain:
            return value
        raise mismatch

    return convert


def _kinds(member: Any) -> tuple[type, ...]:
    """Returns the types of the JSON values that a type without a converter takes as they are."""
    origin = typing.get_origin(member) or member
    if origin in (None, type(None)):
        return (type(None),)
    if origin is float:
        return (int, float)
    if origin in (str, int, bool):
        return (origin,)
    if origin is typing.Literal:
        return tuple(type(value) for value in typing.get_args(member))
    if origin in LISTS:
        return (list,)
    if origin in OBJECTS or is_typed_dict(origin):
        return (dict,)
    return (object,)
