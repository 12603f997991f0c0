"""What the worker is told of an exception."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from typing import Any, Callable, Iterator, NamedTuple, Optional

from .._errors import Delay, RateLimit, Release, Unrecoverable, WaitForChildren
from .sources import lines_of

THROWN = -32000

#: Where frames are from that tell an author nothing: this package, and Python's import.
_HIDDEN = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep, "<frozen importlib")
_MAX_TEXT = 64 * 1024
#: How many lines of source are shown before and after a place, and how much of each.
_AROUND = 2
_MAX_SOURCE_LINE = 200


class Place(NamedTuple):
    """A place in a source file; line and column count from 1, column is 0 if only the line is known."""

    file: str
    line: int
    column: int = 0


def describe(error: BaseException) -> dict[str, Any]:
    """Returns the error member of the answer to a job that failed, or that is put back."""
    data: dict[str, Any] = {"name": type(error).__name__, "stack": stack_of(error)}
    if isinstance(error, Unrecoverable):
        data["unrecoverable"] = True
    elif isinstance(error, Delay):
        data["delay"] = error.seconds * 1000
    elif isinstance(error, WaitForChildren):
        data["waitForChildren"] = True
    elif isinstance(error, Release):
        data["release"] = True
    elif isinstance(error, RateLimit):
        data["rateLimit"] = error.seconds * 1000
    return {"code": THROWN, "message": message_of(error), "data": data}


def message_of(error: BaseException) -> str:
    """Returns what an exception says, or at least what it is."""
    if isinstance(error, MemoryError):
        return f"the job ran out of memory: {error}".rstrip(": ")
    if isinstance(error, SystemExit):
        return f"the handler called sys.exit({'' if error.code is None else repr(error.code)})"
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        if isinstance(error, KeyError):
            text = f"KeyError: {text}"  # whose text is nothing but the key
    except Exception:  # an author's __str__ may fail
        text = ""
    return _shorten(text or type(error).__name__)


def free_memory(error: BaseException) -> None:
    """Gives back what the functions held that an exception went through."""
    traceback.clear_frames(error.__traceback__)
    gc.collect()


def stack_of(error: BaseException) -> str:
    """Returns the traceback without the frames of this package."""
    try:
        trace = traceback.TracebackException(type(error), error, error.__traceback__)
        for part in _with_causes(trace):
            authors = [frame for frame in part.stack if not frame.filename.startswith(_HIDDEN)]
            part.stack = traceback.StackSummary.from_list(authors)
        return _shorten("".join(trace.format()))
    except Exception:  # an author's exception may break whatever looks at it
        return type(error).__name__


def place_of(error: BaseException, is_local: Callable[[str], bool]) -> Optional[Place]:
    """Returns the innermost place in the author's own files."""
    if isinstance(error, SyntaxError) and error.filename and os.path.isfile(error.filename):
        return Place(error.filename, error.lineno or 0, error.offset or 0)
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        if is_local(frame.filename):
            column: Optional[int] = getattr(frame, "colno", None)  # from Python 3.11 on
            found = Place(frame.filename, frame.lineno or 0, 0 if column is None else column + 1)
    return found


def code_frame(at: Place) -> str:
    """Returns the place's line among those around it, numbered, with a mark below the column."""
    lines = lines_of(at.file)
    if not 1 <= at.line <= len(lines):
        return ""
    numbers = range(max(1, at.line - _AROUND), min(len(lines), at.line + _AROUND) + 1)
    width = len(str(numbers[-1]))
    shown = []
    for number in numbers:
        text = lines[number - 1].rstrip("\r\n")
        shown.append(f"{'>' if number == at.line else ' '} {number:{width}} | {text[:_MAX_SOURCE_LINE]}".rstrip())
        if number == at.line and 0 < at.column <= min(len(text) + 1, _MAX_SOURCE_LINE):
            blank = "".join("\t" if c == "\t" else " " for c in text[: at.column - 1])
            shown.append(f"  {'':{width}} | {blank}^")
    return "\n".join(shown).replace("\t", "    ")


def _with_causes(trace: Optional[traceback.TracebackException]) -> Iterator[traceback.TracebackException]:
    while trace is not None:
        yield trace
        if sys.version_info >= (3, 11):
            for part in trace.exceptions or ():
                yield from _with_causes(part)
        if trace.__cause__ is not None and trace.__context__ is not None:
            yield from _with_causes(trace.__context__)
        trace = trace.__cause__ or trace.__context__


def _shorten(text: str) -> str:
    """Cuts from the middle, for the end of a traceback says most, and its beginning where it is from."""
    if len(text) <= _MAX_TEXT:
        return text
    half = _MAX_TEXT // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
