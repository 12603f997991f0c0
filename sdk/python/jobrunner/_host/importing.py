"""Imports a handler's file, wherever it lies."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import linecache
import os
import re
import sys
import sysconfig
import threading
import types
from contextlib import contextmanager
from typing import Generator

from .sources import is_local

#: After how many seconds the worker's log is told what a module is busy importing.
SLOW_IMPORT = 10.0


def import_file(path: str) -> None:
    """Runs a file as a module of the package that its folder is, or is made to be."""
    with _told_if_slow():
        folder, base = os.path.split(path)
        stem = os.path.splitext(base)[0]
        package, root = _package_of(folder)
        # Behind the standard library, so that a handler called email.py or queue.py
        # does not take the place of a module that others need.
        _insert_behind_standard_library(*dict.fromkeys((folder, root)))
        sys.argv = [path]
        if package:
            importlib.import_module(package)
        else:
            package = _invent_package(folder)
        name = f"{package}.{re.sub(r'[^0-9A-Za-z_]', '_', stem)}"
        loader = importlib.machinery.SourceFileLoader(name, path)
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        assert spec is not None, "a loader was given"
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loader.exec_module(module)


def _package_of(folder: str) -> tuple[str, str]:
    """Returns the name of the package that a folder is, "" if it is none, and the folder that is not part of it."""
    names: list[str] = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.insert(0, name)
    return ".".join(names), folder


def _invent_package(folder: str) -> str:
    """Makes a package of a plain folder, for ``from . import sibling`` to work there as well."""
    name = re.sub(r"\W", "_", os.path.basename(folder)) or "handlers"
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        name += "_"
    package = types.ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package
    return name


def _insert_behind_standard_library(*folders: str) -> None:
    standard = {os.path.realpath(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib")}
    standard |= {os.path.join(folder, "lib-dynload") for folder in standard}
    behind = max((i for i, entry in enumerate(sys.path) if os.path.realpath(entry) in standard), default=-1) + 1
    sys.path[behind:behind] = folders


@contextmanager
def _told_if_slow() -> Generator[None, None, None]:
    """Has a thread look at what the calling one does, if that takes long."""
    imported = threading.Event()
    threading.Thread(target=_tell_if_slow, args=(imported, threading.get_ident()), daemon=True).start()
    try:
        yield
    finally:
        imported.set()


def _tell_if_slow(imported: threading.Event, thread: int) -> None:
    if imported.wait(SLOW_IMPORT):
        return
    frame = sys._current_frames().get(thread)
    while frame is not None and not is_local(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        where = f"{frame.f_code.co_filename}, line {frame.f_lineno}: {line}"
        print(f"the module is still being imported after {SLOW_IMPORT:g} s, at {where}", file=sys.stderr)
