"""What stands on a node for one run: a thin shell around the process that a run is everywhere (models/jobs/child.py).

Ray carries this module and data/locks.py to the nodes by value, so they import nothing else of ours.
The process that it starts takes our code from the runs folder, which all nodes see.
"""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from data.locks import NODE, held

LINGER = 3.0  # seconds
PATIENCE = 3.0  # seconds in which a run's folder, which another node has just written, must have come to this one
BRIEFLY = 1.0  # the same for the runs folder itself, which is older
SETTLED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GLIBC_TUNABLES")


class RunActor:
    """One run on this node. Its methods are called while others wait; each returns what JSON can say."""

    def __init__(self) -> None:
        self.child: subprocess.Popen | None = None
        self.over = threading.Event()
        self.begun = threading.Event()
        self.trouble = ""
        self.node = ""
        self.line: socket.socket | None = None  # the process ends when this one, which holds its end, is gone

    def start(self, job: dict) -> dict:
        """Start the run's process, once: {"node", "pid"}, or {"refused": a sentence}."""
        self.node = job["nodes"].get(node_id(), socket.gethostname())
        self.trouble = trouble(job, self.node)
        if self.trouble:
            self.over.set()
            return {"refused": self.trouble, "node": self.node, "node_id": node_id()}
        # Linux ends a child with the *thread* that began it, so that thread stays as long as the child.
        threading.Thread(target=self._run, args=[job], daemon=True).start()
        self.begun.wait()
        return {"node": self.node, "pid": self.child.pid if self.child else 0, "node_id": node_id()}

    def _run(self, job: dict) -> None:
        self.line, theirs = socket.socketpair()
        command = [sys.executable, "-m", "models.jobs.child", job["path"], str(job["threads"]), str(theirs.fileno())]
        self.child = subprocess.Popen(
            command,
            cwd=job["code"],
            env=environment(job, self.node),
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.begun.set()
        note(Path(job["path"]), node=self.node, node_id=node_id(), device=device(), since=time.time(), code=None)
        os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)  # so long its id is nobody else's
        self.end()
        note(Path(job["path"]), code=self.child.wait())
        self.over.set()
        time.sleep(LINGER)  # whoever asks hears it, and ends this actor
        os._exit(0)  # nobody is there: what the run had of the node is free again

    def ended(self, patience: float) -> dict | None:
        """How the process ended, if it does within `patience` seconds: {"code", "node"}; or why there is none."""
        if not self.over.wait(patience):
            return None
        if self.trouble:
            return {"refused": self.trouble, "node": self.node, "node_id": node_id()}
        return {"code": self.child.returncode if self.child else None, "node": self.node}

    def about(self) -> dict:
        """Of a run that was found again: where it is."""
        return {"node": self.node, "pid": self.child.pid if self.child else 0, "node_id": node_id()}

    def end(self) -> None:
        """Kill the run and all that it started: this actor's own end would reach the run alone."""
        if self.child and self.child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, signal.SIGKILL)

    def stop(self, path: str) -> None:
        """Put the request to stop where the process looks: another node may hear of a new file only after a while."""
        (Path(path) / "stop").touch()


def compute(job: dict) -> dict:
    """Make one analysis of a run in a process of its own: {"failure": None or a sentence}."""
    node = job["nodes"].get(node_id(), socket.gethostname())
    if refused := trouble(job, node):
        return {"refused": refused, "node": node, "node_id": node_id()}
    command = [sys.executable, "-m", "models.jobs.cluster.analysis", json.dumps(job["request"])]
    done = subprocess.run(
        command, cwd=job["code"], env=environment(job, node), capture_output=True, text=True, check=False
    )
    try:
        return {"failure": json.loads(done.stdout.splitlines()[-1])["failure"]}
    except (ValueError, KeyError, IndexError):
        last = ["", *filter(str.strip, done.stderr.splitlines())][-1] or f"exit code {done.returncode}"
        return {"failure": f"The process that should make it on node {node} ended ({last[:200]})."}


def trouble(job: dict, node: str) -> str:
    """Why nothing of this app can run here, in a sentence; "" if it can."""
    give_up = time.monotonic() + (PATIENCE if signed(job) else BRIEFLY)
    while (wrong := storage(job, node)) and time.monotonic() < give_up:
        time.sleep(0.2)
    return wrong or versions(job, node)


def storage(job: dict, node: str) -> str:
    """Whether this node sees the very folder that the app writes, its locks included."""
    root = Path(job["root"])
    if not signed(job):
        return f"The node {node} does not see {root}: give all nodes the same folder (FEWLABELS_RUNS)."
    if not Path(job["code"]).is_dir() or not Path(job["path"]).is_dir():
        return f"The node {node} does not see {job['path']}, which lies in {root}: give all nodes the same folder."
    if not held(root / ".jobs" / "supervisor.lock"):
        return f"The node {node} sees {root} without its file locks: keep runs where locks hold for all nodes (NFS 4)."
    return ""


def signed(job: dict) -> bool:
    """Whether what lies at the path of the runs folder is the app's own, by the name in it."""
    try:
        return (Path(job["root"]) / ".jobs" / "cluster-name").read_text() == job["name"]
    except OSError:
        return False


def versions(job: dict, node: str) -> str:
    """Whether this node computes with what the app was written for and would compute with."""
    for name, wanted in job["versions"].items():
        here = version(name)
        if here != wanted:
            has = f"has {name} {here}" if here else f"has no {name}"
            return f"The node {node} {has} and this app {wanted}: install {name} {wanted} there (requirements.lock)."
    return ""


def version(name: str) -> str:
    """The version of a package, or of Python, without what it was built for ("+cu128")."""
    if name == "Python":
        return ".".join(platform.python_version_tuple()[:2])
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return ""


def environment(job: dict, node: str) -> dict[str, str]:
    """What the process is told: this node's own settings, else the app's, and what it was given."""
    env = {**job["env"], **{k: v for k, v in os.environ.items() if k not in SETTLED}, **job["settled"]}
    env |= {NODE: node, "FEWLABELS_FETCH": "1"}
    if "FEWLABELS_CACHE" not in os.environ:  # the app's, if this node sees it, else its own
        shared = job["cache"] if Path(job["cache"]).is_dir() and os.access(job["cache"], os.W_OK) else ""
        env |= {"FEWLABELS_CACHE": shared or str(Path("~/.cache/few-labels").expanduser())}
    return env


def note(folder: Path, **what: object) -> None:
    """Keep in the run's folder where it is; what was noted before stays."""
    path = folder / "node.json"
    try:
        kept = json.loads(path.read_text()) if path.exists() else {}
        draft = folder / f".node.json.{os.getpid()}.draft"
        draft.write_text(json.dumps({**kept, **what}) + "\n")
        draft.replace(path)
    except (OSError, ValueError):
        pass  # it is only said


def device() -> str:
    """What Ray gave to this process, in words."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    program = shutil.which("nvidia-smi")
    if not seen or seen == "-1":
        return "CPU"
    if program:
        query = [program, "-i", seen.split(",")[0], "--query-gpu=name", "--format=csv,noheader"]
        try:
            done = subprocess.run(query, capture_output=True, text=True, timeout=5, check=True)
            return done.stdout.strip().splitlines()[0]
        except (OSError, subprocess.SubprocessError, IndexError):
            pass
    return f"GPU {seen}"


def node_id() -> str:
    import ray

    return ray.get_runtime_context().get_node_id()
