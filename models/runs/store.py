"""A run is a folder: written by one process, read by many, never torn, and nothing in it can execute.

    run.json               the Run, and what made it (versions, git revision, time, owner)
    status.json            the state; replaced by rename, so a reader sees the old one or the new one
    metrics.jsonl          one line a record; a torn last line is ignored
    lock                   held by the run's process as long as it lives; its text is that process's id
    stop                   exists while somebody asks the run to stop; not empty once its process knows
    log.txt                what the process printed, and the traceback if it failed
    start.safetensors      the weights it begins from, if it goes on from another run
    node.json              where it is or was, if a cluster has or had it
    name.json              the name and tags that somebody gave it, if any (models/runs/naming.py)
    checkpoint.safetensors model.safetensors svm.safetensors samples/0003.png latents/0003.safetensors
    maps/z-umap-0003.safetensors  whole/0003.safetensors

A final state counts as written. Any other state counts only while a process holds `lock`: a process id can be taken by
somebody else, a lock cannot (data/locks.py). Locks hold among the processes of one machine: runs of one folder are
started from one machine at a time.
"""

import errno
import json
import os
import platform
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import cast

from data.locks import holder, look, node_in, take
from models import environment
from models.environment import PROJECT
from models.errors import AlreadyRunning, RunError, StoreError
from models.limits import MOST_THREADS
from models.runs import aside, naming, records
from models.runs.files import by_epoch, plain, replace, sentence, write_json
from models.runs.naming import Named
from models.runs.records import Damaged
from models.runs.run import Run, is_id, new_id
from models.runs.start_weights import bring_weights
from models.runs.tail import whole_lines

FINAL = ("done", "failed", "stopped", "lost")  # a run in one of these has no process and will not change by itself
STATES = ("queued", "running", "stopping", *FINAL)


def root() -> Path:
    """Where runs are kept: FEWLABELS_RUNS, else `runs/` beside the code. Raises StoreError."""
    return environment.runs_folder()


def runs(root: Path | None = None) -> list["Folder"]:
    """Every readable run folder under `root`, newest first. A damaged one is left out: `damaged` lists those.

    So are the examples that come with Few Labels (models/results/examples.py): they are nobody's own.
    """
    return _listed(root)[0]


def damaged(root: Path | None = None) -> list[tuple["Folder", str]]:
    """The run folders under `root` that cannot be opened, and for each the sentence that says why."""
    return _listed(root)[1]


def _listed(root: Path | None) -> tuple[list["Folder"], list[tuple["Folder", str]]]:
    root = globals()["root"]() if root is None else Path(root)
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return [], []
    aside.sweep(root, names)
    found, broken = [], []
    for name in filter(is_id, names):
        folder = Folder(root / name)
        try:
            if wrong := folder.trouble():
                broken += [(folder, wrong)] * folder.looks_like_one()
            elif not folder.made.get("example"):
                found.append((folder.made.get("created", 0.0), name, folder))
        except StoreError:  # it was deleted just now
            continue
    return [folder for _, _, folder in sorted(found, key=lambda f: f[:2], reverse=True)], broken


def open_folder(root: Path | None, id: str) -> "Folder | None":
    """The run called `id`, or None if there is none. `id` may be anything, a page's URL included.

    Raises StoreError if there is such a run and it is damaged.
    """
    if not is_id(id):
        return None
    folder = Folder((globals()["root"]() if root is None else Path(root)) / id)
    if not os.path.islink(folder.path) and not os.path.isdir(folder.path):
        return None
    if wrong := folder.trouble():
        raise StoreError(wrong)
    return folder


def delete(root: Path | None, id: str, now: bool = False) -> None:
    """Delete a run, a damaged one too. It disappears at once, and for `aside.KEPT` seconds `restore` brings it back.

    With `now` it is removed for good. Raises StoreError: none, it goes on, or no permission.
    """
    root = globals()["root"]() if root is None else Path(root)
    folder = Folder(root / id) if is_id(id) else None
    if folder is None or not (os.path.isdir(folder.path) or os.path.islink(folder.path)):
        raise StoreError(f"There is no run {str(id)[:80]!r} in {root}. `python -m models list` shows what there is.")
    if not os.path.islink(folder.path) and not folder.looks_like_one():
        raise StoreError(f"{folder.path} is not a run's folder, so it was left as it is.")
    lock = None
    try:
        if not os.path.islink(folder.path):
            with suppress(OSError, StoreError):
                lock = folder.lock() if not folder.alive() else None
            if (folder.alive() and lock is None) or folder.status()["state"] not in FINAL:
                raise StoreError(f"{id} is {folder.status()['state']}. Stop it first, then delete it.")
        aside.put(folder.path)
    except OSError as e:
        raise StoreError(sentence(e, Path(e.filename or folder.path))) from e
    finally:
        if lock is not None:
            os.close(lock)
    if now:
        forget(root, id)


