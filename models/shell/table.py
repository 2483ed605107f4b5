"""`table` and `record`: train what is missing of many runs, then print or keep what they gave."""

import argparse
import json
from dataclasses import replace as changed

import data
from models import BASELINE, MODELS, environment
from models.errors import RunError
from models.nn.pretrained_weights import why_not
from models.runs.run import on_backbone, one_of, whole
from models.runs.store import root
from models.shell.output import STOPPED, say


def table(args: argparse.Namespace) -> int:
    """Train what is missing, then print and keep the table, whatever became of the training."""
    from models.results import measures, spread, train_missing
    from models.results import table as tables

    where = (args.runs or root()).absolute()
    whole("seeds", args.seeds, at_least=1)
    for dataset in args.dataset or ():
        one_of("data set", dataset, data.DATASETS)
    datasets = args.dataset or [d for d in data.IMAGE_SETS if data.availability(d) != "absent"]
    models = [on_backbone(model, args.on) for model in args.models or ([BASELINE] if args.on else [])]
    asked = [([d], models or tables.models_of(d), args.labels, args.seeds, args.preset) for d in datasets]
    wanted = [changed(run, device=args.device, threads=args.threads) for a in asked for run in tables.wanted(*a)]
    known = tables.REFERENCE if args.reference else None
    lacking = [] if args.no_train else tables.lacking(wanted, where, known)
    failures, stopped = [], False
    for model in dict.fromkeys(run.model for run in lacking):
        why = "" if environment.cluster() else why_not(MODELS[model].backbone)
        if why:  # must not leave failed runs behind
            say(why)
            lacking = [run for run in lacking if run.model != model]
            failures += [f"{model} was left out."] if args.models else []  # a failure for who named it
    if lacking:
        say(f"{len(lacking)} of {len(wanted)} runs are not finished; they take {train_missing.length(lacking, where)}.")
        try:
            fill = spread.spread if environment.cluster() else train_missing.fill
            failures += fill(lacking, where, say)
        except train_missing.Stopped as e:
            failures, stopped = failures + e.failures, True

    rows = [row for a in asked for row in tables.rows(*a, where, tables.REFERENCE)]
    print(json.dumps(tables.as_json(rows)) if args.json else tables.text(rows).rstrip())
    if not args.json and (more := measures.text(rows, where)):
        print(f"\n{more}")
    for trouble in (*tables.problems(tables.REFERENCE), *failures):
        say(trouble)
    if not args.no_train:
        tables.keep(rows, where)  # after it was printed: a full disk must not hide it
    if args.reference:
        tables.keep_as_reference(rows, where, tables.REFERENCE, tables.README)
    if stopped:
        say(STOPPED)
    return 130 if stopped else 1 if failures else 0


def record(args: argparse.Namespace) -> int:
    """Train what is missing, then write each run's recording; or those of the plane's sessions."""
    if args.plane:
        from models.results import plane_recordings

        if args.dataset or args.models or args.labels:
            raise RunError("--plane records every figure as it comes. Leave out --dataset, --models and --labels.")
        plane_recordings.record(plane_recordings.wanted(), say)
        return 0
    from models.results import recordings, train_missing

    dataset = args.dataset or "digits"
    one_of("data set", dataset, recordings.BUDGETS)
    for model in args.models or ():
        one_of("model", model, recordings.learners())
    wanted = list(recordings.wanted(dataset, args.labels, args.models))
    try:
        failures = recordings.record(wanted, (args.runs or root()).absolute(), say)
    except train_missing.Stopped:
        say(STOPPED)
        return 130
    for trouble in failures:
        say(trouble)
    return 1 if failures else 0
