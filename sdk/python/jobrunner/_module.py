"""Loads a handler module and says what went wrong, and where."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from typing import Any, Mapping

from ._definition import Definition, definitions

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(path: str) -> list[Definition]:
    """Imports the file and returns the handlers it defines."""
    folder, name = os.path.dirname(path), os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = definitions()
    if not found:
        raise LookupError("the module defines no handler; write @handler(name=...) above a function")
    return found


def local_files(path: str) -> list[str]:
    """Returns the imported files that lie beside the module or below."""
    folder = os.path.dirname(path) + os.sep
    files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    installed = f"{os.sep}site-packages{os.sep}"
    return sorted(f for f in files if f.startswith(folder) and installed not in f and f.endswith(".py"))


def describe_error(error: BaseException, path: str) -> dict[str, Any]:
    """Returns the error member of a response to a failed load of the file."""
    place = _locate(error, os.path.dirname(path) + os.sep)
    data: dict[str, Any] = {"name": type(error).__name__, "stack": stack_of(error), **place}
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return {"code": -32000, "message": message or type(error).__name__, "data": data}


def stack_of(error: BaseException) -> str:
    """Returns the traceback without the frames of this package, 64 KiB at most."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_OWN):
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb))[: 64 * 1024]


def _locate(error: BaseException, folder: str) -> Mapping[str, Any]:
    """Returns the deepest place in the author's own files."""
    if isinstance(error, SyntaxError) and error.filename:
        return {
            "file": error.filename,
            "line": error.lineno or 0,
            "column": error.offset or 0,
            "frame": (error.text or "").rstrip("\n"),
        }
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(folder)]
    if not frames:
        return {}
    last = frames[-1]
    return {"file": last.filename, "line": last.lineno or 0, "frame": last.line or ""}
