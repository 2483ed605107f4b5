"""What every test needs: the project importable, few threads on a shared machine, and the same start in any order.

Tests run in a random order, whose seed the last line tells (`pytest_terminal_summary`). Nothing that a test computes
depends on that seed: each begins with the same RNG states, number of threads and empty caches, whatever ran before it.
FEWLABELS_TEST_RNG=3 begins all of them at another RNG state: what holds at one state only is luck.
"""

import gc
import os
import random
import shutil
import signal
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

# Before numpy or torch are imported, which read them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["FEWLABELS_TEST_SESSION"] = str(os.getpid())  # every process that a test starts inherits it: left_behind.py
os.environ.pop("FEWLABELS_RUNS", None)

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import left_behind
import pytest
from jaxtyping import install_import_hook

from models import METHODS
from models.runs import store

# The shapes that the methods' signatures name are checked wherever a test calls them (loads no torch by itself).
SHARED = (
    "models.methods.class_latent",
    "models.methods.class_sum",
    "models.methods.classifier",
    "models.methods.consistency",
    "models.methods.consistent",
)
install_import_hook(
    [*(f"models.methods.{m}.model" for m in METHODS), *SHARED, "models.nn.augment", "models.nn.distributions",
     "models.nn.kl", "models.nn.layers", "models.nn.networks"], "beartype.beartype",
)  # fmt: skip

MEMORY = Path("/dev/shm")
ROOM = 8e9  # bytes
RNG_STATE = int(os.environ.get("FEWLABELS_TEST_RNG", "0"))
THREADS: list[int] = []  # torch's, before the first test


def pytest_configure(config: pytest.Config) -> None:
    write_to_memory()
    read_once()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` makes a command, and all it starts, deaf
    config.option.randomly_reset_seed = False  # pytest-randomly draws the order; numbers begin as `same_start` says


@pytest.hookimpl(trylast=True)  # after the order was drawn
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Half of the files that have no slow test come last: for a long file at the very end all but one process wait."""
    long = {item.path for item in items if any(map(item.get_closest_marker, ("slow", "browser")))}
    short = list(dict.fromkeys(item.path for item in items if item.path not in long))
    last = {path: at for at, path in enumerate(short[len(short) // 2 :], 1)}
    items.sort(key=lambda item: last.get(item.path, 0))


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    same_start()
    if streamlit := sys.modules.get("streamlit"):  # its caches go by function and arguments; tests replace functions
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
        scan_once()
    if door := sys.modules.get("models.analysis.door"):
        door.forget()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    same_start()  # whether or not the fixtures of a module or of the session were made just now


def write_to_memory() -> None:
    """Let the tests' folders lie in memory, if there is plenty: on a disk each file synced or removed is waited for.

    On a busy machine that was a third of the time of tests that make many runs; at rest little.
    PYTEST_DEBUG_TEMPROOT=/tmp leaves them on the disk.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def read_once() -> None:
    """Keep the versions of packages and the revision of the code, which each run that a test makes would ask for."""
    metadata.version = lru_cache(metadata.version)
    store.revision = lru_cache(store.revision)


def scan_once() -> None:
    """Keep which installed packages bring components: AppTest reads the metadata of all of them for every page.

    That was four fifths of the processor time of a page in a test. A served explorer reads them once.
    """
    from streamlit.components.v2 import manifest_scanner

    if not hasattr(manifest_scanner.scan_component_manifests, "cache_info"):
        manifest_scanner.scan_component_manifests = lru_cache(manifest_scanner.scan_component_manifests)


def same_start() -> None:
    """The same RNG states and number of threads for every test. What has not been imported is left so."""
    random.seed(RNG_STATE)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(RNG_STATE)
    if torch := sys.modules.get("torch"):
        THREADS[:] = THREADS or [torch.get_num_threads()]
        torch.set_num_threads(THREADS[0])
        torch.manual_seed(RNG_STATE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The seed of the order, which pytest-randomly tells in a header that -q leaves out."""
    seed = getattr(config.option, "randomly_seed", None)
    if isinstance(seed, int):
        terminalreporter.write_line(f"The order of the tests was drawn with seed {seed}; again: make test SEED={seed}")


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left(tmp_path_factory):
    """Made before all other fixtures of the session, so that it looks after they have ended what they started."""
    yield
    assert not (left := left_behind.after(20.0, tmp_path_factory.getbasetemp())), "\n".join(left)


@pytest.fixture(scope="module", autouse=True)
def no_process_outlives_its_tests(no_process_is_left, request, tmp_path_factory):
    """The browser, and the explorer that it visits, serve all modules below tests/browser."""
    yield
    if "browser" not in request.node.nodeid:
        left = left_behind.after(10.0, tmp_path_factory.getbasetemp(), but="tests/browser")
        assert not left, "\n".join(left)


@pytest.fixture
def no_supervisor(monkeypatch):
    """Pages meet the engine that nobody serves: what is asked of it waits."""
    from fake_engine import FakeEngine

    from models import jobs

    monkeypatch.setattr(jobs, "Local", FakeEngine)
    jobs.local.cache_clear()
    yield
    jobs.local.cache_clear()


@pytest.fixture
def no_examples(tmp_path, monkeypatch):
    """A copy of Few Labels from which the example runs were deleted: pages say that there is no run."""
    from models.results import examples

    monkeypatch.setattr(examples, "EXAMPLES", tmp_path / "no-examples")


@pytest.fixture
def engine(tmp_path, no_supervisor):
    """That engine, of the runs folder in force when the test begins."""
    from models import jobs
    from models.runs import store

    assert store.root().is_relative_to(tmp_path), "let the fixture that names the runs folder stand before `engine`"
    made = jobs.engine()
    yield made
    made.queue.close()


@pytest.fixture
def small_backbones(monkeypatch, tmp_path):
    """Pretrained networks are stood in for by the mean of 4x4 patches; what is kept of them lies in `tmp_path`.

    The files of their weights hold other bytes than the real ones, and are named by them.
    """
    import hashlib
    from dataclasses import replace

    import torch.nn.functional as F

    from models.nn import pretrained, pretrained_weights

    def features_of(name, x, view=0):
        size, x = pretrained.BACKBONES[name].features, pretrained.VIEWS[view](x)
        return F.adaptive_avg_pool2d(x, 4).flatten(1).repeat(1, -(-size // 16))[:, :size]

    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretrained, "features_of", features_of)
    monkeypatch.setattr(pretrained, "ready", lambda name, device: None)
    pretrained_weights.here().mkdir(parents=True)
    for name, of in pretrained_weights.WEIGHTS.items():
        file = f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.pth"
        (pretrained_weights.here() / file).write_text(name)
        monkeypatch.setitem(pretrained_weights.WEIGHTS, name, replace(of, file=file))


@pytest.fixture
def signals():
    """The handlers of signals are put back."""
    kept = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def exactly():
    """Double precision and a fixed seed, for proofs; both are put back afterwards."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RNG_STATE)
        yield
    torch.set_default_dtype(before)
