"""The supervisor of a runs folder whose runs train on a Ray cluster: the same queue, the same folders, other processes.

`python -m models.jobs.cluster.supervisor RUNS_ROOT`. It knows nothing of Ray: the driver beside it does. A head that is
gone, a node that dies, a driver that is killed lose nothing: what was running waits again, from its last checkpoint.
What an engine without a cluster had begun on this machine goes on here, as it does everywhere.
"""

import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import ClassVar

from models import environment
from models.analysis import ANALYSES
from models.errors import JobsError, StoreError
from models.jobs.child import NOT_OURS
from models.jobs.cluster.room import Ask, ask, place, too_much
from models.jobs.placing import is_small
from models.jobs.processes import Helper
from models.jobs.queue import MapRequest
from models.jobs.states import Node
from models.jobs.supervisor import Live, Mapping, Supervisor, begin, ended_by_force, how, stamp
from models.runs.store import FINAL, Folder

MOST_ATTEMPTS = 4  # of a run whose node went away under it
PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before another driver is started; twice as long each time
LOOK_AHEAD = 100  # waiting runs that are looked at for one that fits; of thousands the rest wait for their turn
MOST_MAPS = 16  # analyses at once
RETHINK = 0.5  # seconds after an actor was lost: Ray may still name a node that it gives nothing to
RETRY = 5.0  # seconds before an analysis that a node refused is handed over again

log = logging.getLogger("supervisor")


@dataclass
class Remote(Live):
    """A run that a node has, or is to have."""

    ask: Ask = field(default_factory=lambda: Ask(1))
    begun: bool = False  # an actor has started its process
    gone: bool = False  # its actor is, and nobody saw the end of its process
    told: bool = False  # its actor knows that it shall stop
    node: str = ""
    node_id: str = ""


