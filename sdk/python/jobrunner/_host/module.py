"""Imports a handler module and finds what it defines and is made of."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import os
import re
import sys
import sysconfig
import threading
import types
from typing import Any, Iterable, Optional

from .._convert import Converter, Mismatch, converter_of
from .._definition import Definition, definitions
from .._errors import Unrecoverable
from .._job import Job
from .._schema import schema_of
from .._signature import UNKNOWN, Signature, is_coroutine_function, read_signature
from .failure import THROWN, Place, code_frame, message_of, place_of, stack_of

#: After how many seconds the worker's log is told what a module is busy importing.
_SLOW_IMPORT = 10.0


_UNFIT = "the job's data does not fit the handler"


class DefinitionError(Exception):
    """What a module defines cannot be: it says where, too."""

    def __init__(self, message: str, at: Optional[Place] = None) -> None:
        super().__init__(message)
        self.at = at


class Handler:
    """A handler that is ready to run."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.is_coroutine = is_coroutine_function(definition.function)
        try:
            self._signature: Signature = read_signature(definition.function)
        except TypeError as error:
            raise DefinitionError(str(error), Place(*definition.place)) from None
        self._converter: Optional[Converter] = (
            None if self._signature.data is UNKNOWN else converter_of(self._signature.data)
        )

    def call(self, job: Job[Any]) -> Any:
        """Calls the function, with the job's data as it wants it.

        :raises Unrecoverable: if the data does not fit the function's annotations.
        """
        if self._converter is not None:
            try:
                job.data = self._converter(job.data, "data")
            except Mismatch as error:
                raise Unrecoverable(f"{_UNFIT}: {error}") from None
            except (TypeError, ValueError) as error:  # from the author's own class
                raise Unrecoverable(f"{_UNFIT}: {error}") from error
        return self._signature.call(self.definition.function, job)

    def describe(self) -> dict[str, Any]:
        """Returns the description as the worker reads it."""
        d = self.definition
        return {
            "name": d.name,
            "version": d.version,
            "description": d.description,
            "author": d.author,
            "dataSchema": d.schema if d.schema is not None else _derived(self._signature.data),
            "resultSchema": d.result_schema if d.result_schema is not None else _derived(self._signature.result),
            "defaults": d.defaults,
            "keepAlive": d.keep_alive,
        }


def _derived(hint: Any) -> Optional[dict[str, Any]]:
    # Nothing is told of the result of a function that returns None; readers need no schema for it.
    return None if hint is UNKNOWN or hint is type(None) else schema_of(hint)


class Module:
    """A handler's source file and the local files that it imports."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._modules = 0
        self._files: set[str] = set()

    def load(self) -> list[Handler]:
        """Runs the file and returns the handlers it defines."""
        loaded = threading.Event()
        threading.Thread(target=_tell_if_slow, args=(loaded, threading.get_ident()), daemon=True).start()
        try:
            self._run()
        finally:
            loaded.set()
        handlers: dict[str, Handler] = {}
        for definition in definitions():
            if definition.place.file != self.path:
                continue
            first = handlers.get(definition.name)
            if first is not None:
                raise DefinitionError(
                    f'the module defines the handler "{definition.name}" twice, first in line {first.definition.place.line}',
                    Place(*definition.place),
                )
            handlers[definition.name] = Handler(definition)
        if not handlers:
            raise DefinitionError('the module defines no handler; write @handler("name") above a function')
        return list(handlers.values())

    def new_files(self) -> list[str]:
        """Returns the local files imported since the last call, the module's own included."""
        if len(sys.modules) == self._modules:
            return []  # asked after each job: this must cost nothing
        self._modules = len(sys.modules)
        files = {file for file in _files(sys.modules.values()) if is_local(file)} - self._files
        self._files |= files
        for file in files:
            _remember_source(file)
        return sorted(files)

    def describe_failure(self, error: BaseException) -> dict[str, Any]:
        """Returns the error member of the answer to a load that failed."""
        at = error.at if isinstance(error, DefinitionError) else place_of(error, is_local)
        files = set(self.new_files()) | {self.path}
        data: dict[str, Any] = {"name": type(error).__name__, "stack": stack_of(error)}
        message = message_of(error)
        if isinstance(error, DefinitionError):
            data["name"] = "Error"
        if isinstance(error, SystemExit):
            message = f"the module called sys.exit({'' if error.code is None else repr(error.code)}) while it was imported"
        if isinstance(error, ModuleNotFoundError) and error.name:
            message += _how_to_install(error.name)
        if at is not None:
            files.add(at.file)
            data.update(file=at.file, line=at.line, column=at.column, frame=code_frame(at))
        data["dependencies"] = sorted(file for file in files if is_local(file))
        return {"code": THROWN, "message": message, "data": data}

    def _run(self) -> None:
        folder, base = os.path.split(self.path)
        stem = os.path.splitext(base)[0]
        package, root = _package_of(folder)
        # Behind the standard library, so that a handler called email.py or queue.py
        # does not take the place of a module that others need.
        _insert_behind_standard_library(*dict.fromkeys((folder, root)))
        sys.argv = [self.path]
        if package:
            importlib.import_module(package)
        else:
            package = _invent_package(folder)
        name = f"{package}.{re.sub(r'[^0-9A-Za-z_]', '_', stem)}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        assert spec is not None and spec.loader is not None, "the worker gives us .py files only"
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


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


def _files(modules: Iterable[types.ModuleType]) -> Iterable[str]:
    for module in list(modules):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield file


def _remember_source(file: str) -> None:
    """Keeps a file's text for tracebacks: it may be changed while this version of it still runs."""
    lines = linecache.getlines(file)
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _how_to_install(name: str) -> str:
    in_environment = sys.prefix != sys.base_prefix
    pip = f"{os.path.join(sys.prefix, 'bin', 'pip')} install {name.split('.')[0]}"
    if in_environment:
        return f"; if it is to be installed: {pip}"
    return "; if it is to be installed, make a virtual environment called .venv beside the file and install it there"


def _tell_if_slow(loaded: threading.Event, thread: int) -> None:
    if loaded.wait(_SLOW_IMPORT):
        return
    frame = sys._current_frames().get(thread)
    while frame is not None and not is_local(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        where = f"{frame.f_code.co_filename}, line {frame.f_lineno}: {line}"
        print(f"the module is still being imported after {_SLOW_IMPORT:g} s, at {where}", file=sys.stderr)
