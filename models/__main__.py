"""The explorer's runs from a shell: `python -m models train ...`, `table`, `list`, `delete`, `export` and others."""

import time

STARTED = time.time()  # before anything heavy is imported: the seconds of a run count from here

import argparse  # noqa: E402
import codecs  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import replace as changed  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, NoReturn, cast  # noqa: E402

import data  # noqa: E402
from data.fetching import print_progress  # noqa: E402
from models import MODELS, environment  # noqa: E402
from models.errors import RunError, StoreError, UserError  # noqa: E402
from models.jobs.placing import Machine  # noqa: E402
from models.jobs.processes import cores  # noqa: E402
from models.methods.presets import PRESETS  # noqa: E402
from models.nn.pretrained_weights import WEIGHTS, why_not  # noqa: E402
from models.nn.pretrained_weights import fetch as fetch_weights  # noqa: E402
from models.nn.settings import read_all  # noqa: E402
from models.results.sweeps import runs_of  # noqa: E402
from models.runs import aside  # noqa: E402
from models.runs.annotation_file import read_given  # noqa: E402
from models.runs.finetune import continued, default_epochs  # noqa: E402
from models.runs.naming import named  # noqa: E402
from models.runs.run import DEVICES, Run, one_of, whole  # noqa: E402
from models.runs.store import (  # noqa: E402
    Folder,
    damaged,
    delete,
    deleted,
    open_folder,
    restore,
    root,
    runs,
    version,
)

DESCRIPTION = "Train, list and exchange runs of semi-supervised generative models, fill a table of results, fetch data."
TABLE = """
Fill a table of results: train what is missing, one run after the other, and print accuracy (mean and standard deviation
over the seeds), what was published, and the labels-only baseline. A run that ended early is continued in its own
folder, whoever began it; one that the explorer or another shell has under way is waited for, not trained twice. Ctrl-C
lets the run in hand save what it has learned: call the same command again to go on. The table is kept as table.json
among the runs. Of several runs of one seed the newest counts, and only runs with today's settings of the preset do.
"""
RECORD = """
Record the runs that Start shows before anything is trained: seed 0, one thread, the presets of every run. What is
missing among the runs is trained first, then the UMAP of each epoch is laid out: about 90 s a run on the digits. Those
with 20 labels are also kept whole, in docs/examples: what pages show as long as there is no run. The images that maps
show of a data set that does not come with Few Labels are kept beside the recordings, once.
"""
EXPORT = """
Write a run as one zip of JSON, safetensors and PNG, which `import` brings in elsewhere. With --codes its codes instead:
`parquet` with images and classes for embedding-atlas and Hugging Face datasets; `projector`, a zip with tensors.tsv,
metadata.tsv, sprite.png and projector_config.json, for the Embedding Projector.
"""
STOPPED = "Stopped; what was learned is kept. Call the same command again to go on."
REPORTED = (
    "run", "model", "dataset", "labels", "given", "parent", "seed", "epochs", "preset", "test_accuracy",
    "labelled_accuracy", "raw_pixel_svm_accuracy", "seconds", "seconds_per_epoch", "images_per_second", "device",
    "threads", "parameters", "evaluated_on",
)  # fmt: skip
THREADS = "CPU threads; 0: as many as the machine gives, or one while one is faster"


EXIT_CODES = """
Exit codes: 0 done; 1 something went wrong (a failed run, a damaged or missing file); 2 what was asked for cannot be, in
one sentence on stderr; 130 stopped by Ctrl-C or SIGTERM, what was learned is kept.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence and exit 2; argparse would print the whole usage before it."""
        sentence = message[:1].upper() + message[1:]
        self.exit(2, f"{sentence.rstrip('.')}. Try `{self.prog} --help`.\n")


