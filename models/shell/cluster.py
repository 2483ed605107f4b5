"""Training on a cluster from a shell: `--cluster` and `--gpus`, and what `train` does with them."""

import argparse
import json
import os
from collections.abc import Sequence

from models.errors import RunError
from models.runs.run import Run
from models.runs.store import root
from models.shell.output import REPORTED, STOPPED, say, sentence

CHOSEN = {"cluster": "FEWLABELS_CLUSTER", "gpus": "FEWLABELS_CLUSTER_GPUS"}  # by option, where the supervisor reads it


def options(command: argparse.ArgumentParser) -> None:
    where = f"train all at once on this Ray cluster, HOST:PORT or auto ({CHOSEN['cluster']})"
    command.add_argument("--cluster", metavar="ADDRESS", help=where)
    share = f"of a GPU for each run on the cluster: 0.25, 1, or 0 for CPUs alone ({CHOSEN['gpus']})"
    command.add_argument("--gpus", metavar="N", help=share)


def choose(args: argparse.Namespace) -> None:
    """Let the supervisor that this command may start know of the options."""
    for option, name in CHOSEN.items():
        if value := getattr(args, option, None):
            os.environ[name] = value


def refuse(args: argparse.Namespace) -> None:
    """Raises RunError if the run that is asked for is no new one."""
    if args.run is not None or args.given is not None:
        raise RunError("--cluster is for new runs: leave --continue and --given out, or continue it in the explorer.")


def train(wanted: Sequence[Run], args: argparse.Namespace) -> int:
    """Train all of `wanted` at once; called again, it waits for what is under way and repeats nothing."""
    from models.results import spread, train_missing

    where = (args.runs or root()).absolute()
    try:
        failures = spread.spread(wanted, where, say)
    except train_missing.Stopped:
        say(STOPPED)
        return 130
    for run in wanted:
        for result in [folder.result() for folder in spread.same(run, where)[:1] if folder.status()["state"] == "done"]:
            if result:
                print(json.dumps({k: result[k] for k in REPORTED if k in result}) if args.json else sentence(result))
    for trouble in failures:
        say(trouble)
    return 1 if failures else 0
