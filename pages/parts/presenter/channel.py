"""What the presenter shows, for all browsers of this server that follow. There is one presenter: the last who came."""

import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from models.errors import UserError

GONE = 60.0  # seconds without a connection after which a presenter is given up
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is taken for another, read from a screen


@dataclass(frozen=True)
class Shown:
    """A page as the presenter has it. Whatever changes, `version` grows."""

    version: int
    page: str = ""  # its file, as the menu names it; "": none yet
    address: tuple[tuple[str, str], ...] = ()  # its parameters
    live: str = ""  # what the browser alone knows, as JSON: per group of maps the lasso, the pin, the epoch
    ended: str = ""  # a sentence, once there is no presenter any more


class Channel:
    """Who presents, and what. Safe for the threads of all sessions; knows nothing of Streamlit."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.key = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2))
        self._clock = clock
        self._lock = threading.Lock()
        self._told = False
        self._who: str | None = None
        self._connected: Callable[[], bool] = bool
        self._heard = 0.0
        self._shown = Shown(0)

    def announce(self) -> None:
        """Print the key, once: below the address that Streamlit prints, when the first page is opened."""
        with self._lock:
            told, self._told = self._told, True
        if not told:
            print(f"  Presenter's key: {self.key}", file=sys.stderr, flush=True)

    def take(self, key: str, who: str, connected: Callable[[], bool]) -> None:
        """Let `who` present from now on, in place of whoever did. Raises UserError if `key` is a wrong one."""
        if not secrets.compare_digest(key.strip().lower().encode(errors="replace"), self.key.encode()):
            raise UserError(
                f"{key.strip()[:20]!r} is not the presenter's key. It stands in the terminal in which the server was "
                "started."
            )
        with self._lock:
            self._who, self._connected, self._heard = who, connected, self._clock()
            self._shown = Shown(self._shown.version + 1)

    def presents(self, who: str | None) -> bool:
        """Whether `who` is the presenter."""
        return who is not None and who == self._who

    def show(self, who: str, page: str, address: dict[str, str], live: str | None = None) -> None:
        """The presenter sees this; without `live` nothing more is known of the page than before. Others are ignored."""
        with self._lock:
            if who != self._who:
                return
            self._heard, before = self._clock(), self._shown
            if live is None:
                live = before.live if before.page == page else ""
            now = Shown(before.version, page, tuple(sorted(address.items())), live)
            if now != before:
                self._shown = replace(now, version=before.version + 1)

    def leave(self, who: str) -> None:
        """The presenter has stopped."""
        with self._lock:
            if who == self._who:
                self._end("The presenter has stopped.")

    def look(self) -> Shown | None:
        """What the presenter shows now; None as long as nobody has presented anything."""
        with self._lock:
            if self._who is not None:
                if self._connected():
                    self._heard = self._clock()
                elif self._clock() - self._heard > GONE:
                    self._end("The presenter has been gone for a minute.")
            return self._shown if self._shown.page or self._shown.ended else None

    def _end(self, why: str) -> None:
        self._who = None
        self._shown = Shown(self._shown.version + 1, ended=why)


CHANNEL = Channel()  # of this process
