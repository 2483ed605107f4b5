"""A recorded step learns what the step itself would have learned: on a GPU that is only pretended.

The pretended graph is what a CUDA graph is: the operations that were asked for while it was recorded, done again on the
same memory, without Python. So whatever a step computes in Python (a learning rate, say) stays what it was.
"""

import logging
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from tiny import small_data
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from data import DATASETS, Images, split
from models import MODELS
from models.methods.presets import PRESETS
from models.runs.run import Run
from models.training.checkpoint import Progress, load_progress, save_progress
from models.training.cuda_graph import WARM_UP, CudaGraph
from models.training.trainer import Trainer
from tests.kinds import IMAGE_LEARNERS

CPU = torch.device("cpu")
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "unique")  # what a GPU's host must wait for
pytestmark = pytest.mark.usefixtures("small_backbones")


class Recording(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in WAITS:
            raise RuntimeError(f"{name}: operation not permitted when stream is capturing")
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))
        return result


class Graph:
    """A torch.cuda.CUDAGraph; what recording it changed is put back, for a recording computes nothing."""

    def __init__(self):
        self.recording = Recording()

    def replay(self):
        with torch.no_grad():
            for func, args, kwargs, result in self.recording.calls:
                again = func(*args, **kwargs)
                for place, value in zip(tensors(result), tensors(again), strict=True):
                    if place.data_ptr() != value.data_ptr():
                        place.copy_(value)


def tensors(tree):
    found = []
    tree_map_only(torch.Tensor, found.append, tree)
    return found


@pytest.fixture
def gpu():
    """torch.cuda's graphs and streams, pretended on the CPU; what a recording changed is taken back by `trainer`."""
    state = SimpleNamespace(kept=dict, put_back=lambda kept: None)

    @contextmanager
    def record(graph, **options):
        kept, rng_state = state.kept(), torch.get_rng_state()
        with graph.recording:
            yield
        state.put_back(kept)
        torch.set_rng_state(rng_state)

    stream = mock.Mock()
    names = {
        "CUDAGraph": Graph, "graph": record, "Stream": lambda: stream, "current_stream": lambda: stream,
        "stream": lambda s: nullcontext(), "get_sync_debug_mode": lambda: 0, "set_sync_debug_mode": lambda mode: None,
        "default_generators": (),
    }  # fmt: skip
    with mock.patch.multiple(torch.cuda, **names), mock.patch("torch.nn.functional.one_hot", one_hot):
        yield state


def one_hot(y, classes):
    """As on a GPU: on a CPU it first looks whether each class is one."""
    return (y.unsqueeze(-1) == torch.arange(classes)).long()


def trainer(run, gpu=None):
    torch.manual_seed(0)
    made = Trainer(run, split(small_data(), 20, 0), CPU)
    made.optimizer.param_groups[0]["lr"] = torch.tensor(float(run.settings.lr))  # as on a GPU
    if gpu:
        # Everything, also what no file of weights holds, such as what temporal ensembling remembers of each image.
        places = [t for m in made.models for t in (*map(Tensor.detach, m.parameters()), *m.buffers())]

        if made.contrastive:
            places += [*map(Tensor.detach, made.contrastive.head.parameters()), *made.contrastive.head.buffers()]

        def memory():
            return [*places, *(t for m in made.optimizer.state.values() for t in m.values())]

        gpu.kept = lambda: [t.clone() for t in memory()]
        gpu.put_back = lambda kept: [t.copy_(k) for t, k in zip(memory(), kept, strict=True)]
        made.replayed, made.pretrained = CudaGraph(made.learn), CudaGraph(made.pretrain)
    return made


def learned(made, steps=10):
    values = []
    for step in range(steps):
        values.append(made.step(step, steps))
        if step == 6:
            made.evaluate()  # beside the graph, with an RNG state of its own
    return values, {**made.model.state_dict(), **{f"averaged.{k}": v for k, v in made.averaged.state_dict().items()}}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("model", IMAGE_LEARNERS)
def test_a_recorded_step_learns_what_the_step_would_have_learned(model, preset, gpu):
    """With two sizes of batches, dropout, every change of an image; rate and weight differ from step to step."""
    run = Run.make("digits", model, labels=20, epochs=2, preset=preset, device="cpu")
    settings = {"hidden": (8,), "width": 4, "n_z": 2, "n_a": 2, "batch_u": 33, "bf16": False, "dropout": 0.1}
    run = replace(run, settings=replace(run.settings, **settings, schedule="cosine", ema=0.9, ramp_up=1.0))
    plain_values, plain = learned(trainer(run))
    recorded = trainer(run, gpu)
    values, state = learned(recorded)
    graphs = recorded.replayed.recorded
    assert sum(recorded.replayed.calls.values()) == 10
    assert graphs
    assert all(n > WARM_UP for shapes, n in recorded.replayed.calls.items() if shapes in graphs)
    assert all(torch.equal(a, b) for a, b in zip(plain_values, values, strict=True))
    assert [k for k in plain if not torch.equal(plain[k], state[k])] == []


