"""Runs the unit tests below a folder, and writes how many passed, failed and were
skipped to the file named first, as scripts/tally.mjs reads it:

    python3 scripts/python-test.py counts.json sdk/python
"""

import json
import os
import sys
import unittest


class Result(unittest.TextTestResult):
    """Counts the tests that passed, too."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(counts_file, folder):
    sys.dont_write_bytecode = True
    suite = unittest.defaultTestLoader.discover(os.path.join(folder, "tests"), top_level_dir=folder)
    result = unittest.TextTestRunner(resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped) + len(result.expectedFailures)
    with open(counts_file, "w", encoding="utf-8") as counts:
        json.dump({"passed": result.passed, "failed": failed, "skipped": skipped}, counts)
    return 1 if failed or skipped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
