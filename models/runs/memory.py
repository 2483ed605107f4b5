"""What to try when a run's memory ran out: the same with half as many images a step."""

from models import MODELS
from models.runs.run import Run
from models.runs.store import Folder

# In what is said of such an end: models/training/worker.py, models/jobs/supervisor.py.
SAID = ("ran out of memory", "memory ran out")


def smaller(folder: Folder) -> Run | None:
    """The run with the next smaller batch; None if it ended for another reason, or no smaller one can be begun."""
    run, status = folder.run, folder.status()
    if status["state"] not in ("failed", "lost") or not any(said in status["detail"] for said in SAID):
        return None
    half = run.settings.batch_u // 2
    if not half or run.parent or "batch_u" not in MODELS[run.model].reads:
        return None  # one that goes on from another run begins on that page, with its weights
    return run.with_custom({"batch_u": half})
