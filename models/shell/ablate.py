"""`ablate`: a method, the same without each of its parts, and labels only, over the same seeds."""

import argparse
import json
from dataclasses import asdict

import data
from models import MODELS
from models.nn.pretrained_weights import why_not
from models.nn.settings import read_all
from models.results import ablation, table
from models.results.ablation import Version
from models.runs import parts
from models.runs.run import Run, on_backbone
from models.runs.store import root, runs
from models.shell import training
from models.shell.output import STOPPED, say


def ablate(args: argparse.Namespace) -> int:
    """Train what is missing, the same seed of all versions before the next one, and print what there is."""
    where = (args.runs or root()).absolute()
    model = on_backbone(args.model, args.on)
    custom = read_all(args.custom)
    run = Run.make(args.dataset, model, args.labels, 0, args.epochs, args.preset, args.device, args.threads,
                   args.validation, custom)  # fmt: skip
    usual = MODELS[model].settings(data.DATASETS[run.dataset], run.preset)
    run = run.with_custom(parts.asked(args, MODELS[model], usual))
    if why := why_not(MODELS[model].backbone):
        raise data.DataError(why)
    found = ablation.filled(ablation.versions(run, args.seeds), runs(where))
    lacking = [] if args.no_train else missing(found)
    failures, stopped = training.train(lacking, sum(len(v.runs) for v in found), where)
    if lacking:
        found = ablation.filled(found, runs(where))
    print(json.dumps([as_json(v) for v in found]) if args.json else text(run, found))
    for trouble in failures:
        say(trouble)
    if stopped:
        say(STOPPED)
    return training.code(failures, stopped)


def missing(found: list[Version]) -> list[Run]:
    """The runs that have no outcome, seed by seed."""
    left = [run for v in found for run in v.runs if run.seed not in {o.seed for o in v.outcomes}]
    return sorted(left, key=lambda run: run.seed)


def text(run: Run, found: list[Version]) -> str:
    """What was compared, and a table: one line a version."""
    spec = data.DATASETS[run.dataset]
    on = f"{run.validation} validation {spec.noun()}" if run.validation else "the test set"
    changes = f", {run.changes}" if run.custom else ""
    head = f"{spec.title}, {run.labels} labels, `{run.preset}` preset{changes}, accuracy on {on}:"
    whole = found[0]
    lines = []
    for v in found:
        mean = "not trained yet" if v.mean is None else table.number(v.mean)
        spread = "" if v.sd is None else f" ± {table.number(v.sd)}"
        apart = "" if v is whole or v.mean is None or whole.mean is None else f"{100 * (v.mean - whole.mean):+.1f}"
        seconds = "" if v.seconds is None else f"{v.seconds:.0f}"
        lines.append([v.title, mean + spread, apart, str(len(v.outcomes)), str(v.runs[0].epochs), seconds])
    header = ["Version", "Mean ± sd", "Points more", "Seeds", "Epochs", "Seconds a run"]
    said = [head, table.columns(header, lines)]
    if any(not v.runs[0].settings.auxiliary for v in found):
        said.append(f"{MODELS[run.model].title} without its auxiliary variable is M2 with q(z|x,y).")
    return "\n\n".join(said)


def as_json(v: Version) -> dict:
    return {
        "version": v.title, "without": [part.name for part in v.without], "settings": v.runs[0].changes,
        "model": v.runs[0].model, "epochs": v.runs[0].epochs, "validation": v.runs[0].validation,
        "mean": v.mean, "sd": v.sd, "seconds": v.seconds, "outcomes": [asdict(o) for o in v.outcomes],
    }  # fmt: skip
