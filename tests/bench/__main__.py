"""`make bench`: how fast a training step is, in one run: against the textbook, the machine, and the number of classes;
and how right a run is after so many minutes.

A benchmark, not a test: nothing fails when a ratio is small. Whatever is compared is measured in turns, so that a
disturbance meets both; figures are medians with their quartiles, after steps that warm up. On the CPU.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

import data
from data.split import Split, split
from models.results.reference import machine
from models.runs.run import Run
from models.runs.store import Folder
from models.training.loop import train
from models.training.trainer import Trainer
from tests.bench import textbook

CPU = torch.device("cpu")
DATA = ("mnist", "cifar10")
MODELS = ("m1", "m2", "adgm")
PARTS = ("ratios", "tuned", "classes", "memory", "accuracy")
BATCH = 100  # labelled images a step, and as many unlabelled ones
CLASSES = (2, 5, 10, 20, 50, 100)
FEW = {"classes_exact": 2, "classes_drawn": 1}  # the same bound in the mean, estimated from three classes
TARGETS = {("mnist", "adgm"): 5, ("mnist", "m2"): 3}  # steps per second over the textbook's
MOST_STEP = 2.5  # a CIFAR-100 step over a CIFAR-10 step
MOST_GIB = 3.0
TO_REACH = {1: 0.98, 4: 0.99}  # test accuracy of M2 on MNIST with 1000 labels after so many minutes

Step = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """Seconds a step: the median and the quartiles of n measurements."""

    low: float
    median: float
    high: float
    n: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        return cls(*np.quantile(seconds, (0.25, 0.5, 0.75)).tolist(), len(seconds))

    def rate(self) -> str:
        """Steps a second, with the quartiles."""
        return f"{1 / self.median:.2f} ({1 / self.high:.2f} to {1 / self.low:.2f})"

    def ms(self) -> str:
        return f"{1e3 * self.median:.1f} ({1e3 * self.low:.1f} to {1e3 * self.high:.1f})"


@dataclass(frozen=True)
class Bench:
    """How long to measure, and by which clock."""

    threads: int
    quick: bool
    clock: Callable[[], float]

    def seconds(self, full: float, quick: float) -> float:
        return quick if self.quick else full

    def in_turns(self, steps: dict[str, Step], seconds: float) -> dict[str, Spread]:
        """The time of each step, measured in turns for about so many seconds; three turns at least."""
        for step in steps.values():
            step()
            step()
        taken: dict[str, list[float]] = {name: [] for name in steps}
        end = time.monotonic() + seconds
        while time.monotonic() < end or min(map(len, taken.values())) < 3:
            for name, step in steps.items():
                begin = self.clock()
                step()
                taken[name].append(self.clock() - begin)
        return {name: Spread.of(times) for name, times in taken.items()}


# --- what is measured


def images(dataset: str) -> tuple[data.Images, str]:
    """The data set, or noise of its shape where it is not on this machine."""
    if data.availability(dataset) != "absent":
        return data.load(dataset), dataset
    spec = data.DATASETS[dataset]
    x, y = noise(4000, spec.shape, spec.n_classes)
    return data.Images(dataset, x, y, x[:100], y[:100], tuple(map(str, range(spec.n_classes)))), f"{dataset} (noise)"


def noise(n: int, shape: tuple[int, ...], classes: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8), np.arange(n) % classes


def noise_split(classes: int) -> Split:
    """Pictures of the shape of CIFAR's with so many classes; a step takes as long as on real ones."""
    n_l = BATCH * classes
    x, y = noise(n_l + 2000, data.DATASETS["cifar10"].shape, classes)
    at = np.arange(len(x))
    names = tuple(map(str, range(classes)))
    return Split(x[:n_l], y[:n_l], x[n_l:], x[:100], y[:100], at[:n_l], at[n_l:], names, x.shape[1:])