def test_contrastive_pretraining_is_recorded_apart(gpu):
    """Its steps and those down J that follow are two recordings."""
    run = Run.make("digits", "m2", labels=20, epochs=2, device="cpu")
    settings = {"hidden": (8,), "width": 4, "n_z": 2, "batch_u": 20, "bf16": False, "contrastive_epochs": 1}
    run = replace(run, settings=replace(run.settings, **settings))
    plain = trainer(run)
    plain_values, kept = learned(plain)
    assert plain.pretraining_steps == 5
    recorded = trainer(run, gpu)
    values, state = learned(recorded)
    assert recorded.pretrained.recorded
    assert recorded.replayed.recorded
    assert all(torch.equal(a, b) for a, b in zip(plain_values, values, strict=True))
    assert [k for k in kept if not torch.equal(kept[k], state[k])] == []


def test_a_recorded_run_continues_where_it_stopped(gpu, tmp_path):
    """The learning rate, which is a tensor then, and the optimiser's memory find their places before the recording."""
    run = Run.make("digits", "m2", labels=20, epochs=2, device="cpu")
    run = replace(run, settings=replace(run.settings, hidden=(8,), width=4, n_z=2, batch_u=25, bf16=False, dropout=0.1))
    whole_values, whole = learned(trainer(run))
    first = trainer(run, gpu)
    for step in range(6):
        first.step(step, 10)
    save_progress(tmp_path, first, Progress(step=6))
    second = trainer(run, gpu)
    torch.rand(3)
    assert load_progress(tmp_path, second).step == 6
    values = [second.step(step, 10) for step in range(6, 10)]
    assert all(torch.equal(a, b) for a, b in zip(whole_values[6:], values, strict=True))
    assert second.replayed.recorded
    assert all(torch.equal(whole[k], v) for k, v in second.model.state_dict().items())


def test_each_size_of_a_batch_has_a_recording_of_its_own(gpu):
    learn = CudaGraph(lambda x: x.sum())
    results = [learn(torch.full((n,), float(i))).item() for i in range(6) for n in (2, 3)]
    assert results == [float(i * n) for i in range(6) for n in (2, 3)]
    assert set(learn.recorded) == {((2,),), ((3,),)}


def test_what_a_step_returned_stays_what_it_was(gpu):
    learn = CudaGraph(lambda x: 2 * x)
    results = [learn(torch.tensor([float(i)])) for i in range(6)]
    assert torch.cat(results).tolist() == [0, 2, 4, 6, 8, 10]


def test_a_step_that_asks_the_device_for_a_number_is_not_recorded(gpu, caplog):
    """The warm-up does not hear it here, so the recording fails; the run goes on and says so once."""
    learn = CudaGraph(lambda x: x * float(x.sum()))
    with caplog.at_level(logging.WARNING, "models.training.cuda_graph"):
        assert [learn(torch.tensor([float(i)])).item() for i in range(7)] == [float(i * i) for i in range(7)]
    assert not learn.recorded
    assert [r.getMessage() for r in caplog.records] == [
        "A step cannot be recorded, so it will be slower: "
        "_local_scalar_dense: operation not permitted when stream is capturing"
    ]


def test_a_step_that_is_heard_to_wait_is_never_recorded(gpu, caplog):
    """CUDA says so of itself; another warning, such as that on listening at all, does not count."""

    def warned(text):
        def learn(x):
            warnings.warn(text, UserWarning, stacklevel=1)
            return 2 * x

        return learn

    quiet = CudaGraph(warned("Synchronization debug mode does not yet detect all synchronizing operations."))
    waits = CudaGraph(warned("called a synchronizing CUDA operation (Triggered internally)"))
    with caplog.at_level(logging.WARNING, "models.training.cuda_graph"):
        waits(torch.ones(1))
    assert not waits.possible
    assert "test_replay.py" in caplog.text
    quiet(torch.ones(1))
    assert quiet.possible


@pytest.mark.parametrize("model", [m for m in IMAGE_LEARNERS if not MODELS[m].frozen])
@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_no_step_on_photographs_waits_for_the_device(dataset, model, gpu):
    """The estimated sum, the bar that follows, mixing, filters: what the digits' presets do not have."""
    run = Run.make(dataset, model, labels=100, epochs=2, device="cpu")
    run = replace(run, settings=replace(run.settings, hidden=(8,), width=4, filters=min(4, run.settings.filters)))
    x = np.random.default_rng(0).integers(0, 256, (300, 3, 32, 32), np.uint8)
    y = np.arange(300) % DATASETS[dataset].n_classes
    images = Images(dataset, x, y, x[:9], y[:9], tuple(map(str, range(DATASETS[dataset].n_classes))))
    made = Trainer(run, split(images, 100, 0), CPU)
    with Recording() as recording:
        made.model.train()
        made.learn(*made.batch(0))
    assert len(recording.calls) > 100
