"""A request to stop is heard in every phase of a run, not only between two steps.

Importing torch, fitting an SVM or evaluating ten thousand images takes seconds in which nobody asks. In these phases
all that was learned is on disk already, or there is nothing yet: the run's process may end there and then, which a
thread sees to. While steps learn what is not on disk, only the loop itself may end the run.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from models.errors import StoreError
from models.runs.store import Folder

LOOK = 0.1  # seconds between two looks for a request
PATIENCE = 0.6  # seconds in which the loop may come to its own next look
STARTING = "Stopped while it was starting."


class StopRequest:
    """Whether a run was asked to stop, and what to say if its process ended now; None while that would lose something.

    Called, it answers as the function it is made of, so a function stands in for it wherever nobody else listens.
    """

    def __init__(self, asked: Callable[[], bool]) -> None:
        self.asked = asked
        self.lock = threading.Lock()  # who has it may rely on `ending`
        self.ending: str | None = STARTING

    def __call__(self) -> bool:
        return self.asked()

    def learning(self) -> None:
        """From now on steps learn what is not on disk."""
        with self.lock:
            self.ending = None

    @contextmanager
    def nothing_to_lose(self, ending: str) -> Iterator[None]:
        """A phase that begins with all on disk. `ending`: the sentence for a run that is ended in it."""
        with self.lock:
            self.ending = ending
        try:
            yield
        finally:
            self.learning()


@contextmanager
def heard_at_once(stop: StopRequest, folder: Folder, end: Callable[[], object] | None) -> Iterator[None]:
    """Listen for a request as long as the block lasts. `end` ends this process; without it nothing is done."""
    if end is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=listen, args=(stop, folder, end, over), name="listens for a stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def listen(stop: StopRequest, folder: Folder, end: Callable[[], object], over: threading.Event) -> None:
    since = None
    while not over.wait(LOOK):
        if not stop():
            since = None
            continue
        if since is None:
            since = time.monotonic()
            folder.hear_stop()
        if time.monotonic() - since < PATIENCE:
            continue
        with stop.lock:
            if stop.ending is None or over.is_set():
                continue
            with suppress(StoreError):  # on a full disk the supervisor says how it ended
                folder.set_status("stopped", detail=stop.ending, pid=None)
                folder.clear_stop()
            for draft in folder.path.rglob(f".*.{os.getpid()}.*"):  # as models/runs/files.py names them
                draft.unlink(missing_ok=True)
            end()
            return
