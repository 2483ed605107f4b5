"""A step of learning, recorded once on a GPU and then replayed as a CUDA graph.

A step is a thousand small operations. Python takes ten times as long to ask for them one by one as a GPU takes to do
them all; a graph is asked for once. It does the same operations on the same memory, so the numbers are the same.
"""

import logging
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # calls that run as they are, in which libraries choose their algorithms and the optimiser its memory

log = logging.getLogger(__name__)


class CudaGraph:
    """`learn(*inputs)` for a `learn` that takes and returns tensors on a CUDA device and never waits for it.

    Each shape of the inputs is recorded once. What `learn` changes must stay where it is: weights, the optimiser's
    memory and a learning rate that is a tensor do. Random numbers go on from one replay to the next, as without it.
    One that cannot be recorded, for instance because it asks the device for a number, is called as it is.
    """

    def __init__(self, learn: Callable[..., Tensor]) -> None:
        self.learn = learn
        self.calls: dict[tuple, int] = {}
        self.recorded: dict[tuple, tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Tensor]] = {}
        self.possible = True
        self.stream = torch.cuda.Stream()

    def __call__(self, *inputs: Tensor) -> Tensor:
        shapes = tuple(tuple(t.shape) for t in inputs)
        self.calls[shapes] = self.calls.get(shapes, 0) + 1
        if not self.possible:
            return self.learn(*inputs)
        if self.calls[shapes] <= WARM_UP:
            return self.warm_up(inputs)
        if shapes not in self.recorded:
            try:
                self.recorded[shapes] = self.record(inputs)
            except RuntimeError as e:
                self.give_up(str(e))
                return self.learn(*inputs)
        graph, buffers, result = self.recorded[shapes]
        for buffer, t in zip(buffers, inputs, strict=True):
            buffer.copy_(t)
        graph.replay()
        return result.clone()  # the next replay writes there

    def warm_up(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """A call on the stream that the recording will use, which is not the one that all else uses.

        CUDA tells whether it waits for the device, for a recording that does so leaves a disorder behind.
        """
        self.stream.wait_stream(torch.cuda.current_stream())
        mode = torch.cuda.get_sync_debug_mode()
        with torch.cuda.stream(self.stream), warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                result = self.learn(*inputs)
            finally:
                torch.cuda.set_sync_debug_mode(mode)
        torch.cuda.current_stream().wait_stream(self.stream)
        if waits := [w for w in heard if "called a synchronizing" in str(w.message)]:
            self.give_up(f"{waits[0].filename}:{waits[0].lineno} waits for the device")
        return result

    def record(self, inputs: tuple[Tensor, ...]) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Tensor]:
        """The graph, and where its inputs and its result lie. Nothing is computed yet."""
        buffers = tuple(t.clone() for t in inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            result = self.learn(*buffers)
        return graph, buffers, result

    def give_up(self, why: str) -> None:
        """Say so, and call `learn` as it is from now on."""
        log.warning("A step cannot be recorded, so it will be slower: %s", why.strip().splitlines()[0])
        self.possible = False
        for generator in torch.cuda.default_generators:  # one whose recording was broken off would wait for its end
            generator.graphsafe_set_state(generator.clone_state())
