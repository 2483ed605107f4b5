"""Which processes that tests started are still there: a supervisor that outlives its test takes the next one's time.

Every process inherits the environment of the one that started it, and two variables there tell whose it is: the test
session (`MARK`), and the test, as pytest itself says. One that was given an environment of the test's own is known by
the test's folder, which is in it or in the command. Looks into /proc; where there is none, nothing is found.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "FEWLABELS_TEST_SESSION"
TEST = b"PYTEST_CURRENT_TEST="


def living(folder: Path) -> dict[int, tuple[str, str]]:
    """Processes of this session, whose tests write below `folder`: {pid: (the test that began it, command)}."""
    mark, here, found = f"{MARK}={os.environ.get(MARK)}".encode(), bytes(folder) + b"/", {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").strip()
            mine = mark in environment or any(here in text for text in (*environment, command))
            if mine and int(entry.name) != os.getpid():
                test = next((v.removeprefix(TEST).decode() for v in environment if v.startswith(TEST)), "some test")
                found[int(entry.name)] = (test, command.decode())
    return found


def after(patience: float, folder: Path, but: str | None = None) -> list[str]:
    """A line for each process that is still there after `patience` seconds; these are ended. `but`: tests to let be."""
    give_up = time.monotonic() + patience
    while True:
        left = {pid: (t, c) for pid, (t, c) in living(folder).items() if but is None or not t.startswith(but)}
        if not left or time.monotonic() > give_up:
            break
        time.sleep(0.05)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return [f"{test} left process {pid} behind: {command}" for pid, (test, command) in left.items()]
