"""The process of one run: forked from the warm one, or `python -m models.jobs.child FOLDER THREADS` by itself.

A third argument is a socket: the process ends when whoever holds its other end has gone.
"""

import os
import random
import socket
import sys
import time
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path

from models.errors import AlreadyRunning
from models.jobs.processes import end_with, step_back
from models.runs.store import Folder
from models.training.worker import work

STARTED = time.time()
NOT_OURS = 75  # exit code: another process has the run, or it was settled before this one came to it


def run(path: str, threads: int, started: float) -> int:
    """Train the run in the folder `path` with so many threads, in a process that began at `started`; the exit code."""
    folder = Folder(path)
    with suppress(PermissionError):
        os.setsid()  # a group of its own, so that it can be killed with all that it starts
    log_everything(folder)
    step_back()
    reseed(threads)
    if folder.written_status()["state"] != "queued":
        return NOT_OURS
    try:
        work(folder, started=started, end=partial(os._exit, 0))
    except AlreadyRunning:
        return NOT_OURS
    return 0  # how the run ended is in its status.json


def log_everything(folder: Folder) -> None:
    """What this process prints goes to the run's log.txt, or nowhere if that cannot be written."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        log = os.open(folder.path / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def reseed(threads: int) -> None:
    """A forked process begins with its parent's random state and thread count; a fresh one has its own of both."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.manual_seed(int.from_bytes(os.urandom(4)))
        torch.set_num_threads(threads)


def leave(path: str, threads: int, started: float | None = None) -> None:
    """Run and end this process at once: torch takes most of a second to leave by the front door."""
    code = 1
    try:
        code = run(path, threads, time.time() if started is None else started)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        end_with(socket.socket(fileno=int(sys.argv[3])), read=False)
    leave(str(Path(sys.argv[1]).absolute()), int(sys.argv[2]), STARTED)
