"""An explorer in a process of its own, for tests and measurements in a real browser."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
STARTS = 60  # seconds at most


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def served(log: Path, script: str = "app.py", **env: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address of an explorer, or of another script, and its process, which ends afterwards; a supervisor does not.

    `env` joins the environment; what the process prints goes to `log`.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
    command += ["--server.headless", "true"]
    with open(log, "wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=out, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + STARTS
        while True:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer:
                    assert answer.read() == b"ok"
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, "the explorer does not answer"
                time.sleep(0.1)
        yield address, process
    finally:
        process.terminate()
        process.wait(60)
