"""Fetching a data set in a process of its own, which outlives the page: any page, reloaded or new, sees how far it is.

Beside the data sets lie, for each fetch, what it printed (its progress, one JSON line at a time), its complaint,
and a lock that it holds as long as it lives.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import data
from data import DATASETS, files
from models.runs.locks import held, holder
from models.runs.store import PROJECT


@dataclass(frozen=True)
class Fetch:
    """How a fetch is doing."""

    running: bool
    fraction: float = 0.0
    what: str = ""
    error: str = ""  # one sentence, if the last one ended without the data set


def path_of(name: str, kind: str) -> Path:
    return files.cache() / "fetches" / f"{name}.{kind}"


def start(name: str) -> None:
    """Begin to fetch `name`, unless somebody already does. Raises DataError if nothing can be written there."""
    try:
        path_of(name, "lock").parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path_of(name, "lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as e:
        raise data.DataError(
            f"{files.cache()} cannot be written ({e.strerror}). Name another folder in FEWLABELS_CACHE."
        ) from e
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with open(path_of(name, "out"), "wb") as out, open(path_of(name, "err"), "wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "models", "fetch", name, "--json"],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(lock,),  # the lock is the child's from here on, and goes when it goes
                start_new_session=True,
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(process.pid).encode(), 0)
        threading.Thread(target=process.wait, name=f"end of the fetch of {name}", daemon=True).start()
    except BlockingIOError:
        pass
    except OSError as e:
        raise data.DataError(
            f"{DATASETS[name].title} cannot be fetched: {e.strerror}. Free some space and try again."
        ) from e
    finally:
        os.close(lock)


def stop(name: str) -> None:
    """End a fetch; what it had half-written is cleared by the next one."""
    pid = holder(path_of(name, "lock"))
    if pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)


def look(name: str) -> Fetch:
    """How the last fetch of `name` is doing. Never raises."""
    running = held(path_of(name, "lock"))
    lines = text(path_of(name, "out")).splitlines()
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            fraction = min(1.0, max(0.0, float(said["fraction"])))
            if running:
                return Fetch(True, fraction, str(said["what"]))
            break
    if running:
        return Fetch(True, 0.0, "Starting")
    return Fetch(False, error=complaint(text(path_of(name, "err"))))


def complaint(printed: str) -> str:
    """The sentence a fetch ended with. A stack trace is no sentence."""
    lines = [line for line in printed.splitlines() if line.strip()]
    if not lines:
        return ""
    if any(line.startswith("Traceback") for line in lines):
        return "It ended unexpectedly. Try again; `python -m models fetch` in a shell says more."
    return lines[-1]


def text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