def deleted(root: Path | None = None) -> dict[str, tuple["Folder", float]]:
    """The runs that `restore` can bring back, by id, the last deleted first: where each is, and the seconds left."""
    root = globals()["root"]() if root is None else Path(root)
    return {id: (Folder(path), left) for id, (path, left) in aside.found(root).items()}


def restore(root: Path | None, id: str) -> None:
    """Bring back a run that was deleted, with everything in it. Raises StoreError: none, or its name is taken."""
    root = globals()["root"]() if root is None else Path(root)
    path, _ = aside.found(root).get(id, (None, 0.0))
    if path is None:
        raise StoreError(
            f"There is no deleted run {str(id)[:80]!r} in {root} to bring back; that can be done for {aside.MINUTES}."
        )
    if os.path.lexists(root / id):
        raise StoreError(f"There is another run called {id} now. Delete that one first.")
    try:
        path.rename(root / id)
    except OSError as e:
        raise StoreError(sentence(e, root / id)) from e


def forget(root: Path | None, id: str) -> None:
    """Remove a deleted run for good. Never raises: what cannot be removed is tried again later."""
    root = globals()["root"]() if root is None else Path(root)
    if known := aside.found(root).get(id):
        aside.remove(known[0])


class Folder:
    """One run folder. Cheap to make; everything is read when it is asked for."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.id = self.path.name

    def __repr__(self) -> str:
        return f"Folder({str(self.path)!r})"

    @classmethod
    def create(cls, run: Run, root: Path | None = None, owner: str = "") -> "Folder":
        """A new folder for `run`, queued. It appears whole or not at all. Raises StoreError if it cannot be written.

        One that goes on from another run takes that run's weights along: its parent may then go on, or be deleted.
        """
        root = globals()["root"]() if root is None else Path(root)
        made = {"created": time.time(), "owner": owner, **versions(), "git": revision()}
        for _ in range(100):
            id = new_id(run)
            draft = root / f".new-{id}"
            try:
                draft.mkdir(parents=True)
                write_json(draft / "run.json", {"run": run.to_dict(), "made": made})
                if run.parent:
                    bring_weights(root / run.parent.id, draft)
                write_json(draft / "status.json", {"state": "queued", "since": time.time(), "attempt": 0, "detail": ""})
                draft.rename(root / id)
            except OSError as e:
                shutil.rmtree(draft, ignore_errors=True)
                if e.errno in (errno.EEXIST, errno.ENOTEMPTY):
                    continue  # the name is taken, by a twin of this run
                raise StoreError(sentence(e, root)) from e
            except StoreError:
                shutil.rmtree(draft, ignore_errors=True)
                raise
            return cls(root / id)
        raise StoreError(f"No free name was found for the run {run} in {root}. Delete runs that are not needed.")

    # What it is

    @property
    def run(self) -> Run:
        """What is trained here. Raises StoreError if run.json cannot be read."""
        return self._run_json()[0]

    @property
    def made(self) -> dict:
        """What made it: "created" (unix time), "owner", "git" and versions. Raises StoreError as `run` does."""
        return self._run_json()[1]

    @property
    def threads(self) -> int:
        """The CPU threads it was given when it first began, kept so that it goes on with the same; 0 before that."""
        given = self.made.get("threads", 0)
        return given if isinstance(given, int) and 0 < given <= MOST_THREADS else 0

    def keep_threads(self, threads: int) -> None:
        """Note what the run was given; whoever comes later changes nothing. Raises StoreError."""
        if not self.threads:
            self._write("run.json", {"run": self.run.to_dict(), "made": {**self.made, "threads": threads}})

    def _run_json(self) -> tuple[Run, dict]:
        path = f"{self.path}/run.json"
        try:
            at = os.stat(path)
        except OSError as e:
            raise StoreError(self._damage("run.json", records.why(e))) from e
        run, made, wrong = read_run(path, at.st_mtime_ns, at.st_size, at.st_ino)
        if wrong:
            raise StoreError(wrong if wrong.startswith("The run") else self._damage("run.json", wrong))
        return cast(Run, run), made

    def trouble(self) -> str:
        """The sentence that says why this run cannot be opened; "" if nothing is wrong with what it recorded.

        Files are read once and asked for by `stat` from then on. Never raises.
        """
        try:
            _ = self.run
        except StoreError as e:
            return str(e)
        for name, wrong in (("status.json", self._status()[1]), ("metrics.jsonl", self.summary().wrong)):
            if wrong:
                return self._damage(name, wrong)
        return ""

    def looks_like_one(self) -> bool:
        """Whether this was ever a run's folder, and no other that lies among them."""
        names = ("run.json", "status.json", "metrics.jsonl")
        return os.path.islink(self.path) or any(os.path.lexists(self.path / name) for name in names)

    def summary(self) -> records.Summary:
        """What is asked of metrics.jsonl when runs are listed."""
        path = f"{self.path}/metrics.jsonl"
        try:
            at = os.stat(path)
        except FileNotFoundError:
            return records.Summary()
        except OSError as e:
            return records.Summary(records.why(e))
        return records.summary(path, at.st_mtime_ns, at.st_size, at.st_ino)

    def _damage(self, name: str, wrong: str) -> str:
        if "may not be read" in wrong:
            return f"The run {self.id} cannot be opened: its {name} {wrong}."
        return f"The run {self.id} is damaged: its {name} {wrong}. Delete it."

    @property
    def called(self) -> Named:
        """The name and tags that somebody gave it; it may have none. Never raises."""
        return naming.given(self.path)

    def rename(self, called: Named) -> None:
        """Give it another name and other tags. Raises StoreError."""
        naming.write(self.path, called)

    def change(self, run: Run) -> None:
        """Let this folder stand for `run`, such as the same one with more epochs; what made it stays."""
        self._write("run.json", {"run": run.to_dict(), "made": self.made})

    # Its state

    def status(self) -> dict:
        """The state as it truly is: {"state", "since", "detail", "attempt", "pid", "node" if a cluster has it, ...}.

        Beyond what was written: "stopping" for a running one that was asked to stop, and "lost" (or "stopped", if it
        was asked to) for one that says it is running and has no process. Never raises.
        """
        status = self.written_status()
        if status["state"] != "running":
            return status
        stop = self.stop_requested()
        alive, by = look(self.path / "lock")
        if not alive:
            status = self.written_status()  # it may have ended between the two looks
            if status["state"] != "running":
                return status
            return {**status, **(STOPPED_UNHEARD if stop else GONE)}
        status = {**status, "node": at} if (at := node_in(by)) else status
        return {**status, "state": "stopping", "detail": STOPPING} if stop else status

    def written_status(self) -> dict:
        """status.json as it stands; a file that cannot be read counts as "lost", and the detail says so."""
        unread = {"state": "lost", "since": 0.0, "detail": "", "attempt": 0}
        status, wrong = self._status(records.status_of.__wrapped__)  # not what was kept: a state changes at any moment
        if wrong:
            detail = f"Nothing is known of this run: its status.json {wrong}, so it cannot be read."
            return {**unread, "detail": detail}
        if not status:
            return {**unread, "detail": "Nothing is known of this run: its status.json is missing."}
        return {**unread, **status}

    def _status(self, read: Callable = records.status_of) -> tuple[dict, str]:
        """What status.json says (nothing, if it is missing), and what is wrong with it."""
        path = f"{self.path}/status.json"
        try:
            at = os.stat(path)
        except FileNotFoundError:
            return {}, ""
        except OSError as e:
            return {}, records.why(e)
        return read(path, at.st_mtime_ns, at.st_size, at.st_ino, STATES)

    def set_status(self, state: str, **more: object) -> None:
        """Replace status.json. "attempt" is kept unless given. Raises StoreError, for instance on a full disk."""
        if state not in STATES:
            raise ValueError(f"{state!r} is not a state; the states are {', '.join(STATES)}.")
        kept = {"attempt": self.written_status()["attempt"], "detail": ""}
        self._write("status.json", {**kept, **more, "state": state, "since": time.time()})

    def lock(self) -> int:
        """Take this run for this process, until it dies or closes the descriptor returned.

        Raises AlreadyRunning if another process has it, StoreError if the folder cannot be written.
        """
        try:
            return take(self.path / "lock")
        except BlockingIOError as e:
            raise AlreadyRunning(f"The run {self.id} is already being trained by another process.") from e
        except OSError as e:
            raise StoreError(sentence(e, self.path)) from e

    def alive(self) -> bool:
        """Whether a process has this run."""
        return look(self.path / "lock")[0]

    def pid(self) -> int | None:
        """The process that has this run, or None."""
        return holder(self.path / "lock")

    def node(self) -> str:
        """The node of a cluster whose process has this run; "" if none has it, or one of this machine."""
        alive, by = look(self.path / "lock")
        return node_in(by) if alive else ""

    def where(self) -> dict:
        """Of a run that a cluster had: {"node", "device", "since", "lost": how often its node went away}."""
        try:
            where = json.loads((self.path / "node.json").read_text())
        except (OSError, ValueError):
            return {}
        return where if isinstance(where, dict) else {}

    def note_where(self, **what: object) -> None:
        """Change what `where` tells. Raises StoreError."""
        self._write("node.json", {**self.where(), **what})

    def stop_requested(self) -> bool:
        return os.path.exists(self.path / "stop")

    def request_stop(self) -> None:
        """Ask the run to stop. Raises StoreError if the folder cannot be written."""
        try:
            (self.path / "stop").touch()
        except OSError as e:
            raise StoreError(sentence(e, self.path)) from e

    def hear_stop(self) -> None:
        """Write into the request that the run's process knows of it, as long as it stands. Never raises."""
        with suppress(OSError), open(self.path / "stop", "r+") as f:
            f.write("heard")

    def stop_heard(self) -> bool:
        """Whether the run's process knows that it shall stop."""
        try:
            return os.stat(self.path / "stop").st_size > 0
        except OSError:
            return False

    def clear_stop(self) -> None:
        try:
            (self.path / "stop").unlink(missing_ok=True)
        except OSError as e:
            raise StoreError(sentence(e, self.path)) from e

    # What it recorded

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def append(self, record: dict) -> None:
        """Add one record to metrics.jsonl, at once. Only the run's own process calls this. Raises StoreError."""
        line = json.dumps({"t": time.time(), **record}, separators=(",", ":"), default=plain).encode() + b"\n"
        try:
            with open(self.metrics, "ab+", buffering=0) as f:
                end = f.seek(0, os.SEEK_END)
                if end:
                    f.seek(end - 1)
                    if f.read(1) != b"\n":  # a line torn by a process that was killed: let it stand alone
                        line = b"\n" + line
                if f.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as e:
            raise StoreError(sentence(e, self.path)) from e

    def records(self, offset: int = 0) -> tuple[list[dict], int]:
        """The records from byte `offset` on, complete lines only, and the offset to ask from next time.

        An offset that is not the beginning of a line of this file (a run that was continued drops records) reads from
        the beginning again; `Tail` keeps that straight for a reader that follows a run. Never raises.
        """
        try:
            if offset > 0 and records.file_bytes(self.metrics, records.MOST_METRICS, offset - 1)[:1] != b"\n":
                offset = 0
            offset = max(0, offset)
            return whole_lines(records.file_bytes(self.metrics, records.MOST_METRICS, offset), offset)
        except (OSError, Damaged):
            return [], 0

    def truncate_after(self, step: int) -> None:
        """Drop what was recorded past `step`; a record without a step belongs to the one before it."""
        kept, at = [], -1
        for record in self.records()[0]:
            at = record.get("step", at)
            if at <= step:
                kept.append(record)
        text = "".join(json.dumps(r, separators=(",", ":")) + "\n" for r in kept)
        self._write("metrics.jsonl", text)

    def result(self) -> dict | None:
        """The "result" record of a finished run, or None; one that is being extended has none until it ends again.

        Reads only the end of the file: a result is the last line of a run.
        """
        try:
            size = os.stat(self.metrics).st_size
            tail = records.file_bytes(self.metrics, records.MOST_METRICS, max(0, size - 65536))
        except (OSError, Damaged):
            return None
        lines, _ = whole_lines(tail, 0)
        last = next((r for r in reversed(lines) if r.get("kind") in ("result", "start")), None)
        return last if last and last["kind"] == "result" else None

    # What it drew

    def samples(self) -> list[tuple[int, Path]]:
        """(epoch, PNG) in order."""
        return by_epoch(self.path / "samples", r"(\d+)\.png")

    def has_weights(self) -> bool:
        """Whether there is a model to look into: it comes with the first epoch."""
        return (self.path / "model.safetensors").exists()

    def snapshots(self) -> list[tuple[int, Path]]:
        """(epoch, latent snapshot) in order."""
        return by_epoch(self.path / "latents", r"(\d+)\.safetensors")

    def maps(self, which: str = "z", method: str = "umap") -> list[tuple[int, Path]]:
        """(epoch, map) in order, of the latents called `which`."""
        return by_epoch(self.path / "maps", rf"{re.escape(which)}-{re.escape(method)}-(\d+)\.safetensors")

    def map_path(self, epoch: int, which: str, method: str = "umap") -> Path:
        return self.path / "maps" / f"{which}-{method}-{epoch:04d}.safetensors"

    def full_dataset_path(self, epoch: int) -> Path:
        """Where the codes of every image of the data set belong (models/analysis/full_dataset.py)."""
        return self.path / "whole" / f"{epoch:04d}.safetensors"

    def full_dataset(self, epoch: int) -> Path | None:
        """The codes of every image, if they are there and not older than the weights."""
        path = self.full_dataset_path(epoch)
        try:
            made = path.stat().st_mtime_ns
        except OSError:
            return None
        try:
            return path if made >= (self.path / "model.safetensors").stat().st_mtime_ns else None
        except OSError:  # a run that was brought here without its weights
            return path

    def _write(self, name: str, what: dict | str) -> None:
        text = what if isinstance(what, str) else json.dumps(what, indent=1, default=plain) + "\n"
        try:
            replace(self.path / name, text)
        except OSError as e:
            raise StoreError(sentence(e, self.path)) from e


