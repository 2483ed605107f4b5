"""What is printed: results on stdout, progress and what went wrong on stderr."""

import codecs
import sys
from typing import Any, cast

import data
from models import MODELS
from models.runs.run import Run

STOPPED = "Stopped; what was learned is kept. Call the same command again to go on."
REPORTED = (
    "run", "model", "dataset", "labels", "given", "parent", "seed", "epochs", "preset", "test_accuracy",
    "labelled_accuracy", "raw_pixel_svm_accuracy", "spreading_accuracy", "seconds", "seconds_per_epoch",
    "images_per_second", "device", "threads", "parameters", "evaluated_on",
)  # fmt: skip


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


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def sentence(result: dict) -> str:
    """A result with what an accuracy needs beside it."""
    title, on = MODELS[result["model"]].title, data.DATASETS[result["dataset"]]
    beside = result.get("raw_pixel_svm_accuracy")
    spread = result.get("spreading_accuracy")
    return (
        f"{title} on {on.title}, {given_too(result)} labels, seed {result['seed']} (one run), "
        f"{result['epochs']} epochs: {result['test_accuracy']:.2%} of the {result['evaluated_on']} {on.noun()} right"
        + (f" (the same SVM on {on.raw}: {beside:.2%})" if beside is not None else "")
        + (f" (label spreading on its codes: {spread:.2%})" if spread is not None else "")
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
            self.bar.set_postfix(**minimised(record), **accuracies)

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
            of = "".join(f"{name} {value}, " for name, value in minimised(record).items())
            say(
                f"epoch {record['epoch']} of {self.epochs}: {of}test {record['test_accuracy']:.4f}, "
                f"labelled {record['labelled_accuracy']:.4f}, {record['seconds']:.0f} s"
            )


def minimised(record: dict) -> dict[str, str]:
    """What an epoch minimised: J, or the terms of what comes before it; nothing before the first step."""
    values = {"J": record["J"]} if "J" in record else record.get("terms", {})
    return {name: f"{value:.2f}" for name, value in values.items()}


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
