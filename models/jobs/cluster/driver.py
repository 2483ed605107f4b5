"""The one process of this machine that speaks to Ray, for the supervisor: `python -m models.jobs.cluster.driver FD`.

It connects to a cluster that exists and never starts one. What it hears and says are lines of JSON: "start", "find",
"stop", "kill" of a run, "map" of an analysis; "nodes", "placed", "refused", "ended", "gone", "made". It holds nothing:
runs are detached actors, which the next one finds by name.
"""

import logging
import os
import re
import select
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import files, locks
from models.errors import UserError
from models.jobs.cluster import address, shared
from models.jobs.processes import Lines, end_with, keeping_memory
from models.jobs.queue_paths import QueuePaths

TURN = 0.05  # seconds between two looks at what has come from the cluster
LOOK = 1.0  # seconds between two looks at its nodes, and at whether its head is there
HEAD_LOST = 3  # such looks in vain
CONNECT = 4.0  # seconds after which connecting is said to take long
AVOIDED = 30.0  # seconds for which a node that refused is given nothing
AT_MOST = 0.5  # seconds for an actor to end its run, before it is ended itself
POLL = 20.0  # seconds for which an actor is asked at a time how its run ended
PASSED = ("FEWLABELS_DATA", "FEWLABELS_TRAIN", "FEWLABELS_ANALYSES")  # from the app to the nodes, which may know better
CHECKED = ("torch", "ray", "Python")  # versions that a node must have as the app has them


@dataclass
class Remote:
    """A run's actor, and the call that is on its way to it."""

    actor: Any
    call: Any
    asked: str  # "start", "about" or "ended"
    begun: bool = False


