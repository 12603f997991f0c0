"""A handler's source file: what it defines, what it is made of, and what is wrong with it."""

from __future__ import annotations

import os
import sys
from typing import Any

from .._definition import definitions
from .failure import THROWN, Place, code_frame, message_of, place_of, stack_of
from .handlers import DefinitionError, Handler
from .importing import import_file
from .sources import files_of, is_local, remember_source


class Module:
    """A handler's source file and the local files that it imports."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._modules = 0
        self._files: set[str] = set()

    def load(self) -> list[Handler]:
        """Runs the file and returns the handlers it defines."""
        import_file(self.path)
        handlers: dict[str, Handler] = {}
        for definition in definitions():
            if definition.place.file != self.path:
                continue
            first = handlers.get(definition.name)
            if first is not None:
                line = first.definition.place.line
                message = f'the module defines the handler "{definition.name}" twice, first in line {line}'
                raise DefinitionError(message, Place(*definition.place))
            handlers[definition.name] = Handler(definition)
        if not handlers:
            raise DefinitionError(
                'the module defines no handler: write @handler("name") above a function, '
                "or let the file's name begin with _ if it is there for others to import"
            )
        return list(handlers.values())

    def new_files(self) -> list[str]:
        """Returns the local files imported since the last call, the module's own included."""
        if len(sys.modules) == self._modules:
            return []  # asked after each job: this must cost nothing
        self._modules = len(sys.modules)
        files = {file for file in files_of(sys.modules.values()) if is_local(file)} - self._files
        self._files |= files
        for file in files:
            remember_source(file)
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
            message = message.replace("the handler called", "the module called") + " while it was imported"
        if isinstance(error, ModuleNotFoundError) and error.name:
            message += _how_to_install(error.name)
        if at is not None:
            files.add(at.file)
            data.update(file=at.file, line=at.line, column=at.column, frame=code_frame(at))
        data["dependencies"] = sorted(file for file in files if is_local(file))
        return {"code": THROWN, "message": message, "data": data}


def _how_to_install(name: str) -> str:
    if sys.prefix == sys.base_prefix:
        return "; to install it, make a virtual environment called .venv beside the file, and install it there"
    return f"; to install it: {os.path.join(sys.prefix, 'bin', 'pip')} install {name.split('.')[0]}"
