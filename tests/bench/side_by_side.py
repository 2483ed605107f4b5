"""`python -m tests.bench.side_by_side`: four models of the digits through the real queue, by how cores are shared.

A benchmark, not a test. Each way trains the same four runs; once on the machine as it is, once with a busy loop on each
core. A figure is the wall time until all four have ended, and until each has recorded its first step and first epoch.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models import MODELS
from models.jobs.local import Local
from models.jobs.processes import cores
from models.runs.run import Run

WAYS = {
    # name: (FEWLABELS_SLOTS, threads that each run names; 0: none)
    "side by side, as they fit": ("", 0),
    "one after the other, one thread": ("1", 1),
    "one after the other, all cores": ("1", cores()),
}
PATIENCE = 900.0  # seconds for one way


@contextmanager
def busy(n: int) -> Iterator[None]:
    """`n` processes that do nothing but keep a core busy."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(slots: str, threads: int, epochs: int) -> dict[str, float]:
    """Seconds from the first submit: "all", and of the last of the runs "step" and "epoch"."""
    with tempfile.TemporaryDirectory() as root:
        os.environ["FEWLABELS_SLOTS"] = slots
        engine = Local(Path(root))
        engine.warm()
        until(lambda: engine.capacity().warm)
        learners = [name for name, card in MODELS.items() if not card.frozen]
        begin = time.monotonic()
        ids = [engine.submit(Run.make("digits", m, 20, epochs=epochs, threads=threads)) for m in learners]
        seen: dict[str, float] = {}

        def look() -> bool:
            for kind in ("step", "epoch"):
                if kind not in seen and all(any(r["kind"] == kind for r in engine.events(id)[0]) for id in ids):
                    seen[kind] = time.monotonic() - begin
            return all(state.final for state in engine.states(ids).values())

        until(look)
        seen["all"] = time.monotonic() - begin
        ended = {state.state for state in engine.states(ids).values()}
        engine.shutdown()
        if ended != {"done"}:
            raise SystemExit(f"Not all runs ended well: {ended}.")
        return seen


def until(is_so) -> None:
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > give_up:
            raise SystemExit(f"It took more than {PATIENCE:.0f} s.")
        time.sleep(0.05)


def main() -> None:
    p = argparse.ArgumentParser(prog="python -m tests.bench.side_by_side", description=__doc__.splitlines()[0])
    p.add_argument("--epochs", type=int, default=8, help="of each run; 8")
    p.add_argument("--ways", type=int, default=len(WAYS), help="only so many of the ways")
    args = p.parse_args()
    for loops in (0, cores()):
        with busy(loops):
            print(f"{loops} busy loops on {cores()} cores, {args.epochs} epochs each")
            first = None
            for name, (slots, threads) in list(WAYS.items())[: args.ways]:
                found = measure(slots, threads, args.epochs)
                first = first or found["all"]
                print(
                    f"  {name:34} all {found['all']:6.1f} s ({found['all'] / first:.2f}), first step of each within "
                    f"{found['step']:.1f} s, first epoch within {found['epoch']:.1f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
