"""The one process that starts runs, sees them end and keeps the queue: `python -m models.jobs.supervisor RUNS_ROOT`.

Started on demand by any app, held single by a lock, outliving them all, leaving by itself when nothing was asked of it
for some minutes. It holds nothing that matters: killed at any moment, its successor finds the living runs by their
locks, the waiting ones in the queue, and the finished ones in their folders. It loads no torch.
"""

import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

from data.locks import take
from models import environment
from models.analysis import ANALYSES
from models.errors import JobsError, StoreError, UserError
from models.jobs.bell import Bell
from models.jobs.child import NOT_OURS
from models.jobs.gpus import gpus
from models.jobs.placing import Machine, Place, is_small
from models.jobs.players import Players
from models.jobs.processes import (
    Helper,
    adopt_orphans,
    cores,
    drain,
    keeping_memory,
    kill_group,
    reap,
    spawn,
    wake_on,
)
from models.jobs.queue import MapRequest, Queue, QueueDamaged, QueueUnusable
from models.jobs.queue_paths import QueuePaths
from models.runs.files import replace
from models.runs.records import Damaged, check_tensors
from models.runs.run import Run
from models.runs.store import FINAL, PROJECT, STOPPED_UNHEARD, Folder, runs

# Seconds between asking a run to stop and killing it: a process that has not begun, which loses nothing; one that never
# said that it heard; and one that did, which ends by itself unless a step or the disk is slow.
GRACE_TO_BEGIN, GRACE, GRACE_HEARD = 1.0, 2.7, 5.0
SCAN = 30.0  # seconds between looks for folders that should be in the queue and are not
SETTLED = 10.0  # seconds a queued folder must have stood before such a look counts: its maker may still be about it
TRIES = 3

log = logging.getLogger("supervisor")


def stamp() -> tuple:
    """Changes whenever the source of what runs are made by does: warm processes must not run yesterday's code."""
    files = [*(PROJECT / "models").rglob("*.py"), *(PROJECT / "data").rglob("*.py")]
    found = []
    for path in files:
        with suppress(OSError):  # an editor is just replacing it
            found.append((str(path), path.stat().st_mtime_ns))
    return tuple(sorted(found))


@dataclass
class Live:
    """A run that was taken from the queue and has not been settled."""

    folder: Folder
    started: bool = False  # a process was asked for
    warm: bool = False  # its parent is the warm process, which will say how it ends
    adopted: bool = False  # its parent is gone
    elsewhere: bool = False  # a node of a cluster has it: it takes nothing of this machine
    pid: int | None = None  # None until the process is known
    pidfd: int | None = None  # tells the end of one that is nobody's child here
    ended: bool = False
    code: int | None = None  # how it ended; None if nobody saw it
    asked_at: float | None = None  # when the request to stop was seen
    kill_at: float | None = None
    tries: int = 1
    attempt: int = 0  # what its folder counted before it was started; its process counts one more
    place: Place | None = None  # what it takes of the machine

    @property
    def id(self) -> str:
        return self.folder.id


@dataclass
class Mapping:
    """The one map that is being made, or the one data set that is being encoded."""

    request: MapRequest
    give_up: float
    tries: int = 1

    @classmethod
    def begin(cls, request: MapRequest, tries: int = 1) -> "Mapping":
        return cls(request, time.monotonic() + ANALYSES[request.method].patience, tries)


