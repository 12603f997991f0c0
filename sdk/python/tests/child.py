"""A host process, and the worker's side of its connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping, Optional

HOST = Path(__file__).parent.parent / "jobrunner_host.py"

#: How long anything may take that must happen. Only a test that fails waits for so long.
DEADLINE = 30.0

JOB = {
    "id": "7",
    "name": "work",
    "queue": "q",
    "prefix": "bull",
    "opts": {"attempts": 3},
    "attempt": 2,
    "maxAttempts": 3,
    "attemptsStarted": 4,
    "priority": 1,
    "timestamp": 1_700_000_000_000,
}


#: A module with a handler of each kind that returns its data.
ECHO = """
    from jobrunner import handler

    @handler
    def plain(job):
        return job.data

    @handler
    async def coroutine(job):
        return job.data
"""


@dataclass
class Outcome:
    """What a job came to, and what was heard of it meanwhile."""

    result: Any = None
    error: Optional[Mapping[str, Any]] = None
    logs: list[str] = field(default_factory=list)
    progress: list[Any] = field(default_factory=list)
    #: The requests the job made, as (method, params without the call).
    asked: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def message(self) -> str:
        """The error's message; fails if there was no error."""
        assert self.error is not None, f"the job did not fail: {self}"
        message: str = self.error["message"]
        return message

    @property
    def data(self) -> Mapping[str, Any]:
        """The error's data; fails if there was no error."""
        assert self.error is not None, f"the job did not fail: {self}"
        data: Mapping[str, Any] = self.error["data"]
        return data


class Child:
    """A host that has been asked to load a module."""

    def __init__(self, path: Path, *, max_result: int = 1 << 20, python: str = sys.executable) -> None:
        #: How requests of the host are answered, by method: a value, or a function of the parameters.
        #: An exception as the value is the error's message.
        self.answers: dict[str, Any] = {}
        #: Notifications that belong to no job, as (method, params).
        self.notices: list[tuple[str, Any]] = []
        self.loaded: Mapping[str, Any] = {}
        #: The error of the load, if it failed.
        self.failure: Optional[Mapping[str, Any]] = None
        self._outcomes: dict[int, Outcome] = {}
        self._answered: set[int] = set()
        self._changed = threading.Condition()
        self._ended = False
        self._last = 0
        self._stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [python, "-u", "-B", str(HOST), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=path.parent,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(path.parent)},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        loading = self.outcome(self.send("initialize", {"protocol": 2, "maxResultBytes": max_result}))
        self.loaded, self.failure = loading.result or {}, loading.error

    def run(self, handler: str, data: Any = None, **job: Any) -> Outcome:
        """Runs a job to its end."""
        return self.outcome(self.start(handler, data, **job))

    def start(self, handler: str, data: Any = None, **job: Any) -> int:
        """Starts a job and returns its call."""
        return self.send("execute", {"handler": handler, "job": {**JOB, "name": handler, "data": data, **job}})

    def cancel(self, call: int, reason: str = "timed out after 5s") -> None:
        """Tells a job to stop."""
        self._write({"method": "cancel", "params": {"call": call, "reason": reason}})

    def send(self, method: str, params: Any) -> int:
        """Sends a request and returns its id."""
        self._last += 1
        self._write({"id": self._last, "method": method, "params": params})
        return self._last

    def outcome(self, call: int) -> Outcome:
        """Waits for the answer to a call."""
        self.wait(lambda: call in self._answered, f"no answer to call {call}")
        return self._outcomes[call]

    def so_far(self, call: int) -> Outcome:
        """Returns what has been heard of a job that need not have ended."""
        with self._changed:
            return self._outcomes.setdefault(call, Outcome())

    def wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Waits until something that the host said makes the condition true."""
        with self._changed:
            done = self._changed.wait_for(lambda: condition() or self._ended, DEADLINE)
            if not done or not condition():
                raise AssertionError(f"{otherwise}; {'the host has ended: ' if self._ended else ''}{self.stderr()}")

    def wait_begun(self, call: int) -> None:
        """Waits until a job has reported the progress "begun"."""
        self.wait(lambda: self.so_far(call).progress == ["begun"], "the job has not begun")

    def stderr(self) -> str:
        """Returns what the host has written to stderr so far."""
        return os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait_stderr(self, text: str) -> None:
        """Waits until the host has written a text to stderr."""
        end = time.monotonic() + DEADLINE
        while text not in self.stderr():
            if time.monotonic() > end:
                raise AssertionError(f"stderr has no {text!r}: {self.stderr()}")
            time.sleep(0.01)

    def wait_end(self) -> int:
        """Waits for the process to end and returns its exit code."""
        self._reader.join(DEADLINE)
        return self.process.wait(DEADLINE)

    def close(self) -> int:
        """Ends the host as the worker does, and returns its exit code."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._reader.join(DEADLINE)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._stderr.close()

    def write_raw(self, line: bytes) -> None:
        """Writes a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def _write(self, message: Mapping[str, Any]) -> None:
        self.write_raw(json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode())

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._take(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, message: Mapping[str, Any]) -> None:
        assert message["jsonrpc"] == "2.0", message
        method, params = message.get("method"), message.get("params", {})
        if method is None:
            outcome = self._outcomes.setdefault(message["id"], Outcome())
            outcome.result, outcome.error = message.get("result"), message.get("error")
            assert message["id"] not in self._answered, f"two answers: {message}"
            self._answered.add(message["id"])
        elif "call" not in params:
            self.notices.append((method, params))
        else:
            self._take_of_job(method, params, self._outcomes.setdefault(params["call"], Outcome()), message.get("id"))

    def _take_of_job(self, method: str, params: Mapping[str, Any], outcome: Outcome, call: Optional[int]) -> None:
        if method == "log":
            outcome.logs.append(params["line"])
        elif method == "progress":
            outcome.progress.append(params["value"])
        else:
            asked = {key: value for key, value in params.items() if key != "call"}
            outcome.asked.append((method, asked))
            answer = self.answers[method]
            answer = answer(asked) if callable(answer) else answer
            if isinstance(answer, Exception):
                self._write({"id": call, "error": {"code": -32603, "message": str(answer)}})
            else:
                self._write({"id": call, "result": answer})


class HostTest(unittest.TestCase):
    """A test that runs modules in host processes, which end with it."""

    def folder(self) -> Path:
        """Returns a new folder called handlers."""
        parent = tempfile.TemporaryDirectory()
        self.addCleanup(parent.cleanup)
        folder = Path(parent.name).resolve() / "handlers"
        folder.mkdir()
        return folder

    def write(self, folder: Path, name: str, text: str) -> Path:
        """Writes a file with some Python."""
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def open(self, path: Path, **options: Any) -> Child:
        """Starts a host for a file, whether or not it can be loaded."""
        child = Child(path, **options)
        self.addCleanup(child.close)
        return child

    def load(self, text: str, **options: Any) -> Child:
        """Starts a host for a module's text, which must load."""
        child = self.open(self.write(self.folder(), "module.py", text), **options)
        self.assertIsNone(child.failure)
        return child
