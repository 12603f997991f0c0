"""Does on demand what handlers should not do."""

import asyncio
import ctypes
import os
import subprocess
import sys
import time

from jobrunner import Delay, Unrecoverable, handler


class OutOfPaper(Exception):
    pass


def throws(job):
    raise OutOfPaper("no paper left")


def rejects_later(job):
    async def later():
        await asyncio.sleep(0.001)
        raise OutOfPaper("too late")

    return asyncio.run(later())


def unrecoverable(job):
    raise Unrecoverable("never again")


def delays(job):
    raise Delay(1.5)


def never(job):
    job.sleep(1000)


def ignores_abort(job):
    said = False
    while True:
        try:
            if not said:
                job.progress(1)
                said = True
            time.sleep(1000)
        except BaseException:
            pass


line = b"of no use to anybody " * 100 + b"\n"


def flood(fd, text):
    block = text * 100
    written = 0
    while written < 1 << 30:
        written += os.write(fd, block)
    return "fine"


def rubbish(job):
    os.write(1, b'rubbish\n{"jsonrpc":"1.0"}\n{"half":\n\n')
    return "fine"


def half(job):
    os.write(1, b"half a line")
    return "fine"


def forks(job):
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sh", "-c", "(exec sleep 1001) & exec sleep 1002"], start_new_session=True)
    return "fine"


def memory(job):
    kept = []
    while True:
        kept.append(bytearray(8 << 20))


def changes_files(job):
    with open(__file__, "w") as file:
        file.write("this is not Python (")
    os.remove(__file__)
    return "fine"


faults = {
    "fine": lambda job: "fine",
    "soon": lambda job: time.sleep(0.1) or "soon",
    "throws": throws,
    "rejectsLater": rejects_later,
    "unrecoverable": unrecoverable,
    "delays": delays,
    "exits": lambda job: sys.exit(3),
    "exitsHard": lambda job: os._exit(3),
    "segfaults": lambda job: ctypes.string_at(0),
    "killed": lambda job: os.kill(os.getpid(), 9),
    "never": never,
    "ignoresAbort": ignores_abort,
    "rubbish": rubbish,
    "half": half,
    "floods": lambda job: flood(1, line),
    "floodsLog": lambda job: flood(2, line),
    "notJSON": lambda job: object(),
    "nan": lambda job: float("nan"),
    "hundredMegabytes": lambda job: "x" * (100 << 20),
    "nothing": lambda job: None,
    "forks": forks,
    "memory": memory,
    "changesFiles": changes_files,
}


@handler()
def faulty(job):
    return faults[job.data["fault"]](job)