STOPPING = "It finishes the step in hand and keeps what it has learned."
GONE = {"state": "lost", "detail": "Its process is gone, and nothing is known of its end. Continue it to go on."}
STOPPED_UNHEARD = {"state": "stopped", "detail": "It did not answer and was ended; what it had finished is kept."}


@lru_cache(maxsize=8192)
def read_run(path: str, mtime_ns: int, size: int, inode: int) -> tuple[Run | None, dict, str]:
    """The Run of a run.json, what made it, and what is wrong; the other arguments make a changed file another key."""
    try:
        whole = records.parse(records.file_bytes(path, records.MOST_JSON))
        run, made = (whole.get("run"), whole.get("made")) if isinstance(whole, dict) else (None, None)
        if not isinstance(run, dict) or not isinstance(made, dict) or not isinstance(made.get("owner", ""), str):
            raise Damaged("does not say what was trained and what made it")
        if not records.finite(made.get("created", 0.0)) or not 0 <= made.get("created", 0.0) < 2e11:
            raise Damaged(f"says that it was made at {records.shown(made['created'])}")
        run = Run.from_dict(run)
        hash(run)  # settings that are no plain values would fail later, in the middle of a page
        return run, made, ""
    except RunError as e:
        return None, {}, f"The run {Path(path).parent.name} cannot be opened: {e}"
    except (OSError, Damaged) as e:
        return None, {}, records.why(e)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None, {}, "does not hold a run's settings"


@lru_cache(maxsize=1)
def version() -> str:
    """The version of Few Labels, which pyproject.toml states."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["version"]


def versions() -> dict:
    """The versions that a run is made by. Reads package metadata; imports none of them."""
    found: dict[str, str | None] = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("torch", "numpy", "scikit-learn"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def revision() -> str | None:
    """The git revision of the code as it is now; asked anew each time, for it may change under a running app."""
    git = ["git", "-C", str(PROJECT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(git, capture_output=True, text=True, timeout=5, check=False)
        return done.stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        return None
