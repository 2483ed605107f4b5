"""One analysis of a run, as a process of a node: `python -m models.jobs.cluster.analysis REQUEST`, a JSON object."""

import json
import os
import sys

from models.jobs.mapper import NICE, attempt
from models.jobs.processes import step_back

if __name__ == "__main__":
    step_back(NICE)
    failure = attempt(json.loads(sys.argv[1]))
    print(json.dumps({"failure": failure}), flush=True)
    os._exit(0)  # numba and umap take their time to leave
