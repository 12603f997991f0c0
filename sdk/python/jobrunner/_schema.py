"""JSON Schemas from type annotations.

A schema here never refuses data that the type allows. What has no sure form in JSON
is left free, and so is whatever an annotation does not tell.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import json
import typing
from typing import Any, Mapping, Optional

from ._types import bare, fields_of, hints_of, is_dataclass, is_typed_dict, metadata, union_members

Schema = dict[str, Any]

_SIMPLE: dict[Optional[type], str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    None: "null",
}
LISTS = (list, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Iterable)
OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def schema_of(hint: Any) -> Optional[Schema]:
    """Returns the schema of a type, None if it leaves the value free."""
    return _schema(hint, ()) or None


def _schema(hint: Any, within: tuple[Any, ...]) -> Schema:
    """Returns the schema of a type that occurs within some classes, ``{}`` if anything goes."""
    schema = _unannotated(bare(hint), within)
    for extra in metadata(hint):
        if isinstance(extra, str):
            schema = {**schema, "description": extra}
        elif isinstance(extra, Mapping) and _is_json(extra):
            schema = {**schema, **extra}
    return schema


def _unannotated(hint: Any, within: tuple[Any, ...]) -> Schema:
    if hint is None or (isinstance(hint, type) and hint in _SIMPLE):
        return {"type": _SIMPLE[hint]}
    members = union_members(hint)
    if members is not None:
        return _union([_schema(member, within) for member in members])
    origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is typing.Literal:
        return {"enum": list(args)} if _is_json(args) else {}
    if origin in LISTS:
        return _with({"type": "array"}, "items", _schema(args[0], within) if args else {})
    if origin in OBJECTS:
        return _with({"type": "object"}, "additionalProperties", _schema(args[1], within) if args else {})
    if origin is tuple:
        return _tuple(args, within)
    if isinstance(hint, type):
        return _class(hint, within)
    return {}


def _class(cls: type, within: tuple[Any, ...]) -> Schema:
    if issubclass(cls, enum.Enum):
        values = [member.value for member in cls]
        return {"enum": values} if _is_json(values) else {}
    if not (is_dataclass(cls) or is_typed_dict(cls)):
        return {}
    if cls in within:
        return {"type": "object"}  # a class that contains itself is checked one level deep
    return _dataclass(cls, (*within, cls)) if is_dataclass(cls) else _typed_dict(cls, (*within, cls))


def _dataclass(cls: Any, within: tuple[Any, ...]) -> Schema:
    properties: Schema = {}
    required = []
    for field, hint in fields_of(cls):
        schema = _schema(hint, within)
        if field.default is not dataclasses.MISSING:
            if _is_json(field.default):
                schema = {**schema, "default": field.default}
        elif field.default_factory is dataclasses.MISSING:
            required.append(field.name)
        properties[field.name] = schema
    return _object(cls, properties, required)


def _typed_dict(cls: Any, within: tuple[Any, ...]) -> Schema:
    hints = hints_of(cls)
    required = [name for name in hints if name in getattr(cls, "__required_keys__", ())]
    return _object(cls, {name: _schema(hint, within) for name, hint in hints.items()}, required)


def _object(cls: Any, properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {"type": "object"}
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    # A dataclass without a docstring gets one that repeats its signature.
    if doc and not doc.startswith(f"{cls.__name__}("):
        schema["description"] = doc.split("\n")[0]
    schema["properties"] = properties
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    return schema


def _tuple(args: tuple[Any, ...], within: tuple[Any, ...]) -> Schema:
    if not args:
        return {"type": "array"}
    if len(args) == 2 and args[1] is ...:
        return _with({"type": "array"}, "items", _schema(args[0], within))
    items = [] if args == ((),) else [_schema(arg, within) for arg in args]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _union(schemas: list[Schema]) -> Schema:
    if not all(schemas):
        return {}
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _with(schema: Schema, keyword: str, part: Schema) -> Schema:
    return {**schema, keyword: part} if part else schema


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
