"""Runs on this machine: an app's side of the queue and the supervisor. Loads no torch and holds no state of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from data.locks import held, holder
from models import environment
from models.analysis import ANALYSES, FULL_DATASET
from models.errors import JobsError, StoreError, UserError
from models.jobs.bell import ring
from models.jobs.gpus import gpus
from models.jobs.processes import cores
from models.jobs.queue import MapRequest, Queue, Row
from models.jobs.queue_paths import QueuePaths
from models.jobs.states import Capacity, Node, State
from models.runs import store
from models.runs.run import Run, is_id
from models.runs.store import FINAL, PROJECT, Folder

PAUSE = 2.0  # seconds before another supervisor is started, should the last one not have come up


HERE, CLUSTER = "models.jobs.supervisor", "models.jobs.cluster.supervisor"  # what `python -m` starts, by name
STARTING, UNBEGUN = "Starting.", "It has not begun to learn."


def waits(state: State) -> bool:
    """Whether nothing goes on with a run until there is a supervisor."""
    return state.state == "queued" or (state.state == "running" and state.detail == STARTING)


def where(folder: Folder, node: str) -> str:
    """Where a run is that a cluster has, in a sentence, and whether it lost a node before."""
    at = folder.where()
    lost = at.get("lost", 0)
    again = f", after {lost} node{'s' * (lost > 1)} went away under it" if lost else ""
    return f"On the node {node} ({at.get('device', 'CPU')}){again}."


class Local:
    """The engine that runs things here. Any thread may call every method, and any number of apps at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = store.root() if root is None else Path(root).absolute()
        self.paths = QueuePaths(self.root)
        self.queue = Queue(self.paths.queue)
        self._starting = threading.Lock()
        self._started = -PAUSE
        self._process: subprocess.Popen | None = None  # the supervisor that this engine started last
        self._kind_seen = False  # whether the living supervisor is known to serve what this app names
        self._trouble = ""  # why that one does not live, until one does

    # Runs

    def submit(self, run: Run, owner: str = "") -> str:
        """Queue a run and return its id. `owner` is who asks: owners take turns. Raises StoreError or JobsError."""
        environment.check(runs=False)  # a mistake in the settings is said here, not in a supervisor that nobody hears
        folder = Folder.create(run, self.root, owner)
        self._enqueue(folder.id, owner)
        return folder.id

    def resubmit(self, id: str, epochs: int | None = None) -> None:
        """Continue a run that has ended from its last epoch, with more `epochs` on to those; let be one that has not.

        Raises StoreError (no such run, or it cannot be written), RunError (impossible epochs) or JobsError.
        """
        folder = self._folder(id)
        if folder.status()["state"] not in FINAL:
            return
        environment.check(runs=False)
        run = folder.run
        wanted = run if epochs is None else replace(run, epochs=epochs)
        folder.clear_stop()
        if wanted != run:
            folder.change(wanted)
        try:
            folder.set_status("queued")
        except StoreError:
            with suppress(StoreError):  # a run that was not extended must not say that it has more epochs
                folder.change(run)
            raise
        self._enqueue(id, folder.made.get("owner", ""))

    def _enqueue(self, id: str, owner: str) -> None:
        # Its folder says that it is queued; should the queue be busy, the supervisor finds it by that.
        with suppress(JobsError):
            self.queue.add(id, owner)
        self.ring()
        self.ensure()

    def _folder(self, id: str) -> Folder:
        folder = store.open_folder(self.root, id)
        if folder is None:
            raise StoreError(f"There is no run called {id!r} in {self.root}.")
        return folder

    def stop(self, id: str) -> None:
        """Stop a run: a waiting one at once, a running one in a second, or as soon as its step is done and kept.

        One that does not end by itself is killed (the supervisor's GRACE). Any other: nothing happens.
        """
        if not is_id(id) or not (self.root / id).is_dir():
            return
        folder = Folder(self.root / id)
        if folder.status()["state"] in FINAL:
            return
        try:
            waiting = self.queue.withdraw(id)
            known = waiting or id in self.queue.rows()
        except JobsError:
            waiting, known = False, True
        if waiting or (not known and not folder.alive()):
            if folder.written_status()["state"] == "queued":
                folder.set_status("stopped", detail="Stopped before it began.")
            return
        folder.request_stop()
        if not folder.alive() and folder.written_status()["state"] in FINAL:
            folder.clear_stop()  # it ended by itself in between
        self.ring()
        self.ensure()

    def states(self, ids: Iterable[str]) -> dict[str, State]:
        """How each run is doing, truly. An unknown id is "lost". Costs some 50 microseconds a run. Never raises."""
        rows = self._rows()
        found = {id: self._state(id, rows.get(id)) for id in ids}
        if any(not s.final and (id in rows or s.state == "queued") for id, s in found.items()):
            trouble = self._look_after()  # somebody waits for a supervisor that may have been killed
            for id in [id for id, s in found.items() if trouble and waits(s)]:
                found[id] = replace(found[id], state="queued", detail=trouble)
        return found

    def _state(self, id: str, row: Row | None) -> State:
        if not is_id(id) or not (self.root / id).is_dir():
            return State("lost", None, f"There is no run called {id!r}.", 0)
        folder = Folder(self.root / id)
        status = folder.status()
        if status["state"] == "lost" and (written := folder.written_status())["state"] != "running":
            status = written  # the supervisor has just noted how it ended
        state, detail, position = status["state"], status["detail"], None
        if state == "queued" and row:
            position = row.position
            if position is None:
                state, detail = ("stopping", UNBEGUN) if folder.stop_requested() else ("running", STARTING)
        elif node := status.get("node", ""):
            return State(state, None, detail or where(folder, node), status["attempt"], status["since"], node)
        elif state == "lost" and row and environment.cluster() and (node := folder.where().get("node", "")):
            state, detail = (
                "running",
                f"Nothing is heard of its node {node} just now.",
            )  # it goes on there, or elsewhere
        elif state == "lost" and row and held(self.paths.lock):
            state, detail = "failed", "Its process ended unexpectedly."  # the supervisor is about to write how
        return State(state, position, detail, status["attempt"], status["since"])

    def _rows(self) -> dict[str, Row]:
        try:
            return self.queue.rows()
        except JobsError:
            return {}  # the folders say all but the position in the queue

    def events(self, id: str, offset: int = 0) -> tuple[list[dict], int]:
        """A run's records from `offset` on, and where to go on next time. An unknown id has none. Never raises."""
        return Folder(self.root / id).records(offset) if is_id(id) else ([], 0)

    def capacity(self) -> Capacity:
        """What this machine gives to runs, and how busy it is. Raises JobsError if FEWLABELS_SLOTS is no number."""
        environment.check(runs=False)
        rows = self._rows().values()
        busy = {
            "running": sum(row.position is None for row in rows),
            "queued": sum(row.position is not None for row in rows),
        }
        about = self._about()
        slots = about.get("slots") or environment.slots()
        trouble = about.get("trouble", "") if about else self._trouble
        if at := about.get("address") or environment.cluster():
            nodes = tuple(Node(**node) for node in about.get("nodes", ()))
            every = int(sum(node.cpus for node in nodes)) or cores()
            return Capacity(slots, every, warm=bool(nodes), trouble=trouble, cluster=at, nodes=nodes, **busy)
        seen = tuple(gpus())
        usable = seen[: about.get("gpus", len(seen))]  # torch may have been built without CUDA
        return Capacity(slots, cores(), warm=bool(about.get("warm")), trouble=trouble, gpus=usable, **busy)

    def _about(self) -> dict:
        """What the living supervisor says of itself; nothing, if all there is was said by one before it."""
        try:
            about = json.loads(self.paths.about.read_bytes())
        except (OSError, ValueError):
            return {}
        return about if about.get("pid") == self.supervisor() else {}

    # Maps

    def map(self, id: str, epoch: int, which: str, method: str = "umap", again: bool = False) -> None:
        """Ask for a map of the latents `which` after `epoch`: a file in maps/ some time later.

        Asking twice is asking once; a map that failed is tried anew only with `again`.
        `method` is one of `ANALYSES`, of one latent variable.
        Raises StoreError (no such run or snapshot), JobsError (no such kind of map, or the queue is busy).
        """
        request = self._request(id, epoch, which, method)
        folder = self._folder(id)
        if folder.map_path(epoch, which, method).exists():
            return
        self._ask(folder, request, again)

    def _ask(self, folder: Folder, request: MapRequest, again: bool) -> None:
        if request.epoch not in (e for e, _ in folder.snapshots()):
            raise StoreError(f"The run {folder.id} has no snapshot of its latents after epoch {request.epoch}.")
        asked, _ = self.queue.map_request(request)
        if not asked or again:
            self.queue.ask_map(request, again)
            self.ring()
        self.ensure()

    def map_state(self, id: str, epoch: int, which: str, method: str = "umap") -> tuple[str, str]:
        """("ready" | "pending" | "failed" | "absent", the sentence that says why it failed)."""
        request = self._request(id, epoch, which, method)
        if is_id(id) and Folder(self.root / id).map_path(epoch, which, method).exists():
            return "ready", ""
        try:
            asked, failure = self.queue.map_request(request)
        except JobsError:
            return "pending", ""
        if failure:
            return "failed", failure
        if asked and (trouble := self._look_after()):
            return "failed", trouble
        return ("pending" if asked else "absent"), ""

    def full_dataset(self, id: str, epoch: int, again: bool = False) -> None:
        """Ask for the codes of every image by the weights after `epoch`: a file in whole/ some minutes later.

        Asking twice is asking once; one that failed is tried anew only with `again`.
        Raises StoreError (no such run or snapshot), JobsError (the queue is busy).
        """
        self._ask(self._folder(id), self._request(id, epoch, FULL_DATASET, "whole", of_dataset=True), again)

    def full_dataset_state(self, id: str, epoch: int) -> tuple[str, str]:
        """("ready" | "pending" | "failed" | "absent", the sentence that says why it failed).

        What was asked for comes first: with the codes there, it may be the sheets of the images that are being drawn.
        """
        try:
            asked, failure = self.queue.map_request(self._request(id, epoch, FULL_DATASET, "whole", of_dataset=True))
        except JobsError:
            return "pending", ""
        if failure:
            return "failed", failure
        if asked:
            return ("failed", trouble) if (trouble := self._look_after()) else ("pending", "")
        return ("ready" if is_id(id) and Folder(self.root / id).full_dataset(epoch) else "absent"), ""

    @staticmethod
    def _request(id: str, epoch: int, which: str, method: str, of_dataset: bool = False) -> MapRequest:
        kinds = {name: a for name, a in ANALYSES.items() if a.of_dataset == of_dataset}
        analysis = kinds.get(method)
        if analysis is None:
            raise JobsError(f"There is no analysis {method!r} of one space: choose one of {', '.join(kinds)}.")
        if which not in analysis.latents:
            raise JobsError(f"There is no {analysis.title} of {which!r}: choose one of {', '.join(analysis.latents)}.")
        return MapRequest(id, which, int(epoch), method)

    # The supervisor

    def warm(self) -> None:
        """Have the supervisor and its warm process up before somebody presses Start. Returns at once, never raises."""
        self.ring()
        self._look_after()

    def ring(self) -> None:
        """Wake the supervisor, if there is one."""
        ring(self.paths.wake)

    def ensure(self) -> None:
        """Start a supervisor if there is none. Should two apps do so at once, one of the two leaves.

        Raises a UserError if it cannot be started. One that ends by itself is heard of by `states` and `capacity`.
        """
        if held(self.paths.lock):
            if self._trouble and self._about():  # one that cannot live holds it for a moment, too, but says nothing
                self._trouble = ""
            self._right_kind()
            return
        environment.check(runs=False)  # a mistake there is said here, not in a supervisor that nobody hears
        with self._starting:
            if time.monotonic() - self._started < PAUSE:
                return
            self._started = time.monotonic()
            try:
                self.paths.folder.mkdir(parents=True, exist_ok=True)
                with open(self.paths.err, "wb") as err:
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", CLUSTER if environment.cluster() else HERE, str(self.root)],
                        cwd=PROJECT,
                        stdin=subprocess.DEVNULL,
                        stdout=err,
                        stderr=err,
                        start_new_session=True,  # it outlives this app, and the app's terminal
                    )
            except OSError as e:
                raise JobsError(f"The supervisor of {self.root} cannot be started: {e.strerror}.") from e
        # It may leave before this app does: somebody must take note, or a zombie stays.
        threading.Thread(target=self._end_of, args=[self._process], name="supervisor's end", daemon=True).start()

    def _right_kind(self) -> None:
        """Have the supervisor leave that serves another cluster, or none, than this app names: once, as the app begins.

        What it has begun goes on, and the next one finds it.
        """
        if self._kind_seen or not (about := self._about()):
            return
        self._kind_seen = True
        if about.get("cluster", "") != environment.cluster():
            with suppress(ProcessLookupError):
                os.kill(about["pid"], signal.SIGTERM)

    def _end_of(self, supervisor: subprocess.Popen) -> None:
        """Wait for it. One that did not leave of its own accord is known by its last line until another one lives."""
        code = supervisor.wait()
        if code == 0:
            return
        try:
            printed = self.paths.err.read_text(errors="replace").split("\n")
        except OSError:
            printed = []
        last = next((line.strip() for line in reversed(printed) if line.strip()), "") if code > 0 else ""
        why = last[:300] or (signal.strsignal(-code) if code < 0 else "") or f"exit code {code}"
        self._trouble = f"No run can start: the supervisor of {self.root} ended ({why})."

    def _look_after(self) -> str:
        """Have a supervisor for what waits; the sentence that says why there is none, or ""."""
        try:
            self.ensure()
        except UserError as e:
            self._trouble = str(e)
        if self._trouble or not environment.cluster():
            return self._trouble
        return self._about().get("trouble", "")

    def supervisor(self) -> int | None:
        """The supervisor's process id, or None."""
        return holder(self.paths.lock)

    def shutdown(self, runs: bool = True, patience: float = 10.0) -> None:
        """End the supervisor; with `runs`, first everything that waits or runs. For tests and the shell, not for pages.

        Raises JobsError if something is still there after `patience` seconds.
        """
        give_up = time.monotonic() + patience
        ids = list(self._rows()) if runs else []
        for id in ids:
            self.stop(id)
        while any(s.state not in FINAL for s in self.states(ids).values()) and time.monotonic() < give_up:
            time.sleep(0.05)
        # One that was only just started has no lock yet.
        while pid := self.supervisor() or (self._process and self._process.poll() is None and self._process.pid):
            if time.monotonic() > give_up:
                raise JobsError(f"The supervisor, process {pid}, did not leave within {patience:g} seconds.")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.05)
        self.queue.close()
