"""What the decorator and a function's parameters say."""

from __future__ import annotations

import functools
import unittest
from dataclasses import dataclass
from typing import Any, Callable, List, cast

from jobrunner import Delay, Job, Unrecoverable, handler
from jobrunner._definition import definitions
from jobrunner._json import decode, encode
from jobrunner._signature import UNKNOWN, is_coroutine_function, read_signature


@dataclass
class Mail:
    to: str


class Decorator(unittest.TestCase):
    def test_it_leaves_the_function_as_it_is(self) -> None:
        def greet(data: str) -> str:
            return "Hello, " + data

        for decorated in (handler(greet), handler()(greet), handler("other")(greet), handler(name="third")(greet)):
            self.assertIs(decorated, greet)
        self.assertEqual([d.name for d in definitions()[-4:]], ["greet", "greet", "other", "third"])

    def test_the_description_defaults_to_the_docstrings_first_line(self) -> None:
        @handler
        def greet(job: Job[Any]) -> None:
            """Greets somebody.

            Politely.
            """

        self.assertEqual(definitions()[-1].description, "Greets somebody.")
        handler(description="other")(greet)
        self.assertEqual(definitions()[-1].description, "other")

    def test_only_functions_can_be_handlers(self) -> None:
        with self.assertRaisesRegex(TypeError, "a handler is a function, not 5"):
            handler("five")(5)  # type: ignore[type-var]
        for nameless in cast(Any, (lambda job: None, functools.partial(print))):
            with self.assertRaisesRegex(TypeError, "needs a name"):
                handler(nameless)


class Parameters(unittest.TestCase):
    def test_the_job_and_its_data_go_where_they_are_wanted(self) -> None:
        def job_only(job): ...  # type: ignore[no-untyped-def]
        def any_name(j): ...  # type: ignore[no-untyped-def]
        def data_only(data): ...  # type: ignore[no-untyped-def]
        def typed_job(j: Job[Mail]) -> int: ...  # type: ignore[empty-body]
        def typed_data(mail: Mail) -> None: ...
        def both(mail: Mail, job: Job[Any]) -> None: ...
        def swapped(job: Job[Any], mail: Mail) -> None: ...
        def by_name(data: List[int], *, job: Job[Any], extra: int = 5) -> None: ...
        def nothing() -> None: ...
        def anything(*args: Any, **kwargs: Any) -> None: ...

        wants: list[tuple[Callable[..., Any], tuple[bool, ...], Any]] = [
            (job_only, (True,), UNKNOWN),
            (any_name, (True,), UNKNOWN),
            (data_only, (False,), UNKNOWN),
            (typed_job, (True,), Mail),
            (typed_data, (False,), Mail),
            (both, (False, True), Mail),
            (swapped, (True, False), Mail),
            (by_name, (False,), List[int]),
            (nothing, (), UNKNOWN),
            (anything, (True,), UNKNOWN),
            (functools.partial(both, Mail("x")), (True,), Any),
            (print, (True,), UNKNOWN),
        ]
        for function, positional, data in wants:
            with self.subTest(function=function):
                signature = read_signature(function)
                self.assertEqual((signature.positional, signature.data), (positional, data))
        self.assertEqual(read_signature(by_name).named, (("job", True),))
        self.assertIs(read_signature(typed_job).result, int)

    def test_annotations_that_cannot_be_evaluated_say_nothing(self) -> None:
        def work(data: NoSuchClass, job: Job) -> AlsoNone: ...  # type: ignore # noqa: F821

        signature = read_signature(work)
        self.assertEqual((signature.positional, signature.data, signature.result), ((False, True), UNKNOWN, UNKNOWN))

    def test_coroutine_functions_are_known_through_what_wraps_them(self) -> None:
        async def work(job: Job[Any]) -> None: ...

        class Worker:
            async def __call__(self, job: Job[Any]) -> None: ...

        for function in cast(Any, (work, functools.partial(work), Worker(), Worker().__call__)):
            self.assertTrue(is_coroutine_function(function))
        for function in cast(Any, (lambda job: work(job), print, Worker)):
            self.assertFalse(is_coroutine_function(function))


class Exceptions(unittest.TestCase):
    def test_pauses_are_in_seconds(self) -> None:
        self.assertEqual(Delay(2).seconds, 2.0)
        self.assertEqual(str(Delay(0.5)), "the job is put off for 0.5 s")
        with self.assertRaises(ValueError):
            Delay(float("inf"))
        self.assertIsInstance(Unrecoverable("x"), Exception)


class JSON(unittest.TestCase):
    def test_values_survive_the_way_there_and_back(self) -> None:
        for value in (None, "\ud800", "ü\u2028\n", 10**1000, 1e300, {"a": [True, {}]}, "\U0001f600"):
            text = encode(value, "value")
            self.assertNotIn(b"\n", text)
            self.assertEqual(decode(text), value)

    def test_dataclasses_are_objects(self) -> None:
        self.assertEqual(encode([Mail("me"), {"mail": Mail("you")}], "value"), b'[{"to":"me"},{"mail":{"to":"you"}}]')

    def test_what_is_no_json_is_named(self) -> None:
        with self.assertRaisesRegex(TypeError, r"the value is not JSON: value\.to is inf, which JSON has no word for"):
            encode(Mail(float("inf")), "value")  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
