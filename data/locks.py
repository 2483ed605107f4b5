"""File locks: who holds a run folder, a data set or the queue, found out without trusting a process id.

A lock is held by a descriptor, and freed by the kernel when the last process that has it is gone. That is `flock`, and
where the file system does not know it (Lustre without `-o flock`, some of WSL's /mnt/c) on Linux an abstract Unix
socket named after the file. It is as safe, among the processes of one machine.
"""

import errno
import fcntl
import hashlib
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

NODE = "FEWLABELS_NODE"  # in the environment of a process on a node of a cluster: what the node is called
SIGNATURE = 300  # bytes that are read of what a holder writes: its id and the name of a node
LOCK_PATIENCE = 0.5  # seconds; a reader that asks whether a run lives holds its lock for some microseconds


def held(path: Path) -> bool:
    """Whether some process holds the lock on `path`."""
    return look(path)[0]


def look(path: Path) -> tuple[bool, str]:
    """Whether some process holds the lock on `path`, and what the last one that did has written there: one opening.

    Found out the portable way: by trying to share it for a moment.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False, ""
    text = ""
    try:
        text = os.read(fd, SIGNATURE).decode(errors="replace")
        os.close(lock(fd, path, fcntl.LOCK_SH))
    except BlockingIOError:
        return True, text
    except OSError:  # there can be no locks, so nobody has one
        return False, text
    return False, text


def take(path: Path, patience: float = LOCK_PATIENCE) -> int:
    """Lock `path`, write this process's id into it, and return the descriptor that holds it.

    Raises BlockingIOError if another process has it, OSError if the file cannot be written or there can be no locks.
    Not inherited by programs this process starts.
    """
    give_up = time.monotonic() + patience
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fd = lock(fd, path, fcntl.LOCK_EX)
            break
        except BlockingIOError:  # perhaps only somebody asking, who lets go at once
            if time.monotonic() >= give_up:
                raise
            time.sleep(0.01)
    try:
        sign(path, os.getpid())
    except OSError:
        os.close(fd)
        raise
    return fd


def sign(path: Path, pid: int) -> None:
    """Write into the locked file `path` which process holds it, and of which node if it is one of a cluster.

    Its id says nothing on another machine: with a node's name beside it nobody takes it for one of its own.
    """
    node = os.environ.get(NODE)
    with open(path, "r+b", buffering=0) as f:
        f.truncate(0)
        f.write(f"{pid}@{node}".encode() if node else str(pid).encode())


def release(fd: int) -> None:
    """Let go at once, even if a process that was forked meanwhile shares the descriptor (of a `flock`)."""
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)


def holder(path: Path) -> int | None:
    """The id of the process of this machine that holds the lock on `path`, or None."""
    taken, text = look(path)
    return int(text) if taken and text.isdecimal() else None


def node_in(text: str) -> str:
    """The node that `sign` wrote, or ""."""
    return text.partition("@")[2]


def lock(fd: int, path: Path, kind: int) -> int:
    """The descriptor that holds the lock: `fd`, or a socket's in its place. On errors `fd` is closed."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
        return fd
    except BlockingIOError:
        os.close(fd)
        raise
    except OSError:
        os.close(fd)
        return named_socket(path)


def named_socket(path: Path) -> int:
    """A socket bound to the abstract name of `path`, which one process at a time can have.

    By path, not by inode: exFAT draws new inode numbers whenever it likes.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOLCK, "The file system knows no locks (flock)", str(path))
    name = hashlib.sha256(os.path.realpath(path).encode(errors="surrogateescape")).hexdigest()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        try:
            s.bind(f"\0few-labels-{name}")
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                raise BlockingIOError(errno.EAGAIN, "Another process holds the lock", str(path)) from e
            raise
        return s.detach()
