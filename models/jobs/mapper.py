"""The process that computes UMAPs and what else pages ask of a snapshot, one at a time.

It imports umap once (slow, cold) and stays warm for a while.
"""

import logging
import os
import select
import socket
import sys
from collections.abc import Callable
from importlib import import_module

from models.jobs.processes import Lines, step_back
from models.work import explain

MAKE = {"umap": "models.latents:make_map", "separation": "models.separation:make"}
NICE = 10  # behind the runs
IDLE = 600.0  # seconds


def map_function(method: str = "umap") -> Callable[..., object]:
    """What makes a map of this kind, of (path, which, epoch); or what FEWLABELS_MAKE_MAP names, for the tests."""
    module, _, name = (os.environ.get("FEWLABELS_MAKE_MAP") or MAKE[method]).partition(":")
    return getattr(import_module(module), name)


def main(fd: int) -> None:
    """Serve the supervisor at the other end of the socket `fd` until it goes away, or nothing is asked for long."""
    step_back(NICE)
    lines = Lines(socket.socket(fileno=fd))
    while select.select([lines.sock], [], [], float(os.environ.get("FEWLABELS_MAPPER_IDLE") or IDLE))[0]:
        messages, supervised = lines.receive()
        for message in messages:
            lines.send({"failure": attempt(message)})
        if not supervised:
            return


def attempt(message: dict) -> str | None:
    """Make one map; the sentence that says why it cannot be made, or None."""
    try:
        map_function(message.get("method", "umap"))(message["path"], message["which"], message["epoch"])
    except Exception as e:  # one map that fails must not take the process from the next
        logging.exception("The map %s could not be made.", message)
        return explain(e).replace("log.txt", "the supervisor's log")
    return None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(int(sys.argv[1]))
    os._exit(0)  # numba and umap take their time to leave
