"""The author's own source files among all that Python has loaded."""

from __future__ import annotations

import linecache
import os
import sysconfig
import types
from typing import Iterable, Iterator

_INSTALLED = tuple(f"{os.sep}{folder}{os.sep}" for folder in ("site-packages", "dist-packages"))
_NOT_LOCAL = tuple(
    os.path.join(folder, "")
    for folder in {
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        *(os.path.realpath(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib")),
        *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")),
    }
)


def is_local(file: str) -> bool:
    """Whether a source file is the author's own: not Python's, not installed, not ours."""
    return (
        file.endswith(".py")
        and os.path.isabs(file)
        and not file.startswith(_NOT_LOCAL)
        and not any(folder in file for folder in _INSTALLED)
    )


def files_of(modules: Iterable[types.ModuleType]) -> Iterator[str]:
    """Returns the files that modules were loaded from."""
    for module in list(modules):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield file


def lines_of(file: str) -> list[str]:
    """Returns the lines of a source file as they were when it was loaded; none if it cannot be read."""
    try:
        return linecache.getlines(file)
    except (SyntaxError, UnicodeDecodeError):  # Python up to 3.9, of a file that is not in UTF-8
        return []


def remember_source(file: str) -> None:
    """Keeps a file's text for tracebacks: it may be changed while this version of it still runs."""
    lines = lines_of(file)
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