@dataclass
class ClusterSupervisor(Supervisor):
    module: ClassVar[str] = "models.jobs.cluster.supervisor"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.fork = False
        self.driver: Helper | None = None
        self.ready = False
        self.address = ""
        self.nodes: list[Node] = []
        self.trouble = ""
        self.pause, self.next_driver = PAUSE, 0.0
        self.mappings: dict[MapRequest, Mapping] = {}
        self.next_maps = self.next_launch = 0.0

    def _helpers(self) -> list[Helper | None]:
        return [self.driver]

    def _more(self) -> dict:
        nodes = [vars(node) for node in self.nodes]
        return {"cluster": environment.cluster(), "address": self.address, "nodes": nodes, "trouble": self._trouble()}

    def _trouble(self) -> str:
        """Why no run can start, in a sentence, or ""."""
        if self.trouble or not self.ready:
            return self.trouble
        able = [node for node in self.nodes if node.cpus]
        if not able:
            return f"The cluster at {self.address} has no node with CPUs for runs: runs wait until one joins."
        return able[0].trouble if all(node.trouble for node in able) else ""

    def _idle(self) -> bool:
        """While runs wait for a cluster somebody must look whether it is back, though no app does."""
        with suppress(JobsError):
            if self.mappings or self.queue.rows():
                self.last_work = time.monotonic()
        return super()._idle()

    def close(self) -> None:
        if self.driver:
            self.driver.close()
        super().close()

    # What is going on already

    def _find_running(self) -> None:
        for row in self.queue.rows().values():
            if row.position is not None:
                continue
            folder = Folder(self.paths.root / row.id)
            if pid := folder.pid():  # a process of this machine, begun without a cluster
                self.live[row.id] = Live(folder)
                self._adopt(self.live[row.id], pid)
                continue
            where = folder.where()
            run = Remote(folder, started=True, node=where.get("node", ""), node_id=where.get("node_id", ""))
            with suppress(StoreError):
                run.ask = self._ask(folder) or run.ask
            run.ended = folder.written_status()["state"] in FINAL
            self.live[row.id] = run  # as soon as there is a driver, it looks for the actor

    # The driver

    def _helper(self) -> None:
        """Keep what speaks to the cluster, and hear what it says."""
        if self.driver:
            messages, there = self.driver.receive()
            before = self._more()
            for m in messages:
                self._heard(m)
            if not there:
                self._driver_gone()
            if self._more() != before:
                self._say()
        if not self.driver and time.monotonic() >= self.next_driver:
            self.driver = Helper("models.jobs.cluster.driver", os.environ, str(self.paths.root), environment.cluster())

    def _wait_until(self) -> list[float]:
        return [at for at in (self.next_launch, self.next_driver) if at > time.monotonic()]

    def _driver_gone(self) -> None:
        if self.driver:
            self.driver.close()
        log.warning("the driver is gone: %s", self.trouble)
        self.driver, self.ready, self.nodes, self.mappings = None, False, [], {}
        self.trouble = self.trouble or "What speaks to the cluster ended; it is started again."
        self.next_driver = time.monotonic() + self.pause
        self.pause = min(LONGEST_PAUSE, 2 * self.pause)

    def _heard(self, m: dict) -> None:
        (what, of), *_ = m.items()
        if what == "ready":
            log.info("connected to %s", m["address"])
            self.ready, self.trouble, self.pause, self.address = True, "", PAUSE, m["address"]
            for run in self._remote():
                if run.started and not run.ended:
                    self._tell({"find": run.id})
        elif what in ("broken", "slow"):
            self.trouble = of
        elif what == "nodes":
            self.nodes = [Node(**node) for node in of]
        elif what in ("made", "unmade"):
            self._made(MapRequest(*of), m)
        elif isinstance(run := self.live.get(of), Remote):
            self._heard_of(run, what, m)

    def _heard_of(self, run: Remote, what: str, m: dict) -> None:
        if what == "placed":
            log.info("%s is on %s", run.id, m["node"])
            run.begun, run.node, run.node_id = True, m["node"], m["node_id"]
        elif what == "refused":
            log.warning("%s: %s", run.id, m["why"])
            self._put_back(run)
        elif what == "again":
            run.started = False
        elif what == "ended":
            run.ended, run.code = True, m["code"]
        elif what == "gone":
            log.warning("%s lost its actor (%s)", run.id, m["why"])
            self.next_launch = time.monotonic() + RETHINK
            run.ended = run.gone = True

    def _tell(self, message: dict) -> bool:
        return bool(self.driver and self.ready and self.driver.send(message))

    def _remote(self) -> list[Remote]:
        return [run for run in self.live.values() if isinstance(run, Remote)]

    # Starting

    def _launch(self) -> None:
        while self.ready and time.monotonic() >= self.next_launch and (found := self._next_ask()):
            id, wanted, node = found
            if stamp() != self.source:
                self._renew()
            if self.queue.claim(id):  # else it was withdrawn just now
                self.live[id] = Remote(Folder(self.paths.root / id), ask=wanted, node_id=node)
        for run in [run for run in self._remote() if not run.started and not run.ended]:
            self._guarded(partial(self._start, run))

    def _next_ask(self) -> tuple[str, Ask, str] | None:
        """The first run of the queue for which a node has room: what it asks for, and which node."""
        taken = [(run.node_id, run.ask) for run in self._remote() if not run.ended]
        if self.slots and len(taken) >= self.slots:
            return None
        rows = islice((row for row in self.queue.rows().values() if row.position), LOOK_AHEAD)
        waiting = [Folder(self.paths.root / row.id) for row in rows]
        if not waiting:
            return None
        runs = [run for folder in waiting if (run := self._run_of(folder))]
        large = sum(not is_small(run) for run in runs)
        for folder in waiting:
            wanted = self._ask(folder, large)
            if wanted is None or too_much(wanted, self.nodes):
                return folder.id, wanted or Ask(0), ""  # it is taken, and its folder says why it fails
            if node := place(wanted, taken, self.nodes):
                return folder.id, wanted, node.id
        return None

    def _ask(self, folder: Folder, large: int = 1) -> Ask | None:
        run = self._run_of(folder)
        return ask(run, folder.threads, self.nodes, environment.cluster_gpus(), large) if run else None

    def _start(self, run: Live) -> None:
        if not isinstance(run, Remote):
            return super()._start(run)
        folder = run.folder
        try:
            if why := too_much(run.ask, self.nodes):
                return self._fail(run, why)
            if folder.run.threads == 0:
                folder.keep_threads(run.ask.threads)
            if folder.where().get("code") is not None:
                folder.note_where(code=None)  # of another attempt
            run.attempt = folder.written_status()["attempt"]
            if folder.stop_requested():  # somebody was quicker
                return self._settle(run)
        except StoreError as e:
            log.warning("%s", e)
            return self._fail(run, str(e))
        job = {"path": str(folder.path), "threads": run.ask.threads, "cpus": run.ask.cpus, "gpus": run.ask.gpus}
        job["node_id"] = run.node_id
        run.started = self._tell({"start": run.id, **job})
        log.info("handed over %s: %s", run.id, run.ask)
        return None

    # Ending

    def _settle(self, run: Live) -> None:
        """See to it that the folder says how the run ended, once its process has let go of it."""
        if not isinstance(run, Remote):
            return super()._settle(run)
        folder, status = run.folder, run.folder.written_status()
        if folder.alive():  # its actor is gone and its process is not yet: wait for the lock
            run.ended, run.adopted = False, True
            return None
        unseen = run.gone or run.adopted or status["attempt"] > run.attempt
        if status["state"] == "queued" and unseen and not folder.stop_requested():
            # It had not begun, or somebody continued it; an actor that dies as it begins counts, or it would for ever.
            return self._lost(run) if run.gone and run.begun else self._put_back(run)
        if run.code is None:
            run.code = folder.where().get("code")  # it ended while nobody asked its actor
        if status["state"] not in FINAL:
            if folder.stop_requested():
                folder.set_status("stopped", detail=ended_by_force(run, status["state"]), pid=None)
            elif run.code == NOT_OURS:
                return self._again(run)
            elif run.code is None:
                return self._lost(run)
            else:
                folder.set_status("failed", detail=how(run.code), pid=None)
        if folder.where().get("lost"):
            folder.note_where(lost=0)
        self._forget(run)
        return None

    def _again(self, run: Live) -> None:
        if isinstance(run, Remote):
            run.begun = run.gone = run.told = False
        super()._again(run)

    def _lost(self, run: Remote) -> None:
        """Its node went away, or the head with all that it knew: it goes on elsewhere, not for ever."""
        lost = run.folder.where().get("lost", 0) + 1
        where = f"The node {run.node}" if run.node else "Its node"
        if lost >= MOST_ATTEMPTS:
            detail = f"{where} was lost with it, as others were before: {MOST_ATTEMPTS} attempts. Continue it to go on."
            run.folder.note_where(lost=0)
            return self._fail(run, detail)
        run.folder.note_where(lost=lost)
        more = f"it goes on from its last checkpoint (attempt {lost + 1} of {MOST_ATTEMPTS})"
        run.folder.set_status("queued", detail=f"{where} was lost with it: {more}.", pid=None)
        log.warning("%s lost %s", run.id, run.node or "its node")
        return self._put_back(run)

    def _stops(self) -> None:
        for run in self._remote():
            if run.begun and not run.told and not run.ended and run.folder.stop_requested():
                run.told = self._tell({"stop": run.id, "path": str(run.folder.path)})
        super()._stops()

    def _grace(self, run: Live) -> float:
        """A run that waits for its place in Ray ends at once."""
        return 0.0 if isinstance(run, Remote) and not run.begun and not run.folder.alive() else super()._grace(run)

    def _kill(self, run: Live) -> None:
        """Never by a process id: that of a run on a node belongs to another machine."""
        if not isinstance(run, Remote):
            return super()._kill(run)
        self._tell({"kill": run.id})
        return self._settle(run)

    # Analyses

    def _maps(self) -> None:
        now = time.monotonic()
        for request, mapping in list(self.mappings.items()):
            if now > mapping.give_up:
                self._tell({"unmap": list(vars(request).values())})
                del self.mappings[request]
                self.queue.end_map(request, "It took too long on the cluster and was ended.")
        if not self.ready or self._trouble() or now < self.next_maps:
            return
        for request in self.queue.next_maps(MOST_MAPS):
            if request not in self.mappings and len(self.mappings) < MOST_MAPS:
                self._guarded(partial(self._hand_over, request))

    def _hand_over(self, request: MapRequest) -> None:
        if request.method not in ANALYSES:  # asked for by another version of this program
            return self.queue.end_map(request, f"There is no analysis {request.method!r} in this version.")
        folder, analysis = Folder(self.paths.root / request.id), ANALYSES[request.method]
        if not analysis.of_dataset and folder.map_path(request.epoch, request.which, request.method).exists():
            return self.queue.end_map(request)
        path = str(folder.path)
        job = {"path": path, "which": request.which, "epoch": request.epoch, "method": request.method}
        key = [request.id, request.which, request.epoch, request.method]
        if self._tell({"map": key, "path": path, "request": job}):
            self.mappings[request] = Mapping.begin(request)
        return None

    def _made(self, request: MapRequest, m: dict) -> None:
        if self.mappings.pop(request, None) is None:
            return
        if "unmade" in m:
            self.next_maps = time.monotonic() + RETRY
        else:
            self.queue.end_map(request, m["failure"])


if __name__ == "__main__":
    begin(ClusterSupervisor)