def parser() -> Parser:
    top = Parser(prog="python -m models", description=DESCRIPTION, epilog=EXIT_CODES)
    top.add_argument("--version", action="version", version=f"Few Labels {version()}")
    commands = top.add_subparsers(
        dest="command",
        required=True,
        metavar="train|table|record|list|rename|delete|restore|export|import|fetch|completion",
    )

    train = commands.add_parser("train", help="train one model, here and now")
    train.add_argument("--dataset", default="digits", help=", ".join(data.DATASETS))
    train.add_argument("--model", default="m2", help=", ".join(MODELS))
    train.add_argument("--labels", type=int, help="labelled images in all, a multiple of the number of classes")
    train.add_argument("--epochs", type=int, help="passes over the unlabelled images")
    train.add_argument("--seed", type=int, default=0, help="draws the split, the initial weights and the batches")
    train.add_argument("--preset", default="tuned", help=", ".join(PRESETS))
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="custom",
                       help="a setting in place of the preset's: n_z=2; may be said several times")  # fmt: skip
    train.add_argument("--sweep", metavar="NAME=VALUES",
                       help="a run for each value of one setting, one after the other: n_z=2,10,50")  # fmt: skip
    train.add_argument("--device", default="auto", help=", ".join(DEVICES))
    train.add_argument("--threads", type=int, default=0, help=THREADS)
    cluster_options(train)
    train.add_argument("--validation", type=int, default=0, metavar="N",
                       help="evaluate on N held-out training images instead of the test set")  # fmt: skip
    train.add_argument(
        "--continue", dest="run", metavar="RUN", help="continue a run that was stopped; all else is kept"
    )
    train.add_argument("--given", type=Path, metavar="FILE",
                       help="with --continue: go on as a new run that has these labels beside its own, for --epochs "
                       "more; JSON [[image, class], ...] or CSV image,class")  # fmt: skip
    train.add_argument("--by", default="", metavar="NAME", help="who gave those labels; anonymous")

    table = commands.add_parser("table", help="train what a table of results lacks, and print it", description=TABLE)
    table.add_argument("--dataset", type=names, metavar="NAMES", help="separated by commas; all that are here")
    table.add_argument("--models", type=names, metavar="NAMES", help="separated by commas; all that suit the data set")
    table.add_argument(
        "--labels", type=counts, metavar="N", help="one number, or several for a budget curve: 10,100,1000"
    )
    table.add_argument("--seeds", type=int, default=3, metavar="N", help="how many seeds, from 0 on; 3")
    table.add_argument("--preset", default="tuned", help=", ".join(PRESETS))
    table.add_argument("--device", default="auto", help=", ".join(DEVICES))
    table.add_argument("--threads", type=int, default=0, help=THREADS)
    cluster_options(table)
    table.add_argument("--no-train", action="store_true", help="only print what there is")
    table.add_argument("--reference", action="store_true",
                       help="keep the figures in docs/results and README.md; train only what lacks there")  # fmt: skip

    record = commands.add_parser("record", help="record the runs that Start shows, into docs/recordings",
                                 description=RECORD)  # fmt: skip
    record.add_argument("--dataset", default="digits", help="a data set that is recorded: digits, mnist; digits")
    record.add_argument("--models", type=names, metavar="NAMES", help="separated by commas; all that learn")
    record.add_argument("--labels", type=counts, metavar="N", help="one number, or several: 20,100; all that are shown")

    listing = commands.add_parser("list", help="the runs there are, newest first")
    rename = commands.add_parser("rename", help="give a run a name and tags; its id stays")
    rename.add_argument("run", metavar="RUN", help="which; `list` shows what there is")
    rename.add_argument("name", metavar="NAME", nargs="?", help='the name; "" for none; left out, it stays')
    rename.add_argument("--tag", action="append", metavar="TAG", help="a tag, any number of times, in place of those "
                        'that it has; --tag "" for none')  # fmt: skip
    remove = commands.add_parser("delete", help="delete runs that do not go on, damaged ones too")
    remove.add_argument("run", metavar="RUN", nargs="+", help="which; `list` shows what there is")
    remove.add_argument("--now", action="store_true", help="make room at once: `restore` cannot bring them back")
    restore = commands.add_parser("restore", help=f"bring back runs that were deleted, for {aside.MINUTES}")
    restore.add_argument("run", metavar="RUN", nargs="*", help="which; none: list those that can be brought back")
    export = commands.add_parser("export", help="write a run as one zip file, or its codes for other programs",
                                 description=EXPORT)  # fmt: skip
    export.add_argument("run", metavar="RUN", help="which; `list` shows what there is")
    export.add_argument("file", metavar="FILE", help="where to, a new file; or a folder, for RUN.zip in it")
    export.add_argument("--small", action="store_true", help="leave out what it takes to train on, most of its size")
    export.add_argument("--codes", metavar="FORMAT", help="the codes of its latest snapshot: parquet, projector")
    export.add_argument("--space", metavar="NAME", help="with --codes: z or a; the first that the run has")
    bring = commands.add_parser("import", help="bring such a file into the runs folder")
    bring.add_argument("file", type=Path, metavar="FILE.zip", help="what `export` or the explorer wrote")
    fetch = commands.add_parser("fetch", help="download and decode a data set, or the weights that a model stands on")
    fetch.add_argument("dataset", metavar="NAME", help=", ".join([*data.DATASETS, *WEIGHTS]))
    completion = commands.add_parser("completion", help="print a script that completes these commands in a shell")
    completion.add_argument("shell", choices=("bash", "zsh"), help="source what it prints")
    for command in (train, table, record, listing, rename, remove, restore, export, bring):
        command.add_argument(
            "--runs", type=Path, metavar="DIR", help="where runs are kept (FEWLABELS_RUNS, else runs/)"
        )
    for command in (train, table, listing, rename, remove, restore, export, bring, fetch):
        command.add_argument("--json", action="store_true", help="JSON on stdout instead of text")
    return top