def trainer(run: Run, images: Split) -> tuple[Trainer, Step]:
    """Ours, and one step of it, at the learning rate that it would have in the middle of the run."""
    torch.manual_seed(run.seed)
    t = Trainer(run, images, CPU)
    total = run.epochs * t.steps_per_epoch
    at = iter(range(total // 2, 10**9))
    return t, lambda: t.step(next(at), total)


def made(dataset: str, model: str, preset: str, **settings: int) -> Run:
    run = Run.make(dataset, model, preset=preset, device="cpu")
    return replace(run, settings=replace(run.settings, **settings))


def flops(step: Step) -> int:
    """Floating-point operations of the matrix products and convolutions of one step, forwards and backwards."""
    counter = FlopCounterMode(display=False)
    with counter:
        step()
    return counter.get_total_flops()


def peak(bench: Bench, dtype: torch.dtype, n: int = 2048) -> float:
    """The most operations a second that a product of two n x n matrices reached."""
    a, b = (torch.randn(n, n).to(dtype) for _ in range(2))
    best = float("inf")
    end = time.monotonic() + bench.seconds(2, 0.5)
    while time.monotonic() < end or best == float("inf"):
        begin = bench.clock()
        a @ b
        best = min(best, bench.clock() - begin)
    return 2 * n**3 / best


# --- the parts


def ratios(bench: Bench, top: float) -> list[dict]:
    """Ours with the paper's networks against the textbook: equal batch, equal bound, equal number of parameters."""
    print(f"\nSteps a second, the paper's networks, {BATCH} + {BATCH} images, the whole sum over the classes")
    print(
        "median (quartiles); GFLOP a step and share of the bf16 peak: ours / textbook; estimate: the ratio of ours with"
    )
    print("the sum over classes estimated without bias from three, which is the same bound in the mean only")
    header = ("data set", "model", "ours", "textbook", "ratio", "", "estimate", "GFLOP", "share of peak")
    table(*header, widths=RATIO_WIDTHS)
    found = []
    for dataset in DATA[:1] if bench.quick else DATA:
        all_images, title = images(dataset)
        for model in MODELS:
            run = made(dataset, model, "paper", batch_l=BATCH, classes_exact=0)
            seen = split(all_images, run.labels, run.seed)
            t, ours = trainer(run, seen)
            torch.manual_seed(run.seed)
            book = textbook.Trainer(model, seen, run.settings)
            sizes = {sum(p.numel() for p in m.parameters()) for m in (t.model, book.model)}
            assert len(sizes) == 1, f"{model} has {sizes} parameters: the two are not the same model"
            work = {"ours": flops(ours), "textbook": flops(book.step)}
            steps = {"ours": ours, "textbook": book.step}
            if model != "m1":
                steps["estimate"] = trainer(made(dataset, model, "paper", batch_l=BATCH, **FEW), seen)[1]
            time_of = bench.in_turns(steps, bench.seconds(30, 4))
            ratio = {name: time_of["textbook"].median / s.median for name, s in time_of.items() if name != "textbook"}
            share = {name: work[name] / time_of[name].median / top for name in work}
            target = TARGETS.get((dataset, model))
            table(
                title, model, time_of["ours"].rate(), time_of["textbook"].rate(),
                f"{ratio['ours']:.2f}", f"target {target}" if target else "",
                f"{ratio['estimate']:.2f}" if "estimate" in ratio else "",
                f"{work['ours'] / 1e9:.1f} / {work['textbook'] / 1e9:.1f}",
                f"{share['ours']:.0%} / {share['textbook']:.0%}",
                widths=RATIO_WIDTHS,
            )  # fmt: skip
            found.append({
                "data": title, "model": model, "parameters": sizes.pop(), "ratio": ratio, "target": target,
                "seconds": {name: vars(s) for name, s in time_of.items()}, "flop": work, "share": share,
            })  # fmt: skip
            del t, ours, book, steps
            gc.collect()
    return found


def tuned(bench: Bench, top: float) -> list[dict]:
    """The tuned preset as it is: it has no textbook."""
    print("\nMilliseconds a step, the tuned preset as it trains")
    table("data set", "model", "ms (quartiles)", "images", "GFLOP", "share of peak", widths=TUNED_WIDTHS)
    found = []
    for dataset in DATA[:1] if bench.quick else DATA:
        all_images, title = images(dataset)
        for model in MODELS:
            run = made(dataset, model, "tuned")
            t, ours = trainer(run, split(all_images, run.labels, run.seed))
            work = flops(ours)
            spread = bench.in_turns({model: ours}, bench.seconds(6, 1))[model]
            share = work / spread.median / top
            batch = f"{t.batch_l} + {run.settings.batch_u}"
            table(title, model, spread.ms(), batch, f"{work / 1e9:.1f}", f"{share:.0%}", widths=TUNED_WIDTHS)
            found.append({"data": title, "model": model, "seconds": vars(spread), "flop": work, "share": share})
            del t, ours
            gc.collect()
    return found


def classes(bench: Bench, top: float) -> list[dict]:
    """What more classes cost, on noise of CIFAR's shape, with the settings of CIFAR-10 (CIFAR-100 above 10 classes).

    But J has the bound of every image of a step, also where a preset takes it of a part: equal batch, equal bound.
    """
    counts = (10, 100) if bench.quick else CLASSES
    print("\nMilliseconds a step against the number of classes, images of CIFAR's shape (noise)")
    table("preset", "model", *map(str, counts), "100 / 10", "", widths=(8, 6, *[9] * len(counts), 10, 14))
    found = []
    for preset in ("tuned", "paper"):
        for model in ("m2", "adgm"):
            steps = {}
            for k in counts:
                run = made("cifar10" if k <= 10 else "cifar100", model, preset, bound_u=0)
                steps[str(k)] = trainer(run, noise_split(k))[1]
            time_of = bench.in_turns(steps, bench.seconds(25, 3))
            ratio = time_of["100"].median / time_of["10"].median
            ms = [f"{1e3 * s.median:.1f}" for s in time_of.values()]
            goal = f"target {MOST_STEP}" if preset == "tuned" else ""
            table(preset, model, *ms, f"{ratio:.2f}", goal, widths=(8, 6, *[9] * len(counts), 10, 14))
            found.append({
                "preset": preset, "model": model, "seconds": {k: vars(s) for k, s in time_of.items()},
                "cifar100 / cifar10": ratio,
            })  # fmt: skip
            del steps
            gc.collect()
    return found


def memory(bench: Bench, top: float) -> list[dict]:
    """The most memory that a process which trains on CIFAR-100 ever held: evaluations and records included."""
    steps = 3 if bench.quick else 20
    print(f"\nPeak memory of a process: CIFAR-100, the tuned preset, an evaluation and {steps} steps")
    table("data set", "model", "GiB", "", widths=(18, 8, 8, 12))
    found = []
    title = images("cifar100")[1]
    for model in MODELS[1:] if bench.quick else MODELS:
        command = [sys.executable, "-m", "tests.bench", "--threads", str(bench.threads), "--memory-of", model]
        done = subprocess.run([*command, "--steps", str(steps)], capture_output=True, text=True)
        if done.returncode:
            print(f"{title}: {model} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
            continue
        gib = float(done.stdout.split()[-1])
        table(title, model, f"{gib:.2f}", f"target {MOST_GIB:g}", widths=(18, 8, 8, 12))
        found.append({"data": title, "model": model, "GiB": gib, "steps": steps})
    return found


def train_for_memory(model: str, steps: int, threads: int) -> None:
    """In a process of its own: begin a run as its job would, stop after so many steps, print the peak in GiB."""
    run = Run.make("cifar100", model, threads=threads, device="cpu")
    all_images, _ = images("cifar100")
    data.load = lambda name: all_images  # the same, unless it is noise
    left = iter(range(steps))
    with tempfile.TemporaryDirectory() as root:
        folder = Folder.create(run, Path(root))
        for _ in train(run, folder, stop=lambda: next(left, None) is None):
            pass
    print(peak_memory() / 2**30)


def peak_memory() -> int:
    """Bytes. Linux counts in ru_maxrss what the process that started this one held, so there the kernel is asked."""
    try:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def accuracy(bench: Bench, top: float) -> list[dict]:
    """Time to accuracy: runs from the shell that are as long as was said, learning rate and all, one seed each."""
    if data.availability("mnist") == "absent":
        print("\nMNIST is not on this machine: no time to accuracy")
        return []
    print("\nTest accuracy after so many minutes: M2 on MNIST, 1000 labels, the tuned preset, one run each, seed 0")
    table("minutes", "epochs", "seconds", "accuracy", "", widths=ACCURACY_WIDTHS)
    found = []
    for minutes, target in list(TO_REACH.items())[: 1 if bench.quick else None]:
        with tempfile.TemporaryDirectory() as root:
            command = [sys.executable, "-m", "models", "train", "--dataset", "mnist", "--model", "m2", "--json"]
            command += ["--minutes", str(minutes), "--threads", str(bench.threads), "--device", "cpu", "--runs", root]
            done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        reached, seconds = done["test_accuracy"], done["seconds"]
        table(
            str(minutes), str(done["epochs"]), f"{seconds:.0f}", f"{reached:.4f}", f"target {target}",
            widths=ACCURACY_WIDTHS,
        )  # fmt: skip
        found.append({"minutes": minutes, "epochs": done["epochs"], "seconds": seconds, "accuracy": reached})
    return found


# --- the shell

ACCURACY_WIDTHS = (10, 9, 10, 11, 12)
RATIO_WIDTHS = (18, 6, 24, 24, 7, 10, 10, 14, 13)
TUNED_WIDTHS = (18, 6, 28, 12, 8, 14)


def table(*cells: str, widths: Sequence[int]) -> None:
    print("".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip(), flush=True)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n\n")[0])
    p.add_argument("--quick", action="store_true", help="under a minute: MNIST only, few measurements")
    p.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure; all")
    p.add_argument("--threads", type=int, default=2, help="CPU threads; 2")
    p.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: the process's own time, for one thread on a machine that is busy with other work",
    )
    p.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE as well")
    p.add_argument("--memory-of", choices=MODELS, help=argparse.SUPPRESS)
    p.add_argument("--steps", type=int, default=20, help=argparse.SUPPRESS)
    return p  # fmt: skip


def main() -> None:
    args = parser().parse_args()
    if args.memory_of:
        return train_for_memory(args.memory_of, args.steps, args.threads)
    if args.clock == "cpu" and args.threads > 1:
        raise SystemExit("The processor's clock counts the time of all threads together. Say --threads 1 as well.")
    torch.set_num_threads(args.threads)
    clock = time.perf_counter if args.clock == "wall" else time.process_time
    bench = Bench(args.threads, args.quick, clock)
    begin = time.monotonic()
    top, single = peak(bench, torch.bfloat16), peak(bench, torch.float32)
    threads = f"{args.threads} thread{'s' * (args.threads > 1)} of {machine()['cores']} cores, {machine()['cpu']}"
    print(f"{threads}, torch {torch.__version__}, {args.clock} clock")
    print(f"Peak, a product of 2048 x 2048 matrices: {top / 1e9:.0f} GFLOP/s in bf16, {single / 1e9:.0f} in fp32")
    parts = {"ratios": ratios, "tuned": tuned, "classes": classes, "memory": memory, "accuracy": accuracy}
    found = {name: part(bench, top) for name, part in parts.items() if name in args.only}
    print(f"\n{time.monotonic() - begin:.0f} seconds")
    if args.json:
        peaks = {"bf16": top, "fp32": single}
        here = {"processor": machine()["cpu"], "cores": machine()["cores"], "torch": torch.__version__}
        record = {**here, "threads": args.threads, "clock": args.clock, "peak": peaks, **found}
        args.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
