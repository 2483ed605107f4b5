"""How long a run takes on this machine, measured before it begins: `python -m models.training.trial`, in a process of
its own, reads a run as JSON and prints what it measured. What it learns is thrown away.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from models.runs.run import Run

WARM_UP, LEAST, ENOUGH = 3, 5, 4.0  # steps that do not count, steps that do at least, and seconds of them


def measure(run: Run, started: float) -> dict[str, float]:
    """Seconds: "start", until the first step, without what a frozen network takes for features it keeps; "step";
    "look", the evaluation of an epoch and what is kept of it; "end", what a result asks for besides; and the "steps" of
    an epoch.
    """
    import torch

    import data
    from models import MODELS
    from models.nn.device import pick
    from models.runs.split import split_of_run
    from models.training import feature_cache
    from models.training.threads import StepThreads
    from models.training.trainer import Trainer

    if run.threads:
        torch.set_num_threads(run.threads)
    device, images_of, inputs, features = pick(run.device), data.load(run.dataset), None, 0.0
    if MODELS[run.model].frozen:
        begun, computing = time.perf_counter(), feature_cache.prepare(run, images_of, device, lambda: False)
        while inputs is None:
            try:
                next(computing)
            except StopIteration as e:
                inputs = e.value
        features = time.perf_counter() - begun
    torch.manual_seed(run.seed)
    trainer = Trainer(run, split_of_run(run, images_of), device, inputs)
    threads = StepThreads(1 if run.threads or device.type != "cpu" else torch.get_num_threads())
    start = time.time() - started - features

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    begun, total = now(), max(1, run.epochs * trainer.steps_per_epoch)
    trainer.evaluate()
    with tempfile.TemporaryDirectory() as folder:
        trainer.keep(Path(folder), 0, images_of, final=False)
    look = now() - begun
    begun = now()
    trainer.extras()
    end = now() - begun

    def seconds_of_steps(first: int, end: int) -> float:
        """What the steps from `first` to `end` take in all, measured on some of them."""
        if first == end:
            return 0.0
        for step in range(WARM_UP):
            threads.timed(lambda: trainer.step(first + step % (end - first), total))  # noqa: B023  # called at once
        begun, steps = now(), 0
        while steps < LEAST or now() - begun < ENOUGH:
            step = first + (WARM_UP + steps) % (end - first)
            threads.timed(lambda: trainer.step(step, total))  # noqa: B023
            steps += 1
        return (now() - begun) / steps * (end - first)

    before = trainer.pretraining_steps
    step = (seconds_of_steps(0, before) + seconds_of_steps(before, total)) / total
    return {"start": start, "look": look, "end": end, "step": step, "steps": trainer.steps_per_epoch}


if __name__ == "__main__":
    began = time.time()
    print(json.dumps(measure(Run.from_dict(json.load(sys.stdin)), began)))