def cluster_options(command: argparse.ArgumentParser) -> None:
    where = "train all at once on this Ray cluster, HOST:PORT or auto (FEWLABELS_CLUSTER)"
    command.add_argument("--cluster", metavar="ADDRESS", help=where)
    share = "of a GPU for each run on the cluster: 0.25, 1, or 0 for CPUs alone (FEWLABELS_CLUSTER_GPUS)"
    command.add_argument("--gpus", metavar="N", help=share)


def completion(args: argparse.Namespace) -> int:
    """Print the script: `source <(python -m models completion bash)`. It completes `few-labels`, made an alias."""
    import shtab

    top = parser()
    top.prog = "few-labels"
    script = shtab.complete(top, args.shell)
    print(f'alias few-labels="{sys.executable} -m models"\n{script}')
    return 0


def names(text: str) -> list[str]:
    """Names separated by commas, each once."""
    found = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise argparse.ArgumentTypeError(f"there is no name in {text!r}")
    return found


def counts(text: str) -> list[int]:
    """Numbers separated by commas, each once, ascending."""
    try:
        return sorted({int(n) for n in names(text)})
    except ValueError as e:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, nor several separated by commas") from e


def main(argv: list[str] | None = None) -> int:
    plain_output()
    args = parser().parse_args(argv)
    try:
        for option, name in (("cluster", "FEWLABELS_CLUSTER"), ("gpus", "FEWLABELS_CLUSTER_GPUS")):
            if value := getattr(args, option, None):
                os.environ[name] = value  # the supervisor that this starts reads it there
        named = getattr(args, "runs", None)
        environment.check(runs=named is None)
        if named is not None:
            data.files.check_folder("--runs", named.absolute())
    except UserError as e:
        print(e, file=sys.stderr)
        return 2
    try:
        code = COMMANDS[args.command](args)
        sys.stdout.flush()  # here, where a closed pipe is caught
        return code
    except BrokenPipeError:  # `list | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may the flush at exit complain
        return 0
    except KeyboardInterrupt:
        say("Interrupted. What had been saved before is kept.")
        return 130
    except RunError as e:
        print(e, file=sys.stderr)
        return 2
    except (data.DataError, StoreError) as e:
        print(e, file=sys.stderr)
        return 1


def plain_output() -> None:
    """Where the terminal cannot write a sign, write its nearest ASCII or "?"; never fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what a test puts in its place may lack it
            codecs.register_error("fewlabels", cast(Any, nearest_ascii))  # asked of output only
            stream.reconfigure(errors="fewlabels")


def nearest_ascii(error: UnicodeEncodeError) -> tuple[str, int]:
    """An error handler of codecs: each sign becomes one sign, so that columns stay in line."""
    signs = {"±": "~", "−": "-", "–": "-", "—": "-", "·": ".", "×": "x", "…": ".", "’": "'", "│": "|", "─": "-"}
    return "".join(signs.get(c, "?") for c in error.object[error.start : error.end]), error.end


def train(args: argparse.Namespace) -> int:
    """Train in this process; the run folder is the same as a page's, so pages see it as it goes."""
    if args.cluster:
        return train_there(args)
    if not args.sweep:
        return train_in(folder_for(args), args)
    for run in swept(run_for(args, read_all(args.custom)), args):  # all of them can be, or none begins
        if code := train_in(Folder.create(run, args.runs or root()), args):
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


