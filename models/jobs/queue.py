"""What waits and what runs, in SQLite, so that several apps and one supervisor can share it.

The run folders are the truth; this is the order of service. It can be deleted at any time: what is queued is found
again by the folders' own status.json.
"""

import heapq
import sqlite3
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from models.analysis import ANALYSES
from models.errors import JobsError

FOR_GOOD = {  # what SQLite says of a file system that lacks something it needs, and of one that is read-only
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
}
PATIENCE = 2.0  # seconds to wait for another process that is writing
TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
    running INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS maps (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, which TEXT NOT NULL, epoch INTEGER NOT NULL,
    method TEXT NOT NULL, failure TEXT, UNIQUE (id, which, epoch, method));
"""


class QueueDamaged(JobsError):
    """The file is no queue: not a matter of trying again."""


class QueueUnusable(JobsError):
    """There can be no queue in this folder, now or later."""


@dataclass(frozen=True)
class Row:
    """One run the queue knows. `position` is 1 for the next one to start, None if it was taken from the queue."""

    id: str
    owner: str
    position: int | None


@dataclass(frozen=True)
class MapRequest:
    """One of `ANALYSES`, by its name, of the latents `which` or of the whole data set (`FULL_DATASET`)."""

    id: str
    which: str
    epoch: int
    method: str


class Queue:
    """A connection for any number of threads of one process. Every method may raise JobsError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._inode = None

    def close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._db is None or not self.path.exists() or self.path.stat().st_ino != self._inode:
                    self._open()  # the first time, or the runs folder was emptied under us
                yield cast(sqlite3.Connection, self._db)  # `_open` made it
            except (sqlite3.Error, OSError) as e:
                if self._db is not None and self._db.in_transaction:
                    self._db.rollback()
                if type(e) is sqlite3.DatabaseError:  # its sub-classes are what may pass
                    raise QueueDamaged(f"The queue {self.path} is damaged ({e}).") from e
                if primary(e) in FOR_GOOD:
                    why = f"The queue {self.path} cannot be kept there ({e})."
                    raise QueueUnusable(f"{why} Choose another folder for runs with FEWLABELS_RUNS.") from e
                raise JobsError(f"The queue {self.path} cannot be used just now ({e}). Try again in a moment.") from e

    def _open(self) -> None:
        self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            try:
                db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as e:
                if primary(e) not in FOR_GOOD:
                    raise
                db.execute("PRAGMA journal_mode = DELETE")  # WAL needs memory shared through the file system
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(TABLES)
            self._inode = self.path.stat().st_ino
        except BaseException:
            db.close()
            raise
        self._db = db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    # Runs

    def add(self, id: str, owner: str) -> None:
        """Put a run at the end of its owner's line. One that is there already stays where it is."""
        with self._connection() as db:
            db.execute("INSERT OR IGNORE INTO runs (id, owner) VALUES (?, ?)", (id, owner))

    def rows(self) -> dict[str, Row]:
        """Everything the queue knows, by id: first what runs, then what waits in the order it will be served."""
        with self._connection() as db:
            return {row.id: row for row in self._rows(db)}

    def _rows(self, db: sqlite3.Connection) -> list[Row]:
        every = db.execute("SELECT id, owner, running FROM runs ORDER BY seq").fetchall()
        served = defaultdict(int, db.execute("SELECT owner, served FROM owners"))
        turns = Counter(owner for _, owner, running in every if running)
        lines: dict[str, deque[str]] = {}
        for id, owner, running in every:
            if not running:
                lines.setdefault(owner, deque()).append(id)
        rows = [Row(id, owner, None) for id, owner, running in every if running]
        last = max(served.values(), default=0)
        # Everybody's first before anybody's second; of equals, who was served longest ago (or who came first).
        turn = [(turns[owner], served[owner], came, owner) for came, owner in enumerate(lines)]
        heapq.heapify(turn)
        for position in range(1, len(every) - len(rows) + 1):
            taken, _, came, owner = turn[0]
            rows.append(Row(lines[owner].popleft(), owner, position))
            if lines[owner]:
                heapq.heapreplace(turn, (taken + 1, last + position, came, owner))
            else:
                heapq.heappop(turn)
        return rows

    def claim(self, id: str | None = None) -> str | None:
        """Take a run from the queue, this one or else the next: its id; None if it, or any, does not wait."""
        with self._writing() as db:
            row = next((row for row in self._rows(db) if row.position and id in (None, row.id)), None)
            if row is None:
                return None
            db.execute("UPDATE runs SET running = 1 WHERE id = ?", (row.id,))
            db.execute(
                "INSERT INTO owners VALUES (?, 1 + (SELECT COALESCE(MAX(served), 0) FROM owners)) "
                "ON CONFLICT (owner) DO UPDATE SET served = excluded.served",
                (row.owner,),
            )
            return row.id

    def put_back(self, id: str) -> None:
        """Let a claimed run wait again, where it stood."""
        with self._connection() as db:
            db.execute("UPDATE runs SET running = 0 WHERE id = ?", (id,))

    def withdraw(self, id: str) -> bool:
        """Take a waiting run out. False if it does not wait (it was claimed, or is not known)."""
        with self._connection() as db:
            return db.execute("DELETE FROM runs WHERE id = ? AND running = 0", (id,)).rowcount > 0

    def remove(self, id: str) -> None:
        """Forget a run: it has ended."""
        with self._connection() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (id,))

    # Maps

    def ask_map(self, m: MapRequest, again: bool = False) -> None:
        """Ask for a map, once; one that failed stays failed unless `again`."""
        with self._connection() as db:
            if again:
                sql = "DELETE FROM maps WHERE (id, which, epoch, method) = (?, ?, ?, ?) AND failure IS NOT NULL"
                db.execute(sql, key(m))
            db.execute("INSERT OR IGNORE INTO maps (id, which, epoch, method) VALUES (?, ?, ?, ?)", key(m))

    def next_map(self) -> MapRequest | None:
        """The one that was asked for first; what takes minutes comes after all that takes seconds."""
        return next(iter(self.next_maps(1)), None)

    def next_maps(self, most: int) -> list[MapRequest]:
        """The first few in that order."""
        with self._connection() as db:
            slow = [a.name for a in ANALYSES.values() if a.slow]
            sql = (
                "SELECT id, which, epoch, method FROM maps WHERE failure IS NULL "
                f"ORDER BY method IN ({', '.join('?' * len(slow))}), seq LIMIT ?"
            )
            return [MapRequest(*row) for row in db.execute(sql, [*slow, most])]

    def end_map(self, m: MapRequest, failure: str | None = None) -> None:
        """Forget a request that was fulfilled, or keep the sentence that says why it cannot be."""
        with self._connection() as db:
            if failure is None:
                db.execute("DELETE FROM maps WHERE (id, which, epoch, method) = (?, ?, ?, ?)", key(m))
            else:
                sql = "UPDATE maps SET failure = ? WHERE (id, which, epoch, method) = (?, ?, ?, ?)"
                db.execute(sql, (failure, *key(m)))

    def map_request(self, m: MapRequest) -> tuple[bool, str | None]:
        """(asked for, why it failed)."""
        with self._connection() as db:
            sql = "SELECT failure FROM maps WHERE (id, which, epoch, method) = (?, ?, ?, ?)"
            row = db.execute(sql, key(m)).fetchone()
            return row is not None, row[0] if row else None


def primary(e: Exception) -> int | None:
    """SQLite's code for what went wrong, without the details that stand in its upper bits."""
    code = getattr(e, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def key(m: MapRequest) -> tuple[str, str, int, str]:
    return m.id, m.which, m.epoch, m.method
