"""`train`: one run, or those of a sweep, in this process or on a cluster."""

import argparse
import json
import os
import signal
import sys

import data
from models import MODELS
from models.errors import RunError
from models.jobs.placing import Machine
from models.jobs.processes import cores
from models.nn.pretrained_weights import why_not
from models.nn.settings import read_all
from models.results import minutes
from models.results.sweeps import runs_of
from models.runs import parts
from models.runs.annotation_file import read_given
from models.runs.finetune import continued, default_epochs
from models.runs.run import Run, on_backbone
from models.runs.store import Folder, root
from models.shell import cluster
from models.shell.folders import known
from models.shell.output import REPORTED, Bar, say, sentence


def train(args: argparse.Namespace, started: float) -> int:
    """Train in this process; the run folder is the same as a page's, so pages see it as it goes."""
    minutes.check(args.minutes, args.epochs)
    if args.minutes is not None and (args.cluster or args.run is not None):
        what = "of a cluster" if args.cluster else "that goes on"
        raise RunError(f"--minutes measures a new run on this machine, not one {what}. Name --epochs instead.")
    if args.cluster:
        cluster.refuse(args)
        wanted = new_run(args)
        return cluster.train(swept(wanted, args) if args.sweep else [wanted], args)
    if not args.sweep:
        return train_in(folder_for(args), args, started)
    for run in swept(run_for(args), args):  # all of them can be, or none begins
        if code := train_in(Folder.create(in_time(run, args), args.runs or root()), args, started):
            return code
    return 0


def swept(run: Run, args: argparse.Namespace) -> list[Run]:
    """The runs of a sweep around `run`. Raises RunError."""
    name, _, values = args.sweep.partition("=")
    typed = [value for value in values.split(";" if ";" in values else ",") if value.strip()]
    found = runs_of([run], name.strip(), typed)
    if not found:
        raise RunError(f"{args.sweep!r} names no values. Write a setting and its values, such as n_z=2,10,50.")
    return found


def train_in(folder: Folder, args: argparse.Namespace, started: float) -> int:
    """Train the run in `folder`."""
    run, machine = folder.run, Machine(cores(), load=os.getloadavg()[0])
    if not run.threads:
        place = machine.place(run, folder.threads, ())
        folder.keep_threads(place.threads if place else 1)
    os.environ["OMP_NUM_THREADS"] = str(run.threads or folder.threads)

    def ask_to_stop(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)  # a second Ctrl-C does not wait
        folder.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):  # SIGTERM: what a scheduler or a closing terminal sends
        signal.signal(number, ask_to_stop)
    from models.training.worker import work  # after the environment is set

    with Bar(folder.run) as bar:
        state = work(folder, on_record=bar.show, started=started)
    result = folder.result()
    if state == "failed":
        print(folder.status()["detail"], file=sys.stderr)
        return 1
    if state != "done" or result is None:
        print(f"Stopped. Continue with: python -m models train --continue {folder.id}", file=sys.stderr)
        return 130
    if args.json:
        print(json.dumps({k: result[k] for k in REPORTED if k in result}))
    else:
        print(sentence(result))
    return 0


def folder_for(args: argparse.Namespace) -> Folder:
    """A new run folder, or the one to continue. Raises RunError or StoreError."""
    if args.run is None:
        if args.given is not None:
            raise RunError(f"{args.given} holds labels for a run to go on with: name that run with --continue.")
        return Folder.create(in_time(run_for(args), args), args.runs or root())
    folder = known(args)
    if args.given is not None:
        labels = read_given(args.given, folder.run.dataset, args.by)
        run = continued(folder, labels, args.epochs or default_epochs(folder.run))
        return Folder.create(run, folder.path.parent)
    if folder.status()["state"] == "done":  # to train it again would count its seconds twice
        raise RunError(f"{folder.id} is finished: all its {folder.run.epochs} epochs are done. Continue another run, "
                       "or give this one labels with --given.")  # fmt: skip
    refuse_what_is_kept(args, folder.run)
    folder.clear_stop()
    return folder


def new_run(args: argparse.Namespace) -> Run:
    """The new run that is asked for. Raises RunError."""
    model = on_backbone(args.model, args.on)
    run = Run.make(args.dataset, model, args.labels, args.seed, args.epochs, args.preset, args.device,
                    args.threads, args.validation, read_all(args.custom))  # fmt: skip
    usual = MODELS[run.model].settings(data.DATASETS[run.dataset], run.preset)
    return run.with_custom(parts.asked(args, MODELS[run.model], usual))


def in_time(run: Run, args: argparse.Namespace) -> Run:
    """The run with the epochs that fit into --minutes, if these are asked for. Raises RunError."""
    if args.minutes is None:
        return run
    run, says = minutes.in_time(run, args.minutes)
    say(says)
    return run


def run_for(args: argparse.Namespace) -> Run:
    """The new run that is asked for, if it can be trained here. Raises RunError or DataError."""
    run = new_run(args)
    data.load(run.dataset)  # a data set that is not there must not leave a failed run behind
    if why := why_not(MODELS[run.model].backbone):  # nor weights that are not
        raise data.DataError(why)
    if run.device not in ("auto", "cpu"):  # nor a device that is not
        from models.nn.device import pick

        pick(run.device)
    return run


def refuse_what_is_kept(args: argparse.Namespace, run: Run) -> None:
    """A stopped run goes on for the epochs it was made for; say so instead of passing another number over."""
    if args.epochs not in (None, run.epochs):
        raise RunError(f"The run to continue is for {run.epochs} epochs and stays so: --epochs {args.epochs} cannot "
                       "change it. Leave --epochs out, or begin a new run.")  # fmt: skip
