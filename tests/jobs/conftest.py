"""Engines for the tests of the queue: of the module or of the test's own, forking and not."""

import sys

import pytest
from lab import lab

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # they look into /proc


@pytest.fixture(scope="module", params=["warm", "cold"])
def shared(request, tmp_path_factory):
    """One engine for all tests that leave it as it was, and two runs at once: forking (with torch), and not."""
    fork, torch = ("1", "1") if request.param == "warm" else ("0", "")
    root = tmp_path_factory.mktemp(request.param)
    with lab(root, FEWLABELS_FORK=fork, FEWLABELS_SLOTS="2", FAKE_TORCH=torch) as it:
        yield it.ready()


@pytest.fixture
def both(shared):
    """That engine, with nothing going on when the test begins; what a failed test has left to run is ended."""
    yield shared
    for id in shared.queue.rows():
        shared.stop(id)
    shared.settled()


@pytest.fixture(params=["warm", "cold"])
def each(request, tmp_path):
    """An engine of the test's own, forking and not."""
    with lab(tmp_path / "runs", FEWLABELS_FORK="1" if request.param == "warm" else "0") as it:
        yield it.ready()


@pytest.fixture
def cold(tmp_path):
    with lab(tmp_path / "runs") as it:
        yield it


@pytest.fixture
def warm(tmp_path):
    with lab(tmp_path / "runs", FEWLABELS_FORK="1") as it:
        yield it.ready()