class Driver:
    def __init__(self, lines: Lines, root: Path, wanted: str) -> None:
        self.lines, self.paths, self.wanted = lines, QueuePaths(root), wanted
        self.runs: dict[str, Remote] = {}
        self.maps: dict[Any, list] = {}  # by the task's reference, what it makes
        self.avoided: dict[str, tuple[str, float]] = {}  # by node, why it refused and until when it is let be
        self.nodes: list[dict] = []
        self.next_look = 0.0

    def serve(self) -> None:
        self.connect()
        while True:
            select.select([self.lines.sock], [], [], TURN if self.runs or self.maps else LOOK)
            messages, supervised = self.lines.receive()
            if not supervised:
                os._exit(0)  # the runs go on
            for message in messages:
                (what, of), *_ = message.items()
                getattr(self, f"_{what}")(of, message)
            self._answers()
            if time.monotonic() >= self.next_look:
                self._look()

    def connect(self) -> None:
        """Raises UserError, a sentence, if there is no cluster that would have us."""
        self.address = address.found(self.wanted)
        slow = threading.Timer(CONNECT, self._slow)
        slow.daemon = True
        slow.start()
        os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_ADDRESS": self.address})
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")  # tries to connect, a second each; Ray makes 20
        try:
            import ray
            from ray import cloudpickle
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
        except ImportError as e:
            raise UserError(
                "Ray is not installed here: `.venv/bin/python -m pip install -r requirements-cluster.txt`, "
                "on every node too."
            ) from e
        from models.jobs.cluster import actor

        self.ray, self.actor, self.affinity = ray, actor, NodeAffinitySchedulingStrategy
        for module in (actor, locks):  # nodes need nothing of ours before a run begins
            cloudpickle.register_pickle_by_value(module)
        self.name = shared.name(self.paths)
        try:
            ray.init(address=self.address, namespace=self.name, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as e:  # whatever it is, the supervisor says it in a sentence
            logging.exception("no connection")
            raise UserError(sentence(e, self.address)) from e
        slow.cancel()
        self.code = str(shared.code(self.paths))
        self.versions = {name: version for name in CHECKED if (version := actor.version(name))}
        threading.Thread(target=self._watch, name="watches the head", daemon=True).start()
        self._look()
        self.lines.send({"ready": True, "address": self.address})

    def _slow(self) -> None:
        why = f"The cluster at {self.address} takes long to answer. This machine must be one of its nodes"
        self.lines.send({"slow": f"{why}: join it with `ray start --address={self.address} --num-cpus=0`."})

    def _watch(self) -> None:
        """Ray waits for a head that is gone for a minute or for ever; the supervisor shall know in seconds."""
        missed = 0
        while missed < HEAD_LOST:
            time.sleep(LOOK)
            missed = missed + 1 if address.refusal(self.address) else 0
        self.lines.send({"broken": f"The head of the cluster at {self.address} is gone: runs wait until it is back."})
        os._exit(1)

    # What the supervisor asks

    def _start(self, id: str, job: dict) -> None:
        Actor = self.ray.remote(self.actor.RunActor)
        options = {"name": id, "namespace": self.name, "lifetime": "detached", "max_restarts": 0, "max_concurrency": 8}
        where = self.affinity(job["node_id"], soft=False)
        options |= {"num_cpus": job["cpus"], "num_gpus": job["gpus"], "scheduling_strategy": where}
        try:
            actor = Actor.options(**options).remote()
        except ValueError:  # one of that name: an earlier attempt whose end nobody took note of
            self._kill(id, {})
            self.lines.send({"again": id})
            return
        told = self._told(job) | {"path": job["path"], "threads": job["threads"]}
        self.runs[id] = Remote(actor, actor.start.remote(told), "start")

    def _told(self, job: dict) -> dict:
        """What an actor or a task has to know of this app."""
        threads = str(job.get("threads", 1))
        return {
            "path": job["path"],
            "root": str(self.paths.root),
            "name": self.name,
            "code": self.code,
            "versions": self.versions,
            "cache": str(files.cache()),
            "nodes": {node["id"]: node["name"] for node in self.nodes},
            "env": {name: os.environ[name] for name in PASSED if name in os.environ},
            "settled": {
                "OMP_NUM_THREADS": threads,
                "MKL_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": "1",
                "GLIBC_TUNABLES": keeping_memory()["GLIBC_TUNABLES"],
            },
        }

    def _elsewhere(self) -> dict:
        """Where an analysis goes while some nodes are avoided: where most is free of the others. Else Ray chooses."""
        good = [node for node in self.nodes if not node["trouble"] and node["cpus"] >= 1]
        if not good or all(not node["trouble"] for node in self.nodes):
            return {}
        best = max(good, key=lambda node: node["free_cpus"])
        return {"scheduling_strategy": self.affinity(best["id"], soft=False)}

    def _find(self, id: str, job: dict) -> None:
        """Take up a run that a driver before this one had started."""
        try:
            actor = self.ray.get_actor(id, namespace=self.name)
        except ValueError:
            self.lines.send({"gone": id, "why": "", "begun": True})
            return
        self.runs[id] = Remote(actor, actor.about.remote(), "about", begun=True)

    def _stop(self, id: str, job: dict) -> None:
        if (run := self.runs.get(id)) and run.begun:
            run.actor.stop.remote(job["path"])

    def _kill(self, id: str, job: dict) -> None:
        """End an actor, and with it its run, whether or not it has begun."""
        run = self.runs.pop(id, None)
        try:
            actor = run.actor if run else self.ray.get_actor(id, namespace=self.name)
            if run is None or run.begun:
                self.ray.wait([actor.end.remote()], timeout=AT_MOST)
            self.ray.kill(actor)
        except ValueError:  # there is none
            return

    def _map(self, request: list, job: dict) -> None:
        compute = self.ray.remote(self.actor.compute).options(num_cpus=1, max_retries=1, **self._elsewhere())
        told = self._told(job) | {"request": job["request"]}
        self.maps[compute.remote(told)] = request

    def _unmap(self, request: list, job: dict) -> None:
        for task in [task for task, made in self.maps.items() if made == request]:
            self.ray.cancel(task, force=True)

    # What the cluster says

    def _answers(self) -> None:
        calls = {run.call: id for id, run in self.runs.items()}
        waiting = [*calls, *self.maps]
        if not waiting:
            return
        ready, _ = self.ray.wait(waiting, num_returns=len(waiting), timeout=0)
        for call in ready:
            if call in calls:
                self._answer(calls[call], call)
            else:
                self._made(call)

    def _answer(self, id: str, call: Any) -> None:
        run = self.runs[id]
        try:
            said = self.ray.get(call)
        except self.ray.exceptions.ActorUnavailableError:  # Ray does not know yet whether its node is gone
            run.call, run.asked = run.actor.ended.remote(POLL), "ended"
            return
        except self.ray.exceptions.RayError as e:
            logging.warning("%s is gone: %s", id, e)
            del self.runs[id]
            self.lines.send({"gone": id, "why": type(e).__name__, "begun": run.begun})
            return
        if said is None:
            run.call = run.actor.ended.remote(POLL)
        elif "refused" in said:
            self._avoid(said)
            self._kill(id, {})
            self.lines.send({"refused": id, "why": said["refused"]})
        elif run.asked == "ended":
            self._kill(id, {})
            self.lines.send({"ended": id, "code": said["code"], "node": said["node"]})
        else:
            run.begun = True
            self.lines.send({"placed": id, "node": said["node"], "node_id": said["node_id"]})
            run.call, run.asked = run.actor.ended.remote(POLL), "ended"

    def _made(self, task: Any) -> None:
        request = self.maps.pop(task)
        try:
            said = self.ray.get(task)
        except self.ray.exceptions.RayError as e:
            logging.warning("%s could not be made: %s", request, e)
            said = {"failure": f"The node that should make it ended its work ({type(e).__name__})."}
        if "refused" in said:
            self._avoid(said)
            self.lines.send({"unmade": request, "why": said["refused"]})
        else:
            self.lines.send({"made": request, "failure": said["failure"]})

    def _avoid(self, said: dict) -> None:
        self.avoided[said["node_id"]] = (said["refused"], time.monotonic() + AVOIDED)
        self.next_look = 0.0  # before the next run is handed over, the supervisor must know

    def _look(self) -> None:
        """Tell the supervisor which nodes there are and what is free there."""
        self.next_look = time.monotonic() + LOOK
        free = self.ray._private.state.available_resources_per_node()
        found = []
        for node in self.ray.nodes():
            if not node["Alive"]:
                continue
            has, left = node["Resources"], free.get(node["NodeID"], {})
            named = node.get("NodeName") or node["NodeManagerAddress"]
            why, until = self.avoided.get(node["NodeID"], ("", 0.0))
            found.append(
                {
                    "id": node["NodeID"],
                    "name": node["NodeManagerHostname"] if named == node["NodeManagerAddress"] else named,
                    "cpus": has.get("CPU", 0),
                    "gpus": has.get("GPU", 0),
                    "free_cpus": left.get("CPU", 0),
                    "free_gpus": left.get("GPU", 0),
                    "trouble": why if until > time.monotonic() else "",
                }
            )
        found.sort(key=lambda n: (n["name"], n["id"]))
        if found != self.nodes:
            self.nodes = found
            self.lines.send({"nodes": found})


def sentence(e: Exception, where: str) -> str:
    """Why Ray would not connect."""
    text, first = str(e), e
    while first := first.__cause__ or first.__context__:  # what it is about may be said by the first of several
        text += f"\n{first}"
    if "ersion mismatch" in text:
        parts = re.findall(r"(Ray|Python): ?(\S+)", text)
        if len(parts) >= 4:
            there, here = (" and ".join(map(" ".join, of)) for of in (parts[:2], parts[2:4]))
            return f"The cluster at {where} has {there}, this app has {here}: both must be the same."
    if "WrongClusterID" in text:  # which Ray takes for a matter of tokens
        return f"The head of the cluster at {where} was begun anew just now: runs wait until it is there."
    if type(e).__name__ == "AuthenticationError" or "token" in text.lower():
        return f"The cluster at {where} wants another token: this machine's is in ~/.ray/auth_token or RAY_AUTH_TOKEN."
    return f"The cluster at {where} could not be joined ({text.strip().partition(chr(10))[0][:200]})."


def main(fd: int, root: Path, wanted: str) -> None:
    lines = Lines(socket.socket(fileno=fd))
    end_with(lines.sock)
    try:
        Driver(lines, root, wanted).serve()
    except UserError as e:
        lines.send({"broken": str(e)})
    except Exception as e:
        logging.exception("the driver ends")
        lines.send({"broken": f"What speaks to the cluster ended ({type(e).__name__}); the supervisor's log has more."})
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    logging.basicConfig(filename=QueuePaths(Path(sys.argv[2])).log, level=logging.INFO,
                        format="%(asctime)s %(process)d %(message)s")  # fmt: skip
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
