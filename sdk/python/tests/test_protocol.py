"""What the worker and the host say to each other, besides what jobs do."""

from __future__ import annotations

import json

from .child import ECHO, JOB, HostTest


class Protocol(HostTest):
    def test_the_module_is_described(self) -> None:
        child = self.load(
            """
            from dataclasses import dataclass
            from jobrunner import handler

            @dataclass
            class Mail:
                to: str

            @handler(
                "send-mail", version="1.2.0", author="me", attempts=3, timeout=1.5, concurrency=2, keep_alive=True,
                backoff={"type": "exponential", "delay": 1000}, result_schema={"type": "boolean"},
            )
            def send(mail: Mail):
                '''Sends a mail.

                And that is all.
                '''

            @handler
            def plain(job): pass
            """
        )
        mail, plain = child.loaded["handlers"]
        self.assertEqual(
            mail,
            {
                "name": "send-mail",
                "version": "1.2.0",
                "description": "Sends a mail.",
                "author": "me",
                "dataSchema": {
                    "type": "object",
                    "properties": {"to": {"type": "string"}},
                    "required": ["to"],
                    "additionalProperties": False,
                },
                "resultSchema": {"type": "boolean"},
                "defaults": {
                    "attempts": 3,
                    "backoff": {"type": "exponential", "delay": 1000},
                    "timeout": 1500,
                    "concurrency": 2,
                },
                "keepAlive": True,
            },
        )
        free = {"name": "plain", "version": "0.0.0", "keepAlive": False}
        self.assertEqual({key: value for key, value in plain.items() if value is not None}, free)
        self.assertEqual(child.loaded["protocol"], 2)

    def test_what_is_not_known_is_refused(self) -> None:
        child = self.load(ECHO)
        self.assertEqual(child.outcome(child.send("dance", {})).message, "no such method: dance")
        unknown = child.run("gone")
        self.assertEqual(unknown.message, "the module has no handler called gone")
        self.assertEqual(child.run("plain", 1).result, 1)

    def test_data_that_python_cannot_read_fails_its_job_only(self) -> None:
        child = self.load(ECHO)
        job = json.dumps({"handler": "plain", "job": {"data": "DATA"}}, separators=(",", ":"))
        request = '{"jsonrpc":"2.0","id":%d,"method":"execute","params":%s}'
        deep = "[" * 100_000 + "]" * 100_000
        child.write_raw((request % (50, job.replace('"DATA"', deep))).encode())
        outcome = child.outcome(50)
        self.assertIn("the job cannot be started in Python: it is nested too deeply", outcome.message)
        self.assertTrue(outcome.data["unrecoverable"])
        child.write_raw(b'{"half":')
        child.write_raw(b"")
        self.assertEqual(child.run("plain", 1).result, 1)

    def test_long_numbers_are_read_as_far_as_python_can(self) -> None:
        child = self.load(
            """
            from jobrunner import handler

            @handler
            def kind(job): return type(job.data).__name__
            """
        )
        params = json.dumps({"handler": "kind", "job": {**JOB, "data": "DATA"}})
        request = '{"jsonrpc":"2.0","id":%d,"method":"execute","params":%s}'
        for call, digits in ((60, 300), (61, 10_000)):
            child.write_raw((request % (call, params.replace('"DATA"', "9" * digits))).encode())
        self.assertEqual(child.outcome(60).result, "int")
        self.assertIn(child.outcome(61).result, ("int", "float"))  # by the limit of the Python at hand
