"""An engine with fake trainings for the tests of the queue, and what they ask of processes.

Runs are forked from the warm process ("warm") or started by themselves ("cold"); what does not depend on it is tried
cold, which needs no torch. The fixtures are in tests/jobs/conftest.py.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import fake_training as fake
import pytest

from models.errors import JobsError, StoreError
from models.jobs.local import Local
from models.runs.run import Run
from models.runs.store import Folder

ROOT = Path(__file__).resolve().parent.parent
MARK = "FEWLABELS_TEST"  # in the environment of every process a test starts, and of all that those start


def processes(mark, named=""):
    """The living processes that carry `mark`, and have `named` in their command line: {pid: command line}."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if named in line:
                        found[int(entry.name)] = line
    return found


POLL = 0.01  # seconds between two looks


def until(true, patience=60.0, what="it"):
    """Wait for `true()`, and return what it returned."""
    give_up = time.monotonic() + patience
    while not (value := true()):
        assert time.monotonic() < give_up, f"waited {patience} s for {what}"
        time.sleep(POLL)
    return value


def gone(pid):
    """Whether a process is no more. A zombie nobody reaped counts as no more, unless a thread of it is still ending,
    which holds its files and with them its lock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0] == "Z" and int(fields[17]) <= 1
    except OSError:
        return True


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pid), what=f"the end of {pid}")


class Lab(Local):
    """An engine with the questions tests ask."""

    mark = ""

    def go(self, behaviour=fake.QUICK, epochs=1, owner="", **more):
        return self.submit(Run.make(seed=behaviour, epochs=epochs, **more), owner)

    def folder(self, id):
        return Folder(self.root / id)

    def state(self, id):
        return self.states([id])[id].state

    def records(self, id, kind):
        return [r for r in self.events(id)[0] if r["kind"] == kind]

    def begun(self, id):
        until(lambda: self.records(id, "step") or self.states([id])[id].final, what=f"the first step of {id}")
        return self.folder(id).pid()

    def end(self, id, patience=60.0):
        until(lambda: self.states([id])[id].final, patience, f"the end of {id}")
        return self.state(id)

    def ready(self):
        until(lambda: self.warm() or self.supervisor(), what="the supervisor")  # as pages do: each time they run
        if os.environ.get("FEWLABELS_FORK") != "0":
            until(lambda: self.capacity().warm, 60.0, "the warm process")
        return self

    def settled(self):
        """Wait until the supervisor has taken note of every end."""
        until(lambda: not self.queue.rows(), what="an empty queue")


LONG = 2000  # epochs, of a run that ends only because the test ends it, however slow the machine is
SOON = 20.0  # seconds within which a busy machine does what takes one at rest a fraction of a second; what would do it
# in place of what is tested comes later still: the next look for folders after 30 s, a sleeping child after 600 s


@contextmanager
def lab(root, **env):
    """An engine on `root` with these settings; in the end nothing that it started is left."""
    mark = str(root)
    settings = {
        MARK: mark,
        "FEWLABELS_TRAIN": "fake_training:train",
        "FEWLABELS_ANALYSES": "fake_training",
        "FEWLABELS_RUNS": str(root),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "FEWLABELS_FORK": "0",
        "FEWLABELS_SLOTS": "1",  # "": as many as fit
        "FEWLABELS_IDLE": "120",
        **env,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        it = Lab(root)
        try:
            yield it
        finally:
            with suppress(JobsError, StoreError):
                it.shutdown()
            until(lambda: it.supervisor() is None, what="the supervisor's end")
            give_up = time.monotonic() + SOON
            while (left := processes(mark)) and time.monotonic() < give_up:
                time.sleep(0.02)
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            it.queue.close()
    assert left == {}, "these were left behind"


def script(code, root, project=ROOT):
    """An app: a Python process with an engine on `root`."""
    head = (
        "import os, signal, sys, time; from pathlib import Path\n"
        "from models import jobs; from models.runs.run import Run\n"
        "e = jobs.engine(Path(sys.argv[1]))\n"
        "def go(n=1, epochs=1, seed=0, owner=''):\n"
        "    return [e.submit(Run.make(seed=seed, epochs=epochs), owner) for _ in range(n)]\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + code, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project,
        start_new_session=True,
    )


def outcome(app):
    try:
        return app.communicate(timeout=280)
    except subprocess.TimeoutExpired:
        app.kill()
        return app.communicate()
