"""The same runs on a Ray cluster of two nodes, where Ray is installed (and in CI): tests/jobs/two_nodes/, run here.

They run in a process of their own, in a network of its own if this system lets us begin one. Else the nodes listen at
127.0.0.1 all the same (a test says so), and want a token.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from lab import ROOT

TWO_NODES = Path(__file__).parent / "two_nodes"
sys.path.insert(0, str(TWO_NODES))
import namespace  # noqa: E402


@pytest.mark.slow
@pytest.mark.skipif(
    not (importlib.util.find_spec("ray") or os.environ.get("CI")), reason="Ray is not here: make cluster"
)
@pytest.mark.parametrize("module", ["runs", "by_hand"])
@pytest.mark.timeout(1800)
def test_two_nodes(module, tmp_path):
    short = tempfile.mkdtemp(prefix="fl-", dir="/tmp")  # Ray's sockets lie below it: their names may not be long
    env = {
        **os.environ,
        "FEWLABELS_TEST_INSIDE": short,
        "HOME": short,
        "RAY_TMPDIR": short,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # 127.0.0.1 is what it says, not a name of the machine
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(TWO_NODES)]),
    }
    env.pop("PYTEST_XDIST_WORKER", None)
    (Path(short) / ".ray").mkdir()
    (Path(short) / ".ray" / "auth_token").write_text(secrets.token_hex(32))
    command = [*(namespace.way_in() or ()), sys.executable, "-m", "pytest", str(TWO_NODES / f"{module}.py"),
               "-p", "no:xdist", "-p", "no:randomly", "-p", "no:cacheprovider", "-x", "-W", "default",
               "--durations=12", "--basetemp", str(tmp_path / "in")]  # fmt: skip
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
        figures = Path(short) / "figures"
        print(done.stdout, figures.read_text() if figures.exists() else "")
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    finally:
        for pid in those_of(short):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(short, ignore_errors=True)
    assert " skipped" not in done.stdout


def those_of(short):
    """What is left of the processes that were begun with this folder; most end by themselves."""
    mark = f"FEWLABELS_TEST_INSIDE={short}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
