"""Whose session in the plane learns now: a part of the supervisor.

As many processes as cores at once. A session alone gets two of them, and gives one back as soon as another wants to
learn; when there are more than cores each has its turn, the one that asked first before the others. A turn ends when
the session has settled, pauses or is looked at no more, and after TURN seconds if others wait: then it goes on where it
was at its next turn.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from models.jobs.processes import kill_group
from models.plane.desk import UNSEEN, Ask, Desk, desks

TURN = 30.0  # seconds, from its first frame on: on a core of their own four methods settle in half to two thirds of it
START = 60.0  # at most until there is one: a process that was not forked imports for long on a busy machine
PARTS = 2  # processes of one session at most
COARSE = 0.01  # seconds by which a file's time may lie behind the clock

Start = Callable[[str, str, int, int], int | None]  # name, folder, part, parts: the process id if it is known at once


@dataclass
class Turn:
    """A session that has processes."""

    desk: Desk
    since: float
    names: list[str]
    pids: dict[str, int] = field(default_factory=dict)
    shown: bool = False
    leaving: bool = False
    shares: bool = False  # it leaves to go on at once with one process

    def over(self, now: float) -> bool:
        """Whether it has lasted as long as it may while others wait."""
        return now - self.since > (TURN if self.shown else START)


class Players:
    """The sessions of a folder and their processes."""

    def __init__(self, folder: Path, cores: int, start: Start) -> None:
        self.folder, self.cores, self.start = folder, cores, start
        self.turns: dict[str, Turn] = {}
        self.last: dict[str, float] = {}  # when a session's turn last ended

    @property
    def busy(self) -> bool:
        return bool(self.turns)

    @property
    def pids(self) -> set[int]:
        """Of all processes whose ids are known."""
        return {pid for turn in self.turns.values() for pid in turn.pids.values()}

    @property
    def unnamed(self) -> bool:
        """Whether a process has been asked for whose id is not known yet."""
        return any(len(turn.pids) < len(turn.names) for turn in self.turns.values())

    def forked(self, name: str, pid: int) -> bool:
        """The process `name` has begun; False if it is none of ours."""
        for turn in self.turns.values():
            if name in turn.names:
                turn.pids[name] = pid
                return True
        return False

    def step(self, ended: dict[int, int]) -> None:
        """Begin and end turns; `ended` are processes that are gone, by their ids."""
        now = time.time()
        for token, turn in list(self.turns.items()):
            for name, pid in list(turn.pids.items()):
                if ended.pop(pid, None) is not None:
                    turn.names.remove(name)
                    del turn.pids[name]
            if not turn.names:
                del self.turns[token]
                if not turn.shares:
                    self.last[token] = now
            elif not turn.shown and turn.desk.shows(turn.since - COARSE):
                turn.shown, turn.since = True, now
        if not self.folder.exists():
            return
        wanting = [(desk, ask) for desk in desks(self.folder) if (ask := desk.asked()) and desk.unseen() < UNSEEN]
        waiting = sorted(
            ((desk, ask) for desk, ask in wanting if desk.token not in self.turns and desk.wants(ask)),
            key=lambda one: max(one[1].since, self.last.get(one[0].token, 0.0)),
        )
        for desk, ask in waiting:
            if self.free() <= 0:
                break
            self.begin(desk, ask, PARTS if len(waiting) == 1 else 1, now)
        still = [(desk, ask) for desk, ask in waiting if desk.token not in self.turns]
        places = {desk.token: place for place, (desk, _) in enumerate(still, 1)}
        for desk, _ in wanting:
            desk.say_place(places.get(desk.token, 0))
        if still:
            self.make_room(now)

    def free(self) -> int:
        return max(1, self.cores) - sum(len(turn.names) for turn in self.turns.values())

    def begin(self, desk: Desk, ask: Ask, parts: int, now: float) -> None:
        desk.give_way(False)
        parts = max(1, min(parts, self.free(), len(ask.setup.models)))
        turn = self.turns[desk.token] = Turn(desk, now, [f"plane {desk.token} {part}" for part in range(parts)])
        for part, name in enumerate(list(turn.names)):
            pid = self.start(name, str(desk.path), part, parts)
            if pid is not None:
                turn.pids[name] = pid

    def make_room(self, now: float) -> None:
        """Others wait: the session that has been at it longest leaves, its turn being over, or nothing left to do."""
        for turn in sorted(self.turns.values(), key=lambda t: t.since):
            ask = turn.desk.asked()
            if turn.leaving or ask is None:
                continue
            turn.shares = turn.shown and len(turn.names) > 1 and not turn.over(now) and turn.desk.wants(ask)
            if turn.shares or turn.over(now) or not turn.desk.wants(ask):
                turn.leaving = True
                turn.desk.give_way(True)
                return

    def close(self) -> None:
        """End them all: their pages ask again."""
        for turn in self.turns.values():
            for pid in turn.pids.values():
                kill_group(pid)
