"""Where the engine of this machine keeps its things."""

from pathlib import Path


class QueuePaths:
    """Where the supervisor of a runs folder keeps its things."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".jobs"
        self.queue = self.folder / "queue.db"
        self.lock = self.folder / "supervisor.lock"
        self.about = self.folder / "supervisor.json"
        self.err = self.folder / "supervisor.err"  # what it printed: nothing, unless it cannot live
        self.log = self.folder / "supervisor.log"
        self.plane = self.folder / "plane"  # sessions in the plane (models/plane/desk.py)
        self.wake = self.folder / "wake"