def train_there(args: argparse.Namespace) -> int:
    """Train on a cluster, a sweep all at once; called again, it waits for what is under way and repeats nothing."""
    from models.results import spread, train_missing

    if args.run is not None or args.given is not None:
        raise RunError("--cluster is for new runs: leave --continue and --given out, or continue it in the explorer.")
    wanted = Run.make(args.dataset, args.model, args.labels, args.seed, args.epochs, args.preset, args.device,
                      args.threads, args.validation, read_all(args.custom))  # fmt: skip
    where = (args.runs or root()).absolute()
    runs = swept(wanted, args) if args.sweep else [wanted]
    try:
        failures = spread.spread(runs, where, say)
    except train_missing.Stopped:
        say(STOPPED)
        return 130
    for run in runs:
        for result in [folder.result() for folder in spread.same(run, where)[:1] if folder.status()["state"] == "done"]:
            if result:
                print(json.dumps({k: result[k] for k in REPORTED if k in result}) if args.json else sentence(result))
    for trouble in failures:
        say(trouble)
    return 1 if failures else 0


def train_in(folder: Folder, args: argparse.Namespace) -> int:
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
        state = work(folder, on_record=bar.show, started=STARTED)
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
        return Folder.create(run_for(args, read_all(args.custom)), args.runs or root())
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


def run_for(args: argparse.Namespace, custom: dict[str, Any]) -> Run:
    """The new run that is asked for, if it can be trained here. Raises RunError or DataError."""
    run = Run.make(args.dataset, args.model, args.labels, args.seed, args.epochs, args.preset, args.device,
                   args.threads, args.validation, custom)  # fmt: skip
    data.load(run.dataset)  # a data set that is not there must not leave a failed run behind
    if why := why_not(run.model):  # nor weights that are not
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


def known(args: argparse.Namespace) -> Folder:
    """The run that was named. Raises RunError if there is none."""
    folder = open_folder(args.runs or root(), args.run)
    if folder is None:
        raise RunError(
            f"There is no run {args.run!r} in {args.runs or root()}. `python -m models list` shows what there is."
        )
    return folder


def sentence(result: dict) -> str:
    """A result with what an accuracy needs beside it."""
    title, on = MODELS[result["model"]].title, data.DATASETS[result["dataset"]].title
    beside = result.get("raw_pixel_svm_accuracy")
    return (
        f"{title} on {on}, {given_too(result)} labels, seed {result['seed']} (one run), {result['epochs']} epochs: "
        f"{result['test_accuracy']:.2%} of the {result['evaluated_on']} images right"
        + (f" (the same SVM on raw pixels: {beside:.2%})" if beside is not None else "")
        + f", {result['seconds']:.0f} s. Kept as {result['run']}."
    )


def given_too(row: dict) -> str:
    """How many labels, and how many of them were given."""
    return f"{row['labels']} + {row['given']} given" if row.get("given") else str(row["labels"])


class Bar:
    """A progress bar on stderr, one tick a step; where stderr is no terminal, a line an epoch."""

    def __init__(self, run: Run) -> None:
        self.name = str(run)
        self.bar: Any = None  # tqdm, which has no types
        self.preparing, self.epochs = "", run.epochs

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, record: dict) -> None:
        if not sys.stderr.isatty():
            self.line(record)
            return
        from tqdm import tqdm

        if record["kind"] == "prepare":  # what comes before the first step: a bar of its own
            if self.bar is None:
                of = {"total": record["total"], "initial": record["done"], "unit": "image"}
                self.bar = tqdm(desc=record["what"], file=sys.stderr, **of)
            self.bar.update(record["done"] - self.bar.n)
            return
        if record["kind"] == "start":
            self.__exit__()
            steps = record["steps_per_epoch"] * record["epochs"]
            self.bar = tqdm(total=steps, initial=record["step"], desc=self.name, unit="step", file=sys.stderr)
            return
        self.bar.update(record["step"] - self.bar.n)
        if record["kind"] == "epoch":
            accuracies = {"test": f"{record['test_accuracy']:.4f}", "labelled": f"{record['labelled_accuracy']:.4f}"}
            J = {"J": f"{record['J']:.2f}"} if "J" in record else {}  # there is none before the first step
            self.bar.set_postfix(**J, **accuracies)

    def line(self, record: dict) -> None:
        """A log has no cursor to move back: what begins and each epoch are a line, single steps are none."""
        kind = record["kind"]
        if kind == "prepare" and self.preparing != record["what"]:
            self.preparing = record["what"]
            say(f"{record['what']}: {record['total']} images")
        elif kind == "start":
            self.epochs, steps = record["epochs"], record["steps_per_epoch"] * record["epochs"]
            say(f"{self.name}: step {record['step']} of {steps}, {self.epochs} epochs, on {record['device']}")
        elif kind == "epoch":
            J = f"J {record['J']:.2f}, " if "J" in record else ""
            say(
                f"epoch {record['epoch']} of {self.epochs}: {J}test {record['test_accuracy']:.4f}, "
                f"labelled {record['labelled_accuracy']:.4f}, {record['seconds']:.0f} s"
            )


