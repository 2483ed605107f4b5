"""A cache that is bounded by the bytes of what it holds, for many threads; each value is computed once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteCache(Generic[T]):
    """Keeps the values used last, at most `most` bytes of them as `size` has it; a larger one is not kept at all.

    Whoever asks for a value that another thread is computing waits for it. A computation that fails is not kept: those
    who waited hear the same exception, and the next who asks tries again.
    """

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self.most, self.size = most, size
        self.bytes = 0  # of all that is kept
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()  # the one used last at the end
        self._coming: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value of `key`: the one kept, the one that is being computed, or what `compute` returns."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            coming, mine = self._coming.get(key), False
            if coming is None:
                coming, mine = self._coming.setdefault(key, Future()), True
        return self._compute(key, compute, coming) if mine else coming.result()

    def _compute(self, key: Hashable, compute: Callable[[], T], coming: Future[T]) -> T:
        try:
            value = compute()
        except BaseException as e:
            with self._lock:
                if self._coming.get(key) is coming:
                    del self._coming[key]
            coming.set_exception(e)
            raise
        with self._lock:
            if self._coming.pop(key, None) is coming:  # else `clear` was called meanwhile
                self._keep(key, value)
        coming.set_result(value)
        return value

    def _keep(self, key: Hashable, value: T) -> None:
        n = self.size(value)
        if n > self.most:
            return
        self._kept[key] = value, n
        self.bytes += n
        while self.bytes > self.most:
            _, (_, gone) = self._kept.popitem(last=False)
            self.bytes -= gone

    def clear(self) -> None:
        """Forget everything; what is being computed is handed to those who wait for it and not kept."""
        with self._lock:
            self._kept.clear()
            self._coming.clear()
            self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)
