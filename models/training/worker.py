"""What a run's process does, whoever started it: the queue's children and the shell alike."""

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module

import data
from models import MODELS, environment
from models.errors import UserError
from models.nn.pretrained_weights import fetch as fetch_weights
from models.nn.pretrained_weights import why_not
from models.runs.files import sentence
from models.runs.run import Run
from models.runs.store import Folder
from models.training.stopping import StopRequest, heard_at_once

TRAIN = "models.training.loop:train"  # by name: whoever asks for states must not load torch

Train = Callable[..., Iterator[dict]]


def train_function() -> Train:
    """The generator of records that trains; FEWLABELS_TRAIN names another one ("module:function"), for the tests."""
    module, _, name = (environment.train_stand_in() or TRAIN).partition(":")
    return getattr(import_module(module), name)


def work(
    folder: Folder,
    on_record: Callable[[dict], None] | None = None,
    started: float | None = None,
    end: Callable[[], object] | None = None,
) -> str:
    """Train the run in `folder` from its checkpoint, or from the beginning, and return its final state.

    The state is "done", "stopped" or "failed" (then status.json has one sentence, log.txt the traceback). `on_record`
    sees each record after it is on disk. `end` ends this process: with it, a request to stop is heard in every phase,
    without it between two steps. Raises AlreadyRunning if another process has the run, StoreError if not even
    the final state can be written, and passes a KeyboardInterrupt on after writing "stopped".
    """
    lock = folder.lock()  # before anything else: from here on the run is known to live
    try:
        stop = StopRequest(folder.stop_requested)
        with heard_at_once(stop, folder, end):
            state, detail = attempt(folder, on_record, started, stop)
        folder.set_status(state, detail=detail, pid=None)
        folder.clear_stop()
        return state
    except KeyboardInterrupt:
        folder.set_status("stopped", detail="Interrupted from the keyboard.", pid=None)
        raise
    finally:
        os.close(lock)


def attempt(
    folder: Folder, on_record: Callable[[dict], None] | None, started: float | None, stop: StopRequest
) -> tuple[str, str]:
    """One try at the training: (final state, detail)."""
    log = log_to(folder)
    try:
        before = folder.written_status()
        folder.set_status("running", attempt=before["attempt"] + 1, pid=os.getpid())
        finished = False
        if environment.fetches():
            fetch(folder.run)
        for record in train_function()(folder.run, folder=folder, stop=stop, started=started):
            if record["kind"] == "start":
                # What a killed or stopped process recorded past its last checkpoint is about to be recorded again.
                folder.truncate_after(record["step"])
                stop.learning()
            folder.append(record)
            finished = record["kind"] == "result"
            if on_record:
                on_record(record)
        if finished:
            return "done", ""
        if stop():
            return "stopped", ""
        return "failed", "The training ended without a result."
    except Exception as e:  # the boundary of a run: whatever went wrong in it is this run's end and no one else's
        with suppress(OSError):  # a full disk cannot take the traceback either
            log.exception("The run %s failed.", folder.id)
        return "failed", explain(e, folder.run)
    finally:
        for handler in log.handlers[:]:
            log.removeHandler(handler)
            with suppress(OSError):
                handler.close()


def fetch(run: Run) -> None:
    """Have here what the run is made of. Raises DataError."""
    if data.availability(run.dataset) == "absent":
        data.fetch(run.dataset, lambda done, what: None)
    if why_not(MODELS[run.model].backbone):
        fetch_weights(MODELS[run.model].backbone, lambda done, what: None)


def log_to(folder: Folder) -> logging.Logger:
    """A logger that writes to the run's log.txt and nowhere else."""
    log = logging.Logger(f"run {folder.id}")  # its own, not the registry's: no other part of the process configures it
    with suppress(OSError):
        handler = logging.FileHandler(folder.path / "log.txt", encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(handler)
    return log


def explain(e: Exception, run: Run | None = None) -> str:
    """One sentence for the page; the traceback is in log.txt."""
    if isinstance(e, UserError):
        return str(e)
    if isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT):
        return sentence(e, e.filename or "this run")
    if isinstance(e, MemoryError) or "out of memory" in str(e).lower() or "can't allocate memory" in str(e):
        ran_out = "The GPU" if "cuda" in str(e).lower() else "The machine"
        smaller = run.settings.batch_u // 2 if run else 0
        fewer = f"a smaller batch (batch_u={smaller} among the custom settings)" if smaller else "a smaller model"
        return f"{ran_out} ran out of memory. Let fewer runs train at once, or choose {fewer} or a smaller data set."
    first = str(e).strip().partition("\n")[0]
    return f"It ended with an error ({type(e).__name__}{': ' + first[:200] if first else ''}); log.txt has the details."
