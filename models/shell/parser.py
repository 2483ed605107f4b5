"""What may be typed: the commands and their options."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

import data
from models import BASELINE, MODELS
from models.methods.presets import PRESETS
from models.nn.pretrained_weights import WEIGHTS
from models.runs import aside
from models.runs.parts import PARTS
from models.runs.run import DEVICES
from models.runs.store import version
from models.shell import cluster

DESCRIPTION = "Train, list and exchange runs of semi-supervised generative models, fill a table of results, fetch data."
TABLE = """
Fill a table of results: train what is missing, one run after the other, and print accuracy (mean and standard deviation
over the seeds), what was published, and the labels-only baseline: where it is among the models, with each method's own
augmentation, weight decay, averaging, batches and epochs (preset as-adgm and its like). A run that ended early is
continued in its own folder, whoever began it; one that the explorer or another shell has under way is waited for, not
trained twice. Ctrl-C lets the run in hand save what it has learned: call the same command again to go on. The table is
kept as table.json among the runs. Of several runs of one seed the newest counts, and only runs with today's settings of
the preset do.
"""
ABLATE = """
What each part of a method is worth: train it as its preset has it, without each of its parts, as a classifier on the
labels alone, and the labels-only baseline; print their accuracy, mean and standard deviation over the seeds, and
seconds. What is there already is not trained again, and what ended early is continued. Results shows the same as a
chart.
"""
RECORD = """
Record the runs that Start shows before anything is trained: seed 0, one thread, the presets of every run. What is
missing among the runs is trained first, then the UMAP of each epoch is laid out: about 90 s a run on the digits. Those
with 20 labels are also kept whole, in docs/examples: what pages show as long as there is no run. The images that maps
show of a data set that does not come with Few Labels are kept beside the recordings, once. With --plane a session in
the plane of each figure is recorded in place of runs: a quarter of a minute a figure.
"""
MEASURE = """
Compute what takes longer than an accuracy, by a run's latest weights, and keep it for the pages: the importance-
weighted bound on log p(x) of test images, how many dimensions of z, and a, it uses, and, if the data set has a judge
(see `judge`), how many of its samples show their class. With other --samples or --images than the usual ones the bound
is only printed.
"""
JUDGE = """
Train labels only on all labels of a data set, unless that was done: seconds on the digits, minutes on larger ones. It
says what the samples of a run show, in `measure` and on Generate and Compare.
"""
EXPORT = """
Write a run as one zip of JSON, safetensors and PNG, which `import` brings in elsewhere. With --codes its codes instead:
`parquet` with images and classes for embedding-atlas and Hugging Face datasets; `projector`, a zip with tensors.tsv,
metadata.tsv, sprite.png and projector_config.json, for the Embedding Projector.
"""
MINUTES = "so many epochs as fit into M minutes on this machine, measured by a few steps before the run"
THREADS = "CPU threads; 0: as many as the machine gives, or one while one is faster"

EXIT_CODES = """
Exit codes: 0 done; 1 something went wrong (a failed run, a damaged or missing file); 2 what was asked for cannot be, in
one sentence on stderr; 130 stopped by Ctrl-C or SIGTERM, what was learned is kept.
"""


ON = (
    f"a pretrained network, frozen, whose features stand in place of the image: {', '.join(WEIGHTS)}, or with timm "
    "installed timm:NAME; several joined by +"
)
VALIDATION = "evaluate on N training images or points, held out, instead of the test set"
SET = "a setting in place of the preset's: n_z=2; may be said several times"


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
        metavar="train|table|ablate|record|measure|judge|list|rename|delete|restore|export|import|fetch|completion",
    )

    train = commands.add_parser("train", help="train one model, here and now")
    train.add_argument("--dataset", default="digits", help=", ".join(data.DATASETS))
    train.add_argument("--model", default="m2", help=", ".join(MODELS))
    train.add_argument("--on", default="", metavar="BACKBONE", help=ON)
    train.add_argument(
        "--labels", type=int, help="images or points with a label in all, a multiple of the number of classes"
    )
    train.add_argument("--epochs", type=int, help="passes over those without a label")
    train.add_argument("--minutes", type=float, metavar="M", help=f"in place of --epochs: {MINUTES}")
    train.add_argument("--seed", type=int, default=0, help="draws the split, the initial weights and the batches")
    train.add_argument("--preset", default="tuned",
                       help=f"{', '.join(PRESETS)}; of {BASELINE} also as-adgm and its like: with the networks, "
                       "augmentation, weight decay, averaging, batches and epochs of that method's preset")  # fmt: skip
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="custom", help=SET)
    parts(train)
    train.add_argument("--sweep", metavar="NAME=VALUES",
                       help="a run for each value of one setting, one after the other: n_z=2,10,50")  # fmt: skip
    train.add_argument("--device", default="auto", help=", ".join(DEVICES))
    train.add_argument("--threads", type=int, default=0, help=THREADS)
    cluster.options(train)
    train.add_argument("--validation", type=int, default=0, metavar="N", help=VALIDATION)
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
    table.add_argument("--on", default="", metavar="BACKBONE", help=ON)
    table.add_argument(
        "--labels", type=counts, metavar="N", help="one number, or several for a budget curve: 10,100,1000"
    )
    table.add_argument("--seeds", type=int, default=3, metavar="N", help="how many seeds, from 0 on; 3")
    table.add_argument("--minutes", type=float, metavar="M",
                       help=f"compare at equal time: for each method {MINUTES}; the epochs are kept "
                       "as minutes.json among the runs, the table is only printed")  # fmt: skip
    table.add_argument("--preset", default="tuned", help=", ".join(PRESETS))
    table.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="custom", help=SET)
    parts(table)
    table.add_argument("--device", default="auto", help=", ".join(DEVICES))
    table.add_argument("--threads", type=int, default=0, help=THREADS)
    cluster.options(table)
    table.add_argument("--no-train", action="store_true", help="only print what there is")
    table.add_argument("--reference", action="store_true",
                       help="keep the figures in docs/results and README.md; train only what lacks there")  # fmt: skip

    ablation = commands.add_parser("ablate", help="what each part of a method is worth", description=ABLATE)
    ablation.add_argument("--dataset", default="digits", help=", ".join(data.DATASETS))
    ablation.add_argument("--model", default="adgm", help=", ".join(MODELS))
    ablation.add_argument("--on", default="", metavar="BACKBONE", help=ON)
    ablation.add_argument("--labels", type=int, help="images or points with a label in all")
    ablation.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED", help="the seeds themselves: 0 1 2"
    )
    ablation.add_argument("--epochs", type=int, help="of every version; the preset's")
    ablation.add_argument("--preset", default="tuned", help=", ".join(PRESETS))
    ablation.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="custom", help=SET)
    parts(ablation)
    ablation.add_argument("--device", default="auto", help=", ".join(DEVICES))
    ablation.add_argument("--threads", type=int, default=0, help=THREADS)
    cluster.options(ablation)
    ablation.add_argument("--validation", type=int, default=0, metavar="N", help=VALIDATION)
    ablation.add_argument("--no-train", action="store_true", help="only print what there is")

    record = commands.add_parser("record", help="record the runs that Start shows, into docs/recordings",
                                 description=RECORD)  # fmt: skip
    record.add_argument("--dataset", help="a data set that is recorded: digits, mnist; digits")
    record.add_argument("--models", type=names, metavar="NAMES", help="separated by commas; all that learn")
    record.add_argument("--labels", type=counts, metavar="N", help="one number, or several: 20,100; all that are shown")
    record.add_argument("--plane", action="store_true",
                        help="in place of runs, sessions in the plane, for the exhibit's HTML file")  # fmt: skip

    measure = commands.add_parser("measure", help="more about finished runs: log p(x), use of z, scores of samples",
                                  description=MEASURE)  # fmt: skip
    measure.add_argument("run", metavar="RUN", nargs="+", help="which; `list` shows what there is")
    measure.add_argument("--samples", type=int, metavar="K", help="draws of z, and a, an image, for log p(x)")
    measure.add_argument("--images", type=int, metavar="N", help="so many test images, for log p(x)")

    judge = commands.add_parser("judge", help="train the classifier that scores samples, on all labels of a data set",
                                description=JUDGE)  # fmt: skip
    judge.add_argument("--dataset", default="digits", help=", ".join(data.IMAGE_SETS))
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
    for command in (train, table, ablation, record, measure, listing, rename, remove, restore, export, bring):
        command.add_argument(
            "--runs", type=Path, metavar="DIR", help="where runs are kept (FEWLABELS_RUNS, else runs/)"
        )
    for command in (train, table, ablation, measure, listing, rename, remove, restore, export, bring, fetch):
        command.add_argument("--json", action="store_true", help="JSON on stdout instead of text")
    return top


def parts(command: argparse.ArgumentParser) -> None:
    """The options that take parts of a method off: each stands for settings."""
    for part in PARTS:
        amount = "" if isinstance(part.off[part.setting], bool) else ", or how much of it"
        command.add_argument(
            f"--{part.name}", metavar="on|off", help=f"the {part.words}: on, off{amount} (--set {part.setting}=...)"
        )


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
