"""`table` and `record`: train what is missing of many runs, then print or keep what they gave."""

import argparse
import json
from dataclasses import replace as changed
from pathlib import Path

import data
from models import BASELINE, MODELS, environment
from models.errors import RunError
from models.nn.pretrained_weights import why_not
from models.nn.settings import read_all
from models.results.outcome import cell_of
from models.runs import parts
from models.runs.parts import PARTS, named
from models.runs.run import Run, on_backbone, one_of, whole
from models.runs.store import root, runs
from models.shell import training
from models.shell.output import STOPPED, say


def table(args: argparse.Namespace) -> int:
    """Train what is missing, then print and keep the table, whatever became of the training."""
    from models.results import measures, minutes
    from models.results import table as tables

    where = (args.runs or root()).absolute()
    minutes.check(args.minutes, None)
    if args.minutes is not None and (environment.cluster() or args.reference or args.no_train):
        raise RunError("--minutes measures and trains on this machine, and its figures are of no preset. Leave out "
                       "--cluster, --reference and --no-train.")  # fmt: skip
    whole("seeds", args.seeds, at_least=1)
    for dataset in args.dataset or ():
        one_of("data set", dataset, data.DATASETS)
    datasets = args.dataset or [d for d in data.IMAGE_SETS if data.availability(d) != "absent"]
    models = [on_backbone(model, args.on) for model in args.models or ([BASELINE] if args.on else [])]
    asked = [([d], models or tables.models_of(d), args.labels, args.seeds, args.preset) for d in datasets]
    wanted = [changed(run, device=args.device, threads=args.threads) for a in asked for run in tables.wanted(*a)]
    if args.custom or any(getattr(args, part.name) for part in PARTS):
        return with_changes(args, wanted, where)
    known, shelf = tables.REFERENCE if args.reference else None, None
    if args.minutes is not None:
        wanted = minutes.of_table(wanted, args.minutes, where, say)
        shelf = tables.Shelf(where, None, {cell_of(run): run.epochs for run in wanted})
    lacking = [] if args.no_train else tables.lacking(wanted, shelf or where, known)
    left_out = []
    for model in dict.fromkeys(run.model for run in lacking):
        why = "" if environment.cluster() else why_not(MODELS[model].backbone)
        if why:  # must not leave failed runs behind
            say(why)
            lacking = [run for run in lacking if run.model != model]
            left_out += [f"{model} was left out."] if args.models else []  # a failure for who named it
    failures, stopped = training.train(lacking, len(wanted), where)
    failures = left_out + failures

    if shelf:  # as it is now
        shelf = tables.Shelf(where, None, {cell_of(run): run.epochs for run in wanted})
        say(f"Each run had the epochs that fit into {args.minutes:g} minutes here.")
    rows = [row for a in asked for row in tables.rows(*a, shelf or where, tables.REFERENCE)]
    if args.json:
        measured = [{"measured": measures.as_json(row, where)} for row in rows]
        print(json.dumps([row | more for row, more in zip(tables.as_json(rows), measured, strict=True)]))
    else:
        print("\n\n".join(filter(None, (tables.text(rows).rstrip(), measures.text(rows, where)))))
    for trouble in (*tables.problems(tables.REFERENCE), *failures):
        say(trouble)
    if not args.no_train and not shelf:
        tables.keep(rows, where)  # after it was printed: a full disk must not hide it
    if args.reference:
        tables.keep_as_reference(rows, where, tables.REFERENCE, tables.README)
    if stopped:
        say(STOPPED)
    return training.code(failures, stopped)


def with_changes(args: argparse.Namespace, wanted: list[Run], where: Path) -> int:
    """The same of runs whose settings somebody chose: no reference figure is of such a run, nor is a table kept."""
    from models.results import ablation, minutes
    from models.results import table as tables

    if args.reference:
        raise RunError("--reference keeps the figures of presets as they are: leave out --set and the parts.")
    custom, made, left_out = read_all(args.custom), [], {}
    for run in wanted:
        usual = MODELS[run.model].settings(data.DATASETS[run.dataset], run.preset)
        try:
            own = custom | parts.asked(args, MODELS[run.model], usual)
            made.append(Run.make(run.dataset, run.model, run.labels, run.seed, preset=run.preset, custom=own))
        except RunError as e:
            left_out[run.model] = str(e)
            if args.models:
                raise
    if left_out:
        titles = ", ".join(MODELS[model].title for model in left_out)
        say(f"Left out, for they do not use what was set: {titles}.")
    if args.minutes is not None:
        made = minutes.of_table(made, args.minutes, where, say)
    lacking = [] if args.no_train else [run for run in made if run not in ablation.outcomes(made, runs(where))]
    failures, stopped = training.train(lacking, len(made), where)
    reached, rows = ablation.outcomes(made, runs(where)), []
    for run in dict.fromkeys(changed(run, seed=0) for run in made):
        of_seeds = [o for r in made if changed(r, seed=0) == run and (o := reached.get(r))]
        changes = named(run.without or ()) or run.changes.replace(" ", ", ")
        rows.append(tables.Row(*cell_of(run), outcomes=tuple(of_seeds), changes=changes))
    print(json.dumps(tables.as_json(rows)) if args.json else tables.text(rows).rstrip())
    for trouble in failures:
        say(trouble)
    if stopped:
        say(STOPPED)
    return training.code(failures, stopped)


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
