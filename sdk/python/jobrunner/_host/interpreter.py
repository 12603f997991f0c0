"""Finds the virtual environment that a module wants to run in."""

from __future__ import annotations

import os
from typing import Optional

#: Tells the program that it has been started in the environment already.
IN_ENVIRONMENT = "--in-environment"


class EnvironmentProblem(Exception):
    """The virtual environment beside a module cannot be used."""


def environment_of(path: str) -> Optional[str]:
    """Returns the folder ``.venv`` beside a module, if it is a virtual environment."""
    folder = os.path.join(os.path.dirname(os.path.abspath(path)), ".venv")
    return folder if os.path.isfile(os.path.join(folder, "pyvenv.cfg")) else None


def enter_environment(folder: str, program: str, path: str) -> None:
    """Goes on with the environment's own interpreter, in place of this process.

    :raises EnvironmentProblem: if it has none that works.
    """
    python = os.path.join(folder, "bin", "python")
    try:
        os.execv(python, [python, "-u", "-B", program, path, IN_ENVIRONMENT])
    except OSError as error:
        reason = f"the virtual environment {folder} has no interpreter that works: {error.strerror}; make it again"
        raise EnvironmentProblem(reason) from None
