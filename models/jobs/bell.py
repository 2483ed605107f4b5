"""How an app wakes the supervisor: a named pipe, or a file that is looked at where there can be no pipe.

There are none on exFAT and on some of WSL's /mnt/c. Ringing is the same for both: to append a byte.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

LOOK = 0.25  # seconds between two looks at a file


class Bell:
    """The supervisor's side. Only the holder of its lock may make one. Raises OSError if not even a file can be."""

    def __init__(self, path: Path) -> None:
        self.pipe = self._pipe(path)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | (0 if self.pipe else os.O_CREAT), 0o644)
        self.waits_on = [self.fd] if self.pipe else []  # for `select`, to which a file is always ready
        self.look_after = None if self.pipe else LOOK

    @staticmethod
    def _pipe(path: Path) -> bool:
        with suppress(FileNotFoundError):
            if stat.S_ISFIFO(os.lstat(path).st_mode):
                return True
            os.unlink(path)  # a file: what another machine left here, or the supervisor before this one
        try:
            os.mkfifo(path)
        except (OSError, AttributeError, NotImplementedError):
            return False
        return True

    def rang(self) -> bool:
        """Whether somebody rang since the last look."""
        if self.pipe:
            with suppress(BlockingIOError):
                return bool(os.read(self.fd, 65536))
            return False
        if os.fstat(self.fd).st_size == 0:
            return False
        os.ftruncate(self.fd, 0)
        return True

    def close(self) -> None:
        os.close(self.fd)


def ring(path: Path) -> None:
    """Wake the supervisor, if there is one. Never raises."""
    with suppress(OSError):
        bell = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)  # of a pipe: if somebody listens
        try:
            os.write(bell, b"!")
        finally:
            os.close(bell)
