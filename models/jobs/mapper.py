"""The process that computes what takes longer than a blink, one at a time: UMAPs, how well a space separates, the codes
of a whole data set. It imports umap once (slow, cold) and stays warm for a while.
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

MAKE = {
    "umap": "models.latents:make_map",
    "film": "models.latents:make_film",
    "separation": "models.separation:make",
}
MAKE_WHOLE = "models.whole:make"
NICE = 10  # behind the runs
IDLE = 600.0  # seconds


def map_function(method: str = "umap") -> Callable[..., object]:
    """What makes a map of this kind, of (path, which, epoch); or what FEWLABELS_MAKE_MAP names, for the tests."""
    return function(os.environ.get("FEWLABELS_MAKE_MAP") or MAKE[method])


def whole_function() -> Callable[..., object]:
    """make(path, epoch), or what FEWLABELS_MAKE_WHOLE names, for the tests."""
    return function(os.environ.get("FEWLABELS_MAKE_WHOLE") or MAKE_WHOLE)


def function(path: str) -> Callable[..., object]:
    """What "module:function" names."""
    module, _, name = path.partition(":")
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
    """Make one map, or encode one data set; the sentence that says why it cannot be done, or None."""
    try:
        if message["method"] == "whole":
            whole_function()(message["path"], message["epoch"])
        else:
            map_function(message["method"])(message["path"], message["which"], message["epoch"])
    except Exception as e:  # one map that fails must not take the process from the next
        logging.exception("What was asked for could not be made: %s", message)
        return explain(e).replace("log.txt", "the supervisor's log")
    return None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(int(sys.argv[1]))
    os._exit(0)  # numba and umap take their time to leave
