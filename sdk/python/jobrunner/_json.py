"""JSON as the worker reads it: UTF-8, on one line, without NaN."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from typing import Any, Optional


def encode(value: Any, subject: str) -> bytes:
    """Writes a value as JSON; dataclasses become objects and enum members their values.

    :param subject: what the value is, for the error, such as "result".
    :raises TypeError: if the value is not JSON; it says which part of it is not.
    """
    try:
        text = _encoder.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the {subject} is not JSON: {_reason(value, subject, error)}") from None
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no bytes in UTF-8, but an escape sequence in JSON.
        return _ascii_encoder.encode(value).encode()


def decode(line: bytes) -> Any:
    """Reads JSON; integers beyond Python's limit of digits become floats.

    :raises ValueError: if it is not JSON.
    :raises RecursionError: if it is nested more deeply than Python can follow.
    """
    try:
        return json.loads(line)
    except ValueError:
        return json.loads(line, parse_int=_int_or_float)


def _int_or_float(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _plain(value: Any) -> Any:
    """Says how the encoder writes what JSON has no form for."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is not JSON")


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
_ascii_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_plain)

#: What to use instead of some types, by their names.
_INSTEAD = {
    "set": "a list",
    "frozenset": "a list",
    "generator": "a list",
    "dict_keys": "a list",
    "dict_values": "a list",
    "datetime": "its isoformat()",
    "date": "its isoformat()",
    "time": "its isoformat()",
    "timedelta": "its total_seconds()",
    "bytes": "text, by decode() or base64",
    "bytearray": "text, by decode() or base64",
    "Decimal": "str() or float() of it",
    "UUID": "str() of it",
    "PosixPath": "str() of it",
    "coroutine": "await",
    "ndarray": "its tolist()",
}


def _reason(value: Any, subject: str, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if str(error) == "Circular reference detected":
        return "it contains itself"
    try:
        found = _first_fault(value, "")
    except RecursionError:
        found = None
    if found is None:
        return str(error)
    place, fault = found
    return f"{subject + place if place else 'it'} {fault}"


def _first_fault(value: Any, place: str) -> Optional[tuple[str, str]]:
    """Returns the first part that is not JSON: where it is, and what is wrong."""
    if value is None or isinstance(value, (str, int)):
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else (place, f"is {value}, which JSON has no word for; use None")
    if isinstance(value, dict):
        for key in value:
            if key is not None and not isinstance(key, (str, int, float)):
                return place, f"has the key {key!r}; keys must be text"
        parts = [(f"[{key!r}]", part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(f"[{index}]", part) for index, part in enumerate(value)]
    elif isinstance(value, enum.Enum):
        parts = [(".value", value.value)]
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [(f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value)]
    else:
        name = type(value).__name__
        instead = f"; use {_INSTEAD[name]}" if name in _INSTEAD else ""
        return place, f"is of type {name}{instead}"
    faults = (_first_fault(part, place + step) for step, part in parts)
    return next((fault for fault in faults if fault), None)
