"""The process that computes maps goes when its supervisor goes, also in the middle of a map."""

import os
import signal
import socket
import subprocess
import sys
import time

import fake_training as fake
import pytest
from lab import ROOT, SOON, gone, kill, lab, until

from models.jobs.processes import Helper
from models.jobs.queue_paths import QueuePaths
from models.jobs.supervisor import Supervisor
from models.runs.run import Run
from models.runs.store import Folder

BUSY = """
import os
from pathlib import Path
def make_umap(path, which, epoch):
    folder = Path(path)
    if not (folder / "busy").exists():
        (folder / "draft").write_text(str(os.getpid()))
        (folder / "draft").rename(folder / "busy")
        sum(range(10**12))  # hours in C, which let no other thread of this process run
    (folder / "maps").mkdir()
    (folder / "maps" / f"{which}-umap-{epoch:04d}.safetensors").write_bytes(b"")
"""


@pytest.fixture
def busy(tmp_path):
    """(an engine whose supervisor has a map in the making, the run, the process that is at it)."""
    (tmp_path / "busy.py").write_text(BUSY)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(tmp_path)])
    with lab(tmp_path / "runs", FEWLABELS_ANALYSES="busy", PYTHONPATH=path) as it:
        folder = Folder.create(Run.make(), it.root)
        next(iter(fake.mapped(folder)), None)
        folder.set_status("done")
        it.map(folder.id, 1, "z")
        until((folder.path / "busy").exists, what="the map in the making")
        yield it, folder, int((folder.path / "busy").read_text())


def test_a_killed_supervisor_takes_it_along_and_the_next_one_has_the_map_made(busy):
    it, folder, pid = busy
    kill(it.supervisor())
    until(lambda: gone(pid), SOON, "the end of the busy process")
    until(lambda: it.map_state(folder.id, 1, "z") == ("ready", ""), what="the map")


def test_a_shutdown_takes_it_along(busy):
    it, _, pid = busy
    it.shutdown()
    until(lambda: gone(pid), SOON, "the end of the busy process")


def test_a_supervisor_that_begins_anew_with_other_source_takes_it_along(tmp_path):
    """It is the same process afterwards, so nobody would see to that."""
    (tmp_path / "busy.py").write_text("sum(range(10**12))")
    supervisor = Supervisor(QueuePaths(tmp_path / "runs"), 1, 1.0, False)
    supervisor.mapper = Helper("busy", {**os.environ, "PYTHONPATH": str(tmp_path)})
    supervisor.close()
    assert os.waitstatus_to_exitcode(os.waitpid(supervisor.mapper.pid, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("unread", [b"", b'{"a message": 1}\n'])
def test_where_the_kernel_does_not_see_to_it_a_thread_does(unread):
    code = (
        "import socket, sys, time\n"
        "from models.jobs.processes import end_with\n"
        "sys.platform = 'darwin'\n"  # from here on: what the standard library imports is this system's
        "end_with(socket.socket(fileno=int(sys.argv[1]))); print('up', flush=True); time.sleep(600)\n"
    )
    ours, theirs = socket.socketpair()
    ours.sendall(unread)
    command = [sys.executable, "-c", code, str(theirs.fileno())]
    child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, cwd=ROOT)
    theirs.close()
    try:
        assert child.stdout.readline() == b"up\n"
        time.sleep(1.2)
        assert child.poll() is None, "as long as its supervisor lives, it does"
        ours.close()
        assert child.wait(SOON) == 0
    finally:
        child.kill()
        child.communicate()
        ours.close()
