"""How modules are loaded, what they are made of, and what is said when they cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping

from .child import DEADLINE, HOST, Child, HostTest

#: The lines of a decorator in line 3: up to Python 3.10 some errors name the function below.
DECORATOR = (3,) if sys.version_info >= (3, 11) else (3, 4)

MINIMAL = """
    from jobrunner import handler

    @handler
    def work(job): return 1
"""


class Failures(HostTest):
    def failure(self, folder: Path, name: str = "module.py") -> tuple[str, Mapping[str, Any]]:
        """Loads a file that cannot be loaded and returns the message and the data of the error."""
        child = self.open(folder / name)
        assert child.failure is not None, "the module has loaded"
        return child.failure["message"], child.failure["data"]

    def test_a_syntax_error_shows_the_place(self) -> None:
        folder = self.folder()
        path = self.write(folder, "module.py", "import os\n\n\ndef f(:\n    pass\n\n\nmore = 1\n")
        message, data = self.failure(folder)
        self.assertEqual(message, "invalid syntax")
        self.assertEqual((data["name"], data["file"], data["line"], data["column"]), ("SyntaxError", str(path), 4, 7))
        self.assertEqual(data["frame"], "  2 |\n  3 |\n> 4 | def f(:\n    |       ^\n  5 |     pass\n  6 |")
        self.assertEqual(data["dependencies"], [str(path)])

    def test_an_error_in_an_imported_file_shows_the_place_there(self) -> None:
        folder = self.folder()
        path = self.write(folder, "module.py", "import lib.broken\n")
        self.write(folder, "lib/__init__.py", "")
        broken = self.write(folder, "lib/broken.py", "if True:\n  x = 1\n y = 2\n")
        _, data = self.failure(folder)
        self.assertEqual((data["name"], data["file"], data["line"]), ("IndentationError", str(broken), 3))
        self.assertIn("> 3 |  y = 2\n", data["frame"])
        self.assertEqual(data["dependencies"], sorted([str(path), str(broken), str(folder / "lib/__init__.py")]))

    def test_an_error_while_it_runs_shows_the_authors_own_line(self) -> None:
        folder = self.folder()
        path = self.write(folder, "module.py", "import json\n\ndef read():\n\treturn json.loads('{')\n\nread()\n")
        message, data = self.failure(folder)
        self.assertIn("Expecting property name", message)
        self.assertEqual((data["name"], data["file"], data["line"]), ("JSONDecodeError", str(path), 4))
        self.assertIn("> 4 |     return json.loads('{')", data["frame"])
        self.assertNotIn("importlib", data["stack"])
        self.assertNotIn(f"jobrunner{os.sep}", data["stack"])
        if sys.version_info >= (3, 11):
            self.assertEqual(data["column"], 9)
            self.assertIn("\n    |            ^", data["frame"])

    def test_text_that_is_run_does_not_hide_the_file(self) -> None:
        folder = self.folder()
        path = self.write(folder, "module.py", "\neval('1 +')\n")
        _, data = self.failure(folder)
        self.assertEqual((data["name"], data["file"], data["line"]), ("SyntaxError", str(path), 2))

    def test_a_missing_module_says_what_to_do(self) -> None:
        folder = self.folder()
        self.write(folder, "module.py", "import os\nimport no_such_module.part\n")
        message, data = self.failure(folder)
        self.assertIn("No module named 'no_such_module'; to install it, make a virtual environment", message)
        self.assertEqual((data["name"], data["line"]), ("ModuleNotFoundError", 2))

    def test_a_module_without_handlers_says_so(self) -> None:
        folder = self.folder()
        self.write(folder, "module.py", "x = 1\n")
        message, data = self.failure(folder)
        self.assertIn('the module defines no handler: write @handler("name") above a function', message)
        self.assertEqual(data["name"], "Error")
        self.assertNotIn("line", data)

    def test_two_handlers_of_one_name_are_refused(self) -> None:
        folder = self.folder()
        text = "from jobrunner import handler\n@handler('a')\ndef f(job): pass\n\n@handler('a')\ndef g(job): pass\n"
        self.write(folder, "module.py", text)
        message, data = self.failure(folder)
        self.assertEqual(message, 'the module defines the handler "a" twice, first in line 2')
        self.assertEqual(data["line"], 5)

    def test_a_mistake_in_the_decorator_is_shown_where_it_is(self) -> None:
        wants = {
            "@handler(timeout=0)": "timeout is a number of seconds above 0, not 0",
            "@handler(attempts=1.5)": "attempts is a whole number from 1 up, not 1.5",
            "@handler(concurrency=0)": "concurrency is a whole number from 1 up, not 0",
            "@handler(schema='{}')": "schema is a dict, not '{}'",
            "@handler(schema={'a': {1}})": "Object of type set is not JSON serializable",
            "@handler('')": "a handler's name is not empty",
            "@handler(colour=1)": "unexpected keyword argument 'colour'",
        }
        for line, expected in wants.items():
            folder = self.folder()
            self.write(folder, "module.py", f"from jobrunner import handler\n\n{line}\ndef f(job): pass\n")
            message, data = self.failure(folder)
            self.assertIn(expected, message)
            self.assertIn(data["line"], DECORATOR)

    def test_parameters_that_cannot_be_given_are_refused(self) -> None:
        folder = self.folder()
        self.write(folder, "module.py", "from jobrunner import handler\n\n@handler\ndef f(job, size): pass\n")
        message, data = self.failure(folder)
        self.assertIn("a handler takes the job, its data, or both", message)
        self.assertIn(data["line"], DECORATOR)

    def test_a_module_that_exits_says_so(self) -> None:
        folder = self.folder()
        self.write(folder, "module.py", "import sys\nsys.exit('not today')\n")
        message, data = self.failure(folder)
        self.assertEqual(message, "the module called sys.exit('not today') while it was imported")
        self.assertEqual((data["name"], data["line"]), ("SystemExit", 2))

    def test_odd_files_say_what_is_wrong(self) -> None:
        for content in (b"x = 1\0\n", b"x = '\xff'\n", b"\xef\xbb\xbfx = ("):
            folder = self.folder()
            (folder / "module.py").write_bytes(content)
            message, data = self.failure(folder)
            self.assertTrue(message)
            self.assertIn(data["name"], ("SyntaxError", "ValueError"))

    def test_a_file_that_is_gone_says_so(self) -> None:
        message, data = self.failure(self.folder(), "gone.py")
        self.assertIn("No such file", message)
        self.assertEqual(data["name"], "FileNotFoundError")


class Loading(HostTest):
    def test_siblings_are_imported_by_name_and_relatively(self) -> None:
        folder = self.folder()
        self.write(folder, "sibling.py", "VALUE = 1\n")
        self.write(folder, "lib/inner.py", "from . import other\nVALUE = other.VALUE\n")
        self.write(folder, "lib/other.py", "VALUE = 2\n")
        path = self.write(
            folder,
            "my-handler.v2.py",
            """
            import lib.inner, sibling
            from . import sibling as relative
            from .lib.other import VALUE
            from jobrunner import handler

            @handler
            def work(job): return [sibling.VALUE, relative.VALUE, lib.inner.VALUE, VALUE, __file__, __name__]
            """,
        )
        child = self.open(path)
        self.assertIsNone(child.failure)
        self.assertEqual(child.run("work").result, [1, 1, 2, 2, str(path), "handlers.my_handler_v2"])
        expected = [path, *(folder / name for name in ("sibling.py", "lib/inner.py", "lib/other.py"))]
        self.assertEqual(child.loaded["dependencies"], sorted(map(str, expected)))

    def test_a_file_in_a_package_is_loaded_as_its_part(self) -> None:
        folder = self.folder()
        self.write(folder, "app/__init__.py", "ROOT = 1\n")
        self.write(folder, "app/config.py", "from . import ROOT\nVALUE = ROOT + 1\n")
        self.write(folder, "app/jobs/__init__.py", "")
        path = self.write(
            folder,
            "app/jobs/mail.py",
            """
            from ..config import VALUE
            from app import ROOT
            from jobrunner import handler

            @handler
            def work(job): return [VALUE, ROOT, __name__]
            """,
        )
        child = self.open(path)
        self.assertIsNone(child.failure)
        self.assertEqual(child.run("work").result, [2, 1, "app.jobs.mail"])
        names = ("app/__init__.py", "app/config.py", "app/jobs/__init__.py", "app/jobs/mail.py")
        self.assertEqual(child.loaded["dependencies"], sorted(str(folder / name) for name in names))

    def test_handlers_called_like_standard_modules_harm_nobody(self) -> None:
        folder = self.folder()
        for name in ("email", "queue", "json", "logging"):
            self.write(folder, f"{name}.py", MINIMAL + "\n    import email.message, json, logging, queue\n")
        for name in ("email", "queue", "json", "logging"):
            child = self.open(folder / f"{name}.py")
            self.assertIsNone(child.failure)
            self.assertEqual(child.run("work").result, 1)
            self.assertEqual(child.loaded["dependencies"], [str(folder / f"{name}.py")])

    def test_what_is_imported_later_is_told(self) -> None:
        folder = self.folder()
        self.write(folder, "late.py", "VALUE = 1\n")
        path = self.write(
            folder,
            "module.py",
            """
            from jobrunner import handler

            @handler
            def work(job):
                import late
                return late.VALUE
            """,
        )
        child = self.open(path)
        self.assertEqual(child.loaded["dependencies"], [str(path)])
        for _ in range(2):
            self.assertEqual(child.run("work").result, 1)
        self.assertEqual(child.notices, [("dependencies", {"files": [str(folder / "late.py")]})])

    def test_handlers_of_an_imported_handler_module_stay_that_modules(self) -> None:
        folder = self.folder()
        other = self.write(folder, "other.py", MINIMAL.replace("work", "theirs"))
        self.write(
            folder,
            "factory.py",
            """
            from jobrunner import handler

            def make(name):
                @handler(name)
                def made(job): return name
            """,
        )
        path = self.write(folder, "module.py", "import factory, other\n\nfactory.make('made')\n")
        child = self.open(path)
        self.assertEqual([h["name"] for h in child.loaded["handlers"]], ["made"])
        self.assertEqual(child.run("made").result, "made")
        self.assertIn(str(other), child.loaded["dependencies"])

    def test_event_loops_used_while_it_loads_are_no_trouble(self) -> None:
        for lines in (
            "VALUE = asyncio.run(prepare())",
            "loop = asyncio.new_event_loop(); VALUE = loop.run_until_complete(prepare()); loop.close()",
            "loop = asyncio.get_event_loop(); VALUE = loop.run_until_complete(prepare()); loop.close()",
            "LOCK = asyncio.Lock()\n    EVENT = asyncio.Event()\n    VALUE = 1",
        ):
            child = self.load(
                f"""
    import asyncio
    from jobrunner import handler

    async def prepare(): return 1
    {lines}
    @handler
    async def work(job):
        if "LOCK" in globals():
            async with LOCK:
                await asyncio.sleep(0.001)
        return VALUE

    @handler
    def own(job):
        async def inner(): return VALUE
        return asyncio.run(inner())
    """
            )
            calls = [child.start("work") for _ in range(3)] + [child.start("own")]
            self.assertEqual([child.outcome(call).result for call in calls], [1] * 4)

    def test_an_import_that_takes_long_is_told_with_its_place(self) -> None:
        folder = self.folder()
        self.write(folder, "slow.py", "import time\n\ntime.sleep(0.5)\n")
        path = self.write(folder, "module.py", "import slow\n")
        script = "import sys; from jobrunner._host import importing; importing.SLOW_IMPORT = 0.1; "
        done = subprocess.run(
            [sys.executable, "-c", script + "importing.import_file(sys.argv[1])", str(path)],
            cwd=HOST.parent,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
            timeout=DEADLINE,
        )
        where = f"at {folder}/slow.py, line 3: time.sleep(0.5)"
        self.assertEqual(done.stderr, f"the module is still being imported after 0.1 s, {where}\n")

    def test_the_module_sees_itself_as_the_program(self) -> None:
        child = self.load(
            """
            import sys, threading
            from jobrunner import handler
            main = threading.current_thread() is threading.main_thread()

            @handler
            def work(job): return [len(sys.argv), sys.argv[0].endswith("module.py"), main, sys.dont_write_bytecode]
            """
        )
        self.assertEqual(child.run("work").result, [1, True, True, True])

    def test_a_handler_module_leaves_no_files(self) -> None:
        folder = self.folder()
        self.write(folder, "sibling.py", "VALUE = 1\n")
        self.open(self.write(folder, "module.py", MINIMAL + "\n    import sibling\n"))
        self.assertEqual(sorted(os.listdir(folder)), ["module.py", "sibling.py"])


class Environments(HostTest):
    def environment(self, folder: Path) -> Path:
        """Makes a virtual environment with a package in it."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True, timeout=60)
        (packages,) = (folder / ".venv").glob("lib/python*/site-packages")
        (packages / "installed_package.py").write_text("VALUE = 5\n")
        return folder / ".venv"

    def test_the_environment_beside_the_file_is_used(self) -> None:
        folder = self.folder()
        environment = self.environment(folder)
        path = self.write(
            folder,
            "module.py",
            """
            import os, sys, installed_package
            from jobrunner import handler

            @handler
            def work(job): return [installed_package.VALUE, sys.prefix, os.getpid()]
            """,
        )
        child = self.open(path)
        self.assertIsNone(child.failure)
        self.assertEqual(child.run("work").result, [5, str(environment), child.process.pid])
        self.assertEqual(child.loaded["dependencies"], [str(path)])

    def test_a_missing_module_names_the_environments_pip(self) -> None:
        folder = self.folder()
        environment = self.environment(folder)
        child = self.open(self.write(folder, "module.py", "import no_such_module\n"))
        assert child.failure is not None
        self.assertIn(f"to install it: {environment}/bin/pip install no_such_module", child.failure["message"])

    def test_an_environment_that_does_not_work_is_an_error(self) -> None:
        folder = self.folder()
        self.write(folder, ".venv/pyvenv.cfg", "home = /gone\n")
        path = self.write(folder, "module.py", MINIMAL)
        for _ in range(2):
            child = self.open(path)
            assert child.failure is not None
            self.assertIn("/.venv has no interpreter that works: No such file", child.failure["message"])
            (folder / ".venv/bin").mkdir(exist_ok=True)
            python = folder / ".venv/bin/python"
            python.unlink(missing_ok=True)
            python.symlink_to("/gone/python")

    def test_a_folder_that_is_no_environment_is_left_alone(self) -> None:
        folder = self.folder()
        self.write(folder, ".venv/readme.txt", "nothing")
        child: Child = self.open(self.write(folder, "module.py", MINIMAL))
        self.assertEqual(child.run("work").result, 1)
