"""Follows metrics.jsonl, one JSON record a line, for any number of readers."""

import threading
from typing import TYPE_CHECKING

from models.runs import records

if TYPE_CHECKING:
    from models.runs.store import Folder


class Tail:
    """Follows a run's records for any number of readers: each look reads only what is new.

    One is enough for all viewers of a run, so that ten open pages cost one read.
    """

    def __init__(self, folder: "Folder") -> None:
        self.folder = folder
        self._records: list[dict] = []
        self._offset = 0
        self._inode = None
        self._lock = threading.Lock()

    def read(self) -> list[dict]:
        """Every record so far, in order. The list is the caller's own; the records are shared: do not change them."""
        with self._lock:
            try:
                at = self.folder.metrics.stat()
            except OSError:
                return []
            if at.st_ino != self._inode or at.st_size < self._offset:  # it was continued, and the file replaced
                self._records, self._offset, self._inode = [], 0, at.st_ino
            if at.st_size > self._offset:
                new, self._offset = self.folder.records(self._offset)
                self._records.extend(new)
            return list(self._records)


def whole_lines(data: bytes, offset: int) -> tuple[list[dict], int]:
    """The records in `data`, which begins at byte `offset`, up to its last newline; what is no record is skipped."""
    data = data[: data.rfind(b"\n") + 1]
    return records.lines(data)[0], offset + len(data)
