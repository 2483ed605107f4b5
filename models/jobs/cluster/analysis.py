"""One analysis of a run, as a process of a node: `python -m models.jobs.cluster.analysis REQUEST`, a JSON object."""

import json
import os
import sys

from models import environment
from models.analysis import ANALYSES
from models.errors import UserError
from models.jobs.mapper import NICE, attempt
from models.jobs.processes import step_back
from models.runs.store import Folder
from models.training.worker import fetch


def made(request: dict) -> str | None:
    """Make it, with the data set that it looks at fetched first; the sentence that says why not, or None."""
    try:
        if environment.fetches() and ANALYSES[request["method"]].of_dataset:
            fetch(Folder(request["path"]).run)
    except UserError as e:
        return str(e)
    return attempt(request)


if __name__ == "__main__":
    step_back(NICE)
    failure = made(json.loads(sys.argv[1]))
    print(json.dumps({"failure": failure}), flush=True)
    os._exit(0)  # numba and umap take their time to leave