@dataclass
class Supervisor:
    paths: QueuePaths
    slots: int  # runs at once; 0: as many as fit (models/jobs/placing.py)
    idle: float
    fork: bool
    live: dict[str, Live] = field(default_factory=dict)
    quitting: bool = False
    module: ClassVar[str] = "models.jobs.supervisor"  # what `python -m` begins again, for this or for another kind

    def __post_init__(self) -> None:
        self.queue = Queue(self.paths.queue)
        self.zygote: Helper | None = None
        self.warm = False
        self.gpus = len(gpus())  # until the warm process says how many of them torch can use
        self.zygote_failures = 0
        self.zygote_next = 0.0  # when another may be started
        self.mapper: Helper | None = None
        self.mapping: Mapping | None = None
        self.codes: dict[int, int] = {}  # how children ended that nobody asked about yet
        self.players = Players(self.paths.plane, cores(), self._play)
        self.last_work = time.monotonic()
        self.next_scan = 0.0
        self.source = stamp()

    # Life

    def serve(self) -> None:
        """Until there is nothing to do for long, or somebody says so."""
        adopt_orphans()
        signals = wake_on(signal.SIGCHLD, signal.SIGTERM)
        signal.signal(signal.SIGTERM, self._quit)
        bell = Bell(self.paths.wake)
        self._guarded(self._find_running)
        self._say()
        while not self.quitting:
            for step in (
                self._children,
                self._helper,
                self._ends,
                self._stops,
                self._scan,
                self._launch,
                self._maps,
                self._plane,
            ):
                self._guarded(step)
            if self._idle():
                return
            if self._wait(bell, signals):
                self.last_work = time.monotonic()

    def _guarded(self, step: Callable[[], None]) -> None:
        """A busy queue or a full disk passes: the step is tried again at the next turn."""
        try:
            step()
        except (JobsError, StoreError) as e:
            log.warning("%s", e)

    def _quit(self, *_: object) -> None:
        self.quitting = True

    def _wait(self, bell: Bell, signals: socket.socket) -> bool:
        """Sleep until something happens; whether an app rang."""
        now = time.monotonic()
        times = [now + (bell.look_after or (0.25 if self.players.busy else 1.0)), self.next_scan, *self._wait_until()]
        times += [run.kill_at for run in self.live.values() if run.kill_at]
        pidfds = [run.pidfd for run in self.live.values() if run.pidfd is not None]
        if any(run.adopted and run.pidfd is None for run in self.live.values()):
            times.append(now + 0.25)  # no way to be told of its end: look at its lock
        helpers = [h.sock for h in self._helpers() if h]
        ready, _, _ = select.select([*bell.waits_on, signals, *helpers, *pidfds], [], [], max(0.0, min(times) - now))
        if signals in ready:
            drain(signals)
        return bell.rang()

    def _helpers(self) -> list[Helper | None]:
        return [self.zygote, self.mapper]

    def _wait_until(self) -> list[float]:
        """When something has to be done even if nothing happens."""
        return []

    def _idle(self) -> bool:
        if self.live or self.mapping or self.players.busy:
            self.last_work = time.monotonic()
        return time.monotonic() - self.last_work > self.idle

    def _say(self) -> None:
        """Tell the apps what this supervisor offers."""
        about = {"pid": os.getpid(), "slots": self.slots, "cores": cores(), "warm": self.warm, "gpus": self.gpus}
        about |= self._more()
        with suppress(OSError):  # a full disk; the apps then show what they would offer themselves
            replace(self.paths.about, json.dumps(about) + "\n")

    def _more(self) -> dict:
        """What another kind of supervisor has to say beside that."""
        return {}

    def close(self) -> None:
        self.players.close()
        if self.zygote:
            self.zygote.close()
        if self.mapper:
            self.mapper.kill()  # it may be busy for minutes; whoever comes next has the same made anew
        self.queue.close()

    # What is going on already

    def _find_running(self) -> None:
        """Take over what a supervisor before this one had started."""
        for row in self.queue.rows().values():
            if row.position is not None:
                continue
            folder = Folder(self.paths.root / row.id)
            run = Live(folder)
            state = folder.written_status()["state"]
            if pid := folder.pid():
                log.info("adopted %s, process %d", row.id, pid)
                self._adopt(run, pid)
            elif folder.node():
                self._find_elsewhere(run)
            elif state == "queued":
                log.info("%s had not begun; it waits again", row.id)
                self.queue.put_back(row.id)
                continue
            else:
                run.ended = True
            self.live[row.id] = run

    def _find_elsewhere(self, run: Live) -> None:
        """A node of a cluster has the run, and this supervisor has no cluster: all it sees of it is the lock."""
        run.started = run.adopted = run.elsewhere = True

    def _adopt(self, run: Live, pid: int) -> None:
        with suppress(StoreError):
            of = run.folder.run
            run.place = run.place or Place(is_small(of), max(1, of.threads or run.folder.threads))
        run.pid, run.started, run.adopted, run.warm = pid, True, True, False
        if hasattr(os, "pidfd_open"):
            try:
                run.pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                kill_group(pid)  # the run is gone, and what it started still holds its lock
            except OSError as e:
                log.warning("no pidfd for %s: %s", run.id, e)

    def _scan(self) -> None:
        """Put in the queue what says it is queued and is not there: its app died on the way, or the queue was lost."""
        now = time.monotonic()
        if now < self.next_scan:
            return
        self.next_scan = now + SCAN
        known = self.queue.rows()
        found = []
        for folder in runs(self.paths.root):
            status = folder.written_status()
            if status["state"] == "queued" and folder.id not in known and time.time() - status["since"] > SETTLED:
                found.append((status["since"], folder.id, folder.made.get("owner", "")))
        for _, id, owner in sorted(found):
            log.info("%s was queued and not in the queue", id)
            self.queue.add(id, owner)

    # Starting

    def _launch(self) -> None:
        while found := self._next():
            id, place = found
            if stamp() != self.source:
                self._renew()
            if self.queue.claim(id):  # else it was withdrawn just now
                self.live[id] = Live(Folder(self.paths.root / id), place=place)
        for run in [run for run in self.live.values() if not run.started and not run.ended]:
            self._guarded(partial(self._start, run))

    def _next(self) -> tuple[str, Place] | None:
        """The first run of the queue for which there is room, and what it is given."""
        here = [run for run in self.live.values() if not (run.ended or run.elsewhere)]
        taken = [run.place or Place(False, 1) for run in here]
        if self.slots and len(taken) >= self.slots:
            return None
        waiting = [Folder(self.paths.root / row.id) for row in self.queue.rows().values() if row.position]
        known = [(folder, self._run_of(folder)) for folder in waiting]
        machine = Machine(cores(), self.slots, self.gpus, os.getloadavg()[0])
        large = sum(run is not None and not is_small(run) for _, run in known)
        for folder, run in known:
            if run is None:  # it is taken, and its folder says why it fails
                return folder.id, Place(True, 1)
            if place := machine.place(run, folder.threads, taken, large):
                return folder.id, place
        return None

    @staticmethod
    def _run_of(folder: Folder) -> Run | None:
        """What a run trains; None of one that is damaged, or was deleted."""
        try:
            return folder.run
        except StoreError:
            return None

    def _start(self, run: Live) -> None:
        place = run.place or Place(False, 1)
        try:
            if run.folder.run.threads == 0:
                run.folder.keep_threads(place.threads)
            run.attempt = run.folder.written_status()["attempt"]
            if run.folder.stop_requested():  # somebody was quicker
                return self._settle(run)
        except StoreError as e:
            log.warning("%s", e)
            return self._fail(run, str(e))
        seen = {} if place.gpu is None else {"CUDA_VISIBLE_DEVICES": str(place.gpu), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        if not self.fork:
            env = {**self._env(place.threads), **seen}
            run.pid = spawn("models.jobs.child", str(run.folder.path), str(place.threads), env=env)
            run.started = True
        elif self.zygote:
            message = {"id": run.id, "path": str(run.folder.path), "threads": place.threads, "env": seen}
            run.started = run.warm = self.zygote.send(message)
        log.info("starting %s: %s", run.id, place)
        return None

    def _env(self, threads: int) -> dict[str, str]:
        """Threads must be settled before torch is imported.

        OMP_WAIT_POLICY is left alone: threads that sleep when they wait ("passive") made a step 1.5 times slower alone
        and 25 times slower beside another run than those that spin for a while, as they do by default.
        """
        settled = {
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": "1",  # numpy's starts its threads when it is imported, which no fork may see
            "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for a GPU in this way does not spoil a process for forking
        }
        return {**keeping_memory(), **settled}

    def _renew(self) -> None:
        """Begin again with the new source: same process id, same runs, other code."""
        log.info("the source changed")
        self.close()
        os.execv(sys.executable, [sys.executable, "-m", self.module, str(self.paths.root)])

    def _helper(self) -> None:
        """Keep the warm process warm, and hear what it says."""
        if self.zygote:
            messages, there = self.zygote.receive()
            for m in messages:
                self._heard(m)
            if not there:
                self._zygote_died()
        if self.fork and not self.zygote and time.monotonic() >= self.zygote_next:
            self.zygote = Helper("models.jobs.zygote", self._env(cores()))
            self.zygote_next = time.monotonic() + 1.0

    def _heard(self, m: dict) -> None:
        if "ready" in m:
            self.warm, self.zygote_failures, self.gpus = True, 0, m.get("gpus", 0)
            self._say()
        elif "broken" in m:
            log.error("the warm process is of no use: %s", m["broken"])
            self.zygote_failures = TRIES
        elif "forked" in m:
            if self.players.forked(m["forked"], m["pid"]):
                pass
            elif run := self.live.get(m["forked"]):
                run.pid = m["pid"]
        elif "ended" in m:
            self.codes[m["ended"]] = m["code"]

    def _zygote_died(self) -> None:
        if self.zygote:
            self.zygote.close()
        self.zygote, self.warm = None, False
        self.zygote_failures += 1
        log.warning("the warm process is gone")
        if self.zygote_failures >= TRIES:  # a run that starts slowly and says what is wrong beats one that never starts
            log.error("runs start cold from now on")
            self.fork = False
        for run in [run for run in self.live.values() if run.warm]:
            run.warm = False
            if pid := run.pid or run.folder.pid():
                self._adopt(run, pid)
            else:
                self._again(run)
        self._say()

    def _again(self, run: Live) -> None:
        """Start once more what seems not to have begun. Should it have, the second process meets a lock and leaves."""
        run.tries += 1
        run.started = run.ended = run.warm = run.adopted = False
        run.pid = run.code = None
        if run.tries > TRIES:
            self._fail(run, "Its process could not be started; the supervisor's log has the details.")

    # Ending

    def _children(self) -> None:
        for pid, code in reap():
            self.codes[pid] = code

    def _ends(self) -> None:
        for run in list(self.live.values()):
            if run.pid in self.codes:
                run.ended, run.code = True, self.codes.pop(run.pid)
            elif run.adopted and not run.ended:
                over = select.select([run.pidfd], [], [], 0)[0] if run.pidfd is not None else not run.folder.alive()
                if over:
                    self._children()  # if it became our child, its code is there now
                    run.ended, run.code = True, self.codes.pop(run.pid, None) if run.pid else None
            if run.ended:
                self._guarded(partial(self._settle, run))
        mine = {run.pid for run in self.live.values()} | self.players.pids
        for pid in [pid for pid in self.codes if pid not in mine and not self._unnamed()]:
            del self.codes[pid]  # a helper's, or a second process of a run

    def _unnamed(self) -> bool:
        """Whether a run is just being forked, so that a code may be its own."""
        return self.players.unnamed or any(run.warm and run.pid is None for run in self.live.values())

    def _settle(self, run: Live) -> None:
        """See to it that the folder says how the run ended; on a full disk, at the next turn."""
        status = run.folder.written_status()
        if run.folder.node():  # somebody continued it on a cluster meanwhile, or it goes on there
            run.ended, run.pid = False, None
            self._find_elsewhere(run)
            return None
        if (pid := run.folder.pid()) is not None:
            if run.pid is None or pid == run.pid:
                kill_group(pid)  # it is dead; what it started still holds its lock
            if pid != run.pid:
                log.info("%s has another process, %d", run.id, pid)
                run.ended, run.code = False, None
                self._adopt(run, pid)
            return None
        if status["state"] == "queued" and (run.adopted or status["attempt"] > run.attempt):
            return self._put_back(run)  # it had ended, and somebody already wants it continued
        if status["state"] not in FINAL:
            if run.folder.stop_requested():
                run.folder.set_status("stopped", detail=ended_by_force(run, status["state"]), pid=None)
            elif run.code == NOT_OURS:
                return self._again(run)
            elif run.code is None:
                detail = "Its process ended, and nothing is known of its end. Continue it to go on."
                run.folder.set_status("lost", detail=detail, pid=None)
            else:
                run.folder.set_status("failed", detail=how(run.code), pid=None)
        self._forget(run)
        return None

    def _put_back(self, run: Live) -> None:
        self.queue.put_back(run.id)
        del self.live[run.id]

    def _fail(self, run: Live, detail: str) -> None:
        if run.folder.path.is_dir():
            run.folder.set_status("failed", detail=detail, pid=None)
        self._forget(run)

    def _forget(self, run: Live) -> None:
        state = run.folder.written_status()["state"]
        log.info("%s ended: %s (code %s)", run.id, state, run.code)
        run.folder.clear_stop()
        self.queue.remove(run.id)
        if run.pidfd is not None:
            os.close(run.pidfd)
        del self.live[run.id]
        if run.folder.written_status()["state"] == "queued":  # somebody continued it just before its row was removed
            self.queue.add(run.id, run.folder.made.get("owner", ""))
        if state == "done":
            self._guarded(partial(self._map_last, run.folder))

    def _stops(self) -> None:
        now = time.monotonic()
        for run in list(self.live.values()):
            if run.ended or not run.folder.stop_requested():
                continue
            if run.asked_at is None:
                run.asked_at = now
            run.kill_at = run.kill_at or run.asked_at + self._grace(run)
            if now < run.kill_at:
                continue
            if now - run.asked_at < (grace := self._grace(run)):  # meanwhile it has begun, or said that it heard
                run.kill_at = run.asked_at + grace
            else:
                log.info("%s did not stop by itself", run.id)
                self._kill(run)
                run.kill_at = now + 1.0

    def _kill(self, run: Live) -> None:
        if pid := run.pid or run.folder.pid():
            kill_group(pid)
        else:
            self._settle(run)  # it never came to life; should it yet, it finds itself settled

    def _grace(self, run: Live) -> float:
        if run.folder.stop_heard():
            return GRACE_HEARD
        return GRACE_TO_BEGIN if run.folder.written_status()["state"] == "queued" else GRACE

    # Maps

    def _map_last(self, folder: Folder) -> None:
        """A finished run is looked at: have the maps of its last epoch ready."""
        snapshots = folder.snapshots()
        if not snapshots:
            return
        epoch, path = snapshots[-1]
        there = keys(path)
        for a in (a for a in ANALYSES.values() if a.at_end):
            for which in a.latents:
                if which in there and not folder.map_path(epoch, which, a.name).exists():
                    self.queue.ask_map(MapRequest(folder.id, which, epoch, a.name))

    def _maps(self) -> None:
        if self.mapper:
            messages, there = self.mapper.receive()
            for m in messages:
                if self.mapping:
                    self.queue.end_map(self.mapping.request, m["failure"])
                    self.mapping = None
            if not there:
                self.mapper.close()
                self.mapper = None
                self._mapper_died()
        if self.mapping and self.mapper and time.monotonic() > self.mapping.give_up:
            kill_group(self.mapper.pid)
            self.mapping.give_up = float("inf")
            self.mapping.tries = TRIES
        if not self.mapping and (request := self.queue.next_map()):
            if request.method in ANALYSES:
                self._map(Mapping.begin(request))
            else:  # asked for by another version of this program
                self.queue.end_map(request, f"There is no analysis {request.method!r} in this version.")

    # Sessions in the plane

    def _plane(self) -> None:
        self.players.step(self.codes)

    def _play(self, name: str, path: str, part: int, parts: int) -> int | None:
        """Start a process of a session: forked, which says its id later, or cold."""
        if self.fork and self.zygote:
            self.zygote.send({"id": name, "path": path, "part": part, "parts": parts, "env": {}})
            return None
        return spawn("models.plane.player", path, str(part), str(parts), env=self._env(1))

    def _mapper_died(self) -> None:
        """With a map in the making it is tried again, not for ever; without one it was only idle."""
        if not self.mapping:
            return
        again = Mapping.begin(self.mapping.request, self.mapping.tries + 1)
        self.mapping = None
        if again.tries > TRIES:
            self.queue.end_map(again.request, "The process that computes maps ended before this one was made.")
        else:
            self._map(again)

    def _map(self, mapping: Mapping) -> None:
        m = mapping.request
        folder = Folder(self.paths.root / m.id)
        if not ANALYSES[m.method].of_dataset and folder.map_path(m.epoch, m.which, m.method).exists():
            return self.queue.end_map(m)  # of a data set, the job itself sees what is there
        if not self.mapper:
            self.mapper = Helper("models.jobs.mapper", self._env(max(1, cores() // 2)))
        self.mapping = mapping
        self.mapper.send({"path": str(folder.path), "which": m.which, "epoch": m.epoch, "method": m.method})
        return None


def ended_by_force(run: Live, state: str) -> str:
    """What to say of a run that was to stop, has ended, and could not say so itself."""
    if state == "queued":
        return "Stopped before it began."
    return STOPPED_UNHEARD["detail"] if run.pid is not None and run.code != 0 else ""


def how(code: int) -> str:
    """What the exit of a run's process means, in a sentence."""
    if code == -signal.SIGKILL:
        return "Its process was killed, by hand or because memory ran out. Continue it to go on from its last epoch."
    if code < 0:
        return f"Its process crashed ({signal.strsignal(-code) or f'signal {-code}'}); log.txt may have the details."
    return f"Its process ended early with exit code {code}; log.txt has the details."


def keys(path: Path) -> set[str]:
    """The names of the arrays in a safetensors file: its header alone, eight bytes of length and then JSON."""
    try:
        return set(check_tensors(path, empty=True))
    except (OSError, Damaged):
        return set()


def main(root: Path, make: Callable[[QueuePaths, int, float, bool], Supervisor] = Supervisor) -> None:
    """Serve a runs folder, with the kind of supervisor that `make` makes."""
    paths = QueuePaths(root)
    paths.folder.mkdir(parents=True, exist_ok=True)
    if paths.log.exists() and paths.log.stat().st_size > 2**20:
        paths.log.unlink()
    logging.basicConfig(filename=paths.log, level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    fork = sys.platform == "linux" and environment.fork()
    while True:
        try:
            lock = take(paths.lock)
        except BlockingIOError:
            return  # another app was quicker
        log.info(
            "supervisor of %s, %s",
            root,
            f"{environment.slots()} slots" if environment.slots() else "as many runs as fit",
        )
        mend(paths)
        supervisor = make(paths, environment.slots(), environment.idle(), fork)
        supervisor.serve()
        supervisor.close()
        os.close(lock)
        # An app that saw the lock held has put its run in the queue before it looked: look once more after letting go.
        if supervisor.quitting or not something_to_do(paths):
            log.info("nothing to do; leaving")
            return


def something_to_do(paths: QueuePaths) -> bool:
    queue = Queue(paths.queue)
    try:
        return bool(queue.rows()) or queue.next_map() is not None
    except JobsError:
        return False
    finally:
        queue.close()


def mend(paths: QueuePaths) -> None:
    """Put a queue that cannot be read out of the way; what waits is found again by its folders."""
    queue = Queue(paths.queue)
    try:
        queue.rows()
    except QueueDamaged as e:
        log.error("%s A new queue is begun.", e)
        for name in ("queue.db", "queue.db-wal", "queue.db-shm"):
            with suppress(FileNotFoundError):
                (paths.folder / name).replace(paths.folder / f"damaged-{name}")
    except QueueUnusable:
        raise
    except JobsError as e:
        log.warning("%s", e)
    finally:
        queue.close()


def begin(make: Callable[[QueuePaths, int, float, bool], Supervisor]) -> None:
    """What `python -m` of a supervisor's module does."""
    try:
        main(Path(sys.argv[1]).absolute(), make)
    except UserError as e:
        log.error("%s", e)
        sys.exit(str(e))  # the last line of supervisor.err, which pages show


if __name__ == "__main__":
    begin(Supervisor)
