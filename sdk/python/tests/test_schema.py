"""JSON Schemas from annotations, and values made as they say."""

from __future__ import annotations

import enum
import sys
import typing
import unittest
from dataclasses import dataclass, field
from typing import (
    Annotated,
    Any,
    ClassVar,
    Dict,
    Generic,
    List,
    Literal,
    Mapping,
    NewType,
    Optional,
    Sequence,
    Tuple,
    TypedDict,
    TypeVar,
    Union,
)

from jobrunner._convert import Mismatch, converter_of
from jobrunner._schema import schema_of

Item = TypeVar("Item")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Shape(enum.Enum):
    ROUND = object()


@dataclass
class Point:
    """A place on the map.

    And more of it.
    """

    x: float
    y: float = 0.0
    label: Annotated[Optional[str], "what is there"] = None


@dataclass
class Tree:
    value: int
    children: List[Tree] = field(default_factory=list)
    fixed: int = field(default=0, init=False)


@dataclass
class Initialized:
    size: int
    area: int = field(init=False)
    scale: ClassVar[int] = 1


@dataclass
class Unresolved:
    other: NoSuchClass  # type: ignore[name-defined] # noqa: F821
    size: int = 1


@dataclass
class Box(Generic[Item]):
    item: Item


class Base(TypedDict):
    id: str


class Options(Base, total=False):
    point: Point
    size: int


def closed(properties: Mapping[str, Any], *required: str, **more: Any) -> Mapping[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False, **more}
    if required:
        schema["required"] = list(required)
    return schema


POINT = closed(
    {
        "x": {"type": "number"},
        "y": {"type": "number", "default": 0.0},
        "label": {"type": ["string", "null"], "description": "what is there", "default": None},
    },
    "x",
    description="A place on the map.",
)


class Schemas(unittest.TestCase):
    def test_annotations_become_schemas(self) -> None:
        wants: list[tuple[Any, Any]] = [
            (str, {"type": "string"}),
            (bool, {"type": "boolean"}),
            (int, {"type": "integer"}),
            (float, {"type": "number"}),
            (None, {"type": "null"}),
            (UserId, {"type": "integer"}),
            (Optional[int], {"type": ["integer", "null"]}),
            (Union[int, List[int]], {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
            (list, {"type": "array"}),
            (List[str], {"type": "array", "items": {"type": "string"}}),
            (Sequence[str], {"type": "array", "items": {"type": "string"}}),
            (List[Any], {"type": "array"}),
            (Tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
            (
                Tuple[int, str],
                {
                    "type": "array",
                    "prefixItems": [{"type": "integer"}, {"type": "string"}],
                    "minItems": 2,
                    "maxItems": 2,
                },
            ),
            (dict, {"type": "object"}),
            (Dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
            (Mapping[str, Any], {"type": "object"}),
            (Literal["a", 1, None], {"enum": ["a", 1, None]}),
            (Color, {"enum": ["red", "blue"]}),
            (Level, {"enum": [1, 2]}),
            (Annotated[int, {"minimum": 1}, "how many"], {"type": "integer", "minimum": 1, "description": "how many"}),
            (Point, POINT),
            (List[Point], {"type": "array", "items": POINT}),
            (
                Tree,
                closed(
                    {"value": {"type": "integer"}, "children": {"type": "array", "items": {"type": "object"}}}, "value"
                ),
            ),
            (Options, closed({"id": {"type": "string"}, "point": POINT, "size": {"type": "integer"}}, "id")),
            (Initialized, closed({"size": {"type": "integer"}}, "size")),
        ]
        if sys.version_info >= (3, 10):
            wants.append((int | None, {"type": ["integer", "null"]}))
        for hint, expected in wants:
            with self.subTest(hint=hint):
                self.assertEqual(schema_of(hint), expected)

    def test_what_has_no_sure_form_is_left_free(self) -> None:
        import datetime

        for hint in (Any, object, datetime.datetime, set, bytes, Shape, Item, Union[int, Any], "NoSuchClass", Generic):
            with self.subTest(hint=hint):
                self.assertIsNone(schema_of(hint))
        self.assertEqual(schema_of(Unresolved), closed({"other": {}, "size": {"default": 1}}, "other"))

    if sys.version_info >= (3, 11):

        def test_keys_may_be_required_one_by_one(self) -> None:
            Mixed = TypedDict("Mixed", {"a": typing.NotRequired[int], "b": typing.Required[str]})
            self.assertEqual(schema_of(Mixed), closed({"a": {"type": "integer"}, "b": {"type": "string"}}, "b"))


class Conversions(unittest.TestCase):
    def test_values_are_made_as_annotations_say(self) -> None:
        wants: list[tuple[Any, Any, Any]] = [
            (Point, {"x": 1}, Point(1)),
            (Point, {"x": 1, "y": 2, "label": "home", "unknown": 3}, Point(1, 2, "home")),
            (Optional[Point], None, None),
            (Optional[Point], {"x": 1}, Point(1)),
            (List[Point], [{"x": 1}], [Point(1)]),
            (Dict[str, Point], {"a": {"x": 1}}, {"a": Point(1)}),
            (Tuple[Point, int], [{"x": 1}, 2], (Point(1), 2)),
            (Tuple[Point, ...], [{"x": 1}, {"x": 2}], (Point(1), Point(2))),
            (Color, "red", Color.RED),
            (Union[int, Color], 5, 5),
            (Union[int, Color], "blue", Color.BLUE),
            (Union[Color, Point], {"x": 1}, Point(1)),
            (Union[Dict[str, int], List[Point]], {"a": 1}, {"a": 1}),
            (Union[Any, Point], "anything", "anything"),
            (Options, {"id": "1", "point": {"x": 1}}, {"id": "1", "point": Point(1)}),
            (Tree, {"value": 1, "children": [{"value": 2}]}, Tree(1, [Tree(2)])),
            (Annotated[Point, "where"], {"x": 1}, Point(1)),
        ]
        for hint, value, expected in wants:
            with self.subTest(hint=hint, value=value):
                convert = converter_of(hint)
                assert convert is not None
                self.assertEqual(convert(value, "data"), expected)

    def test_what_json_gives_already_is_not_touched(self) -> None:
        for hint in (int, Any, List[int], Dict[str, Any], Optional[str], Base, Literal[1], list, dict, "NoSuchClass"):
            with self.subTest(hint=hint):
                self.assertIsNone(converter_of(hint))

    def test_values_that_do_not_fit_say_where(self) -> None:
        wants: list[tuple[Any, Any, str]] = [
            (Point, [1], "data is not an object"),
            (Point, {}, "data.x is missing"),
            (List[Point], {}, "data is not a list"),
            (Dict[str, List[Color]], {"a": ["red", "green"]}, "data['a'][1] is 'green', which is no Color"),
            (Tuple[Color, ...], "red", "data is not a list"),
            (Options, {"point": {}}, "data.point.x is missing"),
            (Options, 1, "data is not an object"),
            (Union[int, Color], "green", "data is 'green', which is no Color"),
            (Dict[str, Point], [], "data is not an object"),
        ]
        for hint, value, expected in wants:
            with self.subTest(hint=hint, value=value):
                convert = converter_of(hint)
                assert convert is not None
                with self.assertRaises(Mismatch) as caught:
                    convert(value, "data")
                self.assertEqual(str(caught.exception), expected)


if __name__ == "__main__":
    unittest.main()
