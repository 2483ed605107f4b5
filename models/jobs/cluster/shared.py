"""What lies in the runs folder for all nodes: a name that no other folder has, and the code that runs are made by."""

import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from models.environment import PROJECT
from models.jobs.queue_paths import QueuePaths
from models.runs.files import replace

TAKEN = ("models", "data", "supported.py", "pyproject.toml")  # all that a run's process imports or reads
KEPT = 8  # versions of the code; a run that goes on may still import from an older one


def name(paths: QueuePaths) -> str:
    """The name of a runs folder: of its actors' namespace, and by which a node knows that it sees this very folder."""
    path = paths.folder / "cluster-name"
    with suppress(FileNotFoundError):
        if text := path.read_text().strip():
            return text
    replace(path, f"few-labels-{uuid.uuid4().hex[:12]}")
    return path.read_text()


def code(paths: QueuePaths, project: Path = PROJECT) -> Path:
    """A copy of the code as it is now, named after its content: 2 MB or so, written once, never changed."""
    files = sorted(path for top in TAKEN for path in below(project / top))
    content = {path.relative_to(project): path.read_bytes() for path in files}
    sha = hashlib.sha256()
    for path, text in content.items():
        sha.update(f"{path}\0{len(text)}\0".encode() + text)
    kept = paths.folder / "code"
    whole = kept / sha.hexdigest()[:16]
    if not whole.is_dir():
        draft = kept / f".{whole.name}-{os.getpid()}"
        for path, text in content.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / path).write_bytes(text)
        try:
            draft.rename(whole)
        except OSError:  # another one was quicker
            shutil.rmtree(draft, ignore_errors=True)
    with suppress(OSError):
        os.utime(whole)
    for old in sorted(kept.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return whole


def below(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