def table(args: argparse.Namespace) -> int:
    """Train what is missing, then print and keep the table, whatever became of the training."""
    from models.results import spread, train_missing
    from models.results import table as tables

    where = (args.runs or root()).absolute()
    whole("seeds", args.seeds, at_least=1)
    for dataset in args.dataset or ():
        one_of("data set", dataset, data.DATASETS)
    datasets = args.dataset or [d for d in data.DATASETS if data.availability(d) != "absent"]
    asked = [([d], args.models or tables.models_of(d), args.labels, args.seeds, args.preset) for d in datasets]
    wanted = [changed(run, device=args.device, threads=args.threads) for a in asked for run in tables.wanted(*a)]
    known = tables.REFERENCE if args.reference else None
    lacking = [] if args.no_train else tables.lacking(wanted, where, known)
    failures, stopped = [], False
    for model in dict.fromkeys(run.model for run in lacking):
        if why := why_not(model) if not environment.cluster() else "":  # must not leave failed runs behind
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
    """Train what is missing, then write each run's recording."""
    from models.results import recordings, train_missing

    one_of("data set", args.dataset, recordings.BUDGETS)
    for model in args.models or ():
        one_of("model", model, recordings.learners())
    wanted = list(recordings.wanted(args.dataset, args.labels, args.models))
    try:
        failures = recordings.record(wanted, (args.runs or root()).absolute(), say)
    except train_missing.Stopped:
        say(STOPPED)
        return 130
    for trouble in failures:
        say(trouble)
    return 1 if failures else 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def list_runs(args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for folder in runs(args.runs or root()):
        run, result = folder.run, folder.result() or {}
        row = {"run": folder.id, "state": folder.status()["state"], "model": run.model, "dataset": run.dataset,
               "labels": run.labels, "seed": run.seed, "epochs": run.epochs, "preset": run.preset}  # fmt: skip
        row |= {"name": folder.called.name, "tags": list(folder.called.tags)}
        row |= {"given": len(run.given), "parent": run.parent.id} if run.parent else {}
        rows.append(row | {k: result.get(k) for k in ("test_accuracy", "seconds")})
    if args.json:
        print(json.dumps(rows))
    elif not rows:
        print("No runs yet. Begin with: python -m models train")
    wide = max((len(str(row["run"])) for row in rows), default=0)
    for row in [] if args.json else rows:
        accuracy = "      " if row["test_accuracy"] is None else f"{row['test_accuracy']:.2%}"
        of = f"{given_too(row)} labels, seed {row['seed']}, {row['epochs']} epochs"
        name, tags = f', "{row["name"]}"' if row["name"] else "", "".join(f", #{tag}" for tag in row["tags"])
        print(f"{row['run']:{wide}} {row['state']:9} {accuracy:>7}  {of}{name}{tags}")
    for _, why in damaged(args.runs or root()):
        say(why)
    return 0


def rename(args: argparse.Namespace) -> int:
    folder = known(args)
    if args.name is None and args.tag is None:
        raise RunError("Nothing to change: give a name, or tags with --tag, or both.")
    before = folder.called
    folder.rename(named(before.name if args.name is None else args.name, before.tags if args.tag is None else args.tag))
    now = folder.called
    said = {"run": folder.id, "name": now.name, "tags": list(now.tags)}
    tags = f", tagged {', '.join(now.tags)}" if now.tags else ""
    what = f'is called "{now.name}"' if now.name else "has no name"
    print(json.dumps(said) if args.json else f"{folder.id} {what}{tags}.")
    return 0


def remove(args: argparse.Namespace) -> int:
    undo = "" if args.now else f" `restore` brings it back for {aside.MINUTES}."
    return each(args, lambda id: delete(args.runs or root(), id, now=args.now), "deleted", f"is deleted.{undo}")


def bring_back(args: argparse.Namespace) -> int:
    if args.run:
        return each(args, lambda id: restore(args.runs or root(), id), "restored", "is back.")
    rows = [{"run": id, "seconds_left": round(left)} for id, (_, left) in deleted(args.runs or root()).items()]
    if args.json:
        print(json.dumps(rows))
    elif not rows:
        print(f"No run was deleted in the last {aside.MINUTES}.")
    for row in [] if args.json else rows:
        print(f"{row['run']}  {row['seconds_left']} s left")
    return 0


def each(args: argparse.Namespace, do: Callable[[str], None], what: str, sentence: str) -> int:
    """Do something with each run that is named; one that cannot be is said and does not keep the others from it."""
    done = []
    for id in dict.fromkeys(args.run):
        try:
            do(id)
        except StoreError as e:
            say(str(e))
            continue
        done.append(id)
        if not args.json:
            print(f"{id} {sentence}")
    if args.json and done:
        print(json.dumps({what: done}))
    return 0 if len(done) == len(dict.fromkeys(args.run)) else 1


def export(args: argparse.Namespace) -> int:
    from models.runs import archive

    folder = known(args)
    if args.codes is None:
        if args.space is not None:
            raise RunError(f"--space {args.space} says of what the codes are wanted: name their format with --codes.")
        path = archive.export(folder, args.file, checkpoint=not args.small)
    else:
        path = export_codes(folder, args)
    said = {"run": folder.id, "file": str(path), "bytes": path.stat().st_size}
    print(json.dumps(said) if args.json else f"{folder.id} is kept as {path}, {said['bytes'] / 2**20:.1f} MiB.")
    return 0


def export_codes(folder: Folder, args: argparse.Namespace) -> Path:
    """Write the codes of a run in the format that is asked for; the file."""
    from models.analysis import codes_export
    from models.runs import archive

    if args.small:
        raise RunError("--small is for the run as a zip: codes have nothing that it could leave out.")
    one_of("format", args.codes, codes_export.FORMATS)
    kind = codes_export.FORMATS[args.codes]
    space = codes_export.space_of(folder, args.space)
    made = kind.make(folder, space)
    return archive.new_file(args.file, kind.file_name(folder, space), lambda f: f.write(made))


def bring(args: argparse.Namespace) -> int:
    from models.runs import archive

    folder = archive.bring(args.file, args.runs)
    said = {"run": folder.id, "path": str(folder.path)}
    print(json.dumps(said) if args.json else f"{args.file} is here as {folder.id}.")
    return 0


def fetch(args: argparse.Namespace) -> int:
    """Progress goes to stderr as a bar, or with --json to stdout as lines {"fraction", "what"}."""
    if args.dataset in WEIGHTS:
        title, get = WEIGHTS[args.dataset].title, fetch_weights
    else:
        one_of("data set", args.dataset, data.DATASETS)
        title, get = data.DATASETS[args.dataset].title, data.fetch
    if args.json:
        get(args.dataset, print_progress)
        return 0
    with FetchBar() as bar:
        get(args.dataset, bar.show)
    print(f"{title} is ready.")
    return 0


class FetchBar:
    """How far fetching is, on stderr; where that is no terminal, a line a tenth and for each thing that is begun."""

    def __init__(self) -> None:
        self.bar: Any = None  # tqdm's, which is imported when it is shown
        self.said = ("", -1)

    def __enter__(self) -> "FetchBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, done: float, what: str) -> None:
        if not sys.stderr.isatty():
            if self.said != (what, int(10 * done)):
                self.said = what, int(10 * done)
                say(f"{what}: {done:.0%}".replace("%", " %"))
            return
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=100, bar_format="{desc} {percentage:3.0f}% {bar}", file=sys.stderr)
        self.bar.set_description_str(what, refresh=False)
        self.bar.update(100 * done - self.bar.n)


COMMANDS = {
    "train": train,
    "table": table,
    "record": record,
    "list": list_runs,
    "rename": rename,
    "delete": remove,
    "restore": bring_back,
    "export": export,
    "import": bring,
    "fetch": fetch,
    "completion": completion,
}


if __name__ == "__main__":
    sys.exit(main())
