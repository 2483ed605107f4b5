"""The process that computes what takes longer than a blink, one at a time: UMAPs, how well a space separates, the codes
of a whole data set. It imports umap once (slow, cold) and stays warm for a while.
"""

import logging
import os
import select
import socket
import sys

from models import environment
from models.analysis import ANALYSES
from models.jobs.processes import Lines, end_with, step_back
from models.training.worker import explain

NICE = 10  # behind the runs


def main(fd: int) -> None:
    """Serve the supervisor at the other end of the socket `fd` until it goes away, or nothing is asked for long.

    In the middle of a UMAP, too: nobody waits for that one, and the next supervisor has it made again.
    """
    step_back(NICE)
    lines = Lines(socket.socket(fileno=fd))
    end_with(lines.sock)
    while select.select([lines.sock], [], [], environment.mapper_idle())[0]:
        messages, supervised = lines.receive()
        if not supervised:
            return
        for message in messages:
            lines.send({"failure": attempt(message)})


def attempt(message: dict) -> str | None:
    """Make what is asked for, one of `ANALYSES`; the sentence that says why it cannot be done, or None."""
    try:
        analysis = ANALYSES[message["method"]]
        of = () if analysis.of_dataset else (message["which"],)
        analysis.function()(message["path"], *of, message["epoch"])
    except Exception as e:  # one map that fails must not take the process from the next
        logging.exception("What was asked for could not be made: %s", message)
        return explain(e).replace("log.txt", "the supervisor's log")
    return None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main(int(sys.argv[1]))
    os._exit(0)  # numba and umap take their time to leave
