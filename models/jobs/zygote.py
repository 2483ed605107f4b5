"""The warm process: it has imported torch, does nothing else, and forks one process a run (0.1 s instead of 2).

It must never compute: a thread pool or a CUDA context does not survive a fork, and children would hang or fail. It
therefore asserts that it has one thread before each fork.
"""

import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

from models import MODELS, environment, load_class
from models.jobs.child import leave
from models.jobs.processes import Lines, drain, end_with, reap, step_back, wake_on
from models.training.worker import train_function


def main(fd: int) -> None:
    """Serve the supervisor at the other end of the socket `fd` until it goes away."""
    step_back()
    lines = Lines(socket.socket(fileno=fd))
    end_with(lines.sock)  # while it imports, too; the runs go on
    wake = wake_on(signal.SIGCHLD)
    try:
        import_all()
    except Exception as e:
        lines.send({"broken": f"{type(e).__name__}: {e}"})
        raise
    gc.collect()
    gc.freeze()  # what is imported is never collected, so its pages stay shared with the children
    lines.send({"ready": True, "gpus": gpus()})
    while True:
        select.select([lines.sock, wake], [], [])
        drain(wake)
        messages, supervised = lines.receive()
        if not supervised:
            os._exit(0)  # the runs go on; the next supervisor finds them by their locks
        for message in messages:
            if threads() != 1:
                lines.send({"broken": f"The warm process has {threads()} threads; it must only import."})
                os._exit(1)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                lines.sock.close()
                wake.close()
                os.environ.update(message["env"])  # which GPU it sees; read when CUDA begins
                if "parts" in message:
                    play(message["path"], message["part"], message["parts"])
                leave(message["path"], message["threads"])
            lines.send({"forked": message["id"], "pid": pid})
        for pid, code in reap():
            lines.send({"ended": pid, "code": code})


def import_all() -> None:
    """What every run imports sooner or later. Not umap: it starts threads."""
    train_function()
    if environment.train_stand_in():
        return  # a stand-in brings along what it needs
    for name in MODELS:
        load_class(name)
    import_module("models.plane.player")
    import_module("torch._dynamo")  # the first optimizer of a process imports it, which takes a second
    with without("pandas"):  # scikit-learn asks for it where it is, and its pyarrow starts a thread
        import_module("sklearn.svm")
        import_module("sklearn.model_selection")


def play(path: str, part: int, parts: int) -> None:
    """Be the process of a session in the plane."""
    import_module("models.plane.player").leave(path, part, parts)


@contextmanager
def without(package: str) -> Iterator[None]:
    """As if `package` were not installed; who asks for it afterwards gets it."""
    if package in sys.modules:
        yield
        return
    sys.modules.update({package: cast(ModuleType, None)})  # what `import` takes for "not there"
    try:
        yield
    finally:
        del sys.modules[package]


def gpus() -> int:
    """How many GPUs torch can use. Asking starts no CUDA (PYTORCH_NVML_BASED_CUDA_CHECK), so that children can."""
    torch = sys.modules.get("torch")  # a stand-in for the training may do without
    return torch.cuda.device_count() if torch and torch.cuda.is_available() else 0


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
