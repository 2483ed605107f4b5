"""The process of a session, or of a part of its methods: it learns, shows and listens until nobody looks any more.

Forked from the warm process by the supervisor, or `python -m models.plane.player FOLDER PART PARTS` by itself.
"""

import os
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from pickle import UnpicklingError

import torch

from models.errors import UserError
from models.plane.desk import UNSEEN, Ask, Desk
from models.plane.session import Session
from models.plane.setup import SetUp

SLICE = 0.1  # seconds of learning between two frames
PAUSE = 0.03  # between two looks at what is asked
LINGER = 10.0  # seconds without anything to do after which it leaves; its state is kept


def play(desk: Desk, part: int, parts: int) -> None:
    """Until the page is gone, or there has been nothing to do for a while."""
    torch.set_num_threads(1)
    player = Player(desk, part, parts)
    idle = time.monotonic()
    ask = None
    while desk.unseen() < UNSEEN and not desk.must_leave():
        # Who looks at one point after the other is answered at once.
        if time.monotonic() - idle > (LINGER if ask is None or ask.point < 0 else UNSEEN):
            break
        ask = desk.asked()
        if ask and player.follow(ask):
            idle = time.monotonic()
        else:
            time.sleep(PAUSE)
    player.leave()


class Player:
    """A session and how far it has followed what is asked."""

    def __init__(self, desk: Desk, part: int, parts: int) -> None:
        self.desk, self.part, self.parts = desk, part, parts
        self.session: Session | None = None
        self.done: Ask | None = None
        self.steps = 0  # of those asked for one by one
        self.shown: dict[str, dict] = {}  # the frames on the desk

    def follow(self, ask: Ask) -> bool:
        """Do the next bit of what is asked and show it; False if there is nothing to do."""
        setup = share(ask.setup, self.part, self.parts)
        if not setup.models:
            return False
        try:
            worked = self.set_up(setup, ask)
        except UserError as e:
            if self.done != ask:
                self.desk.say_trouble(str(e))
            self.done = ask
            return False
        session = self.session
        if session is None:
            return False
        if ask.playing and not session.settled:
            session.tick(SLICE)
            worked = True
        elif ask.steps > self.steps:
            session.step()
            worked = True
        self.steps = ask.steps if ask.playing or not worked else min(ask.steps, self.steps + 1)
        shows = worked or self.done is None or (self.done.truth, self.done.point) != (ask.truth, ask.point)
        if shows:
            followed = ask if self.steps == ask.steps else replace(ask, steps=self.steps)
            self.show(session, followed)
        self.done = ask
        return shows

    def show(self, session: Session, ask: Ask) -> None:
        """Keep what is new of each method: one that has settled is shown once, unless something else is asked."""
        frames = session.frame(ask.truth, ask.point)
        other = self.done is None or replace(ask, since=0.0) != replace(self.done, since=0.0)
        new = {model: seen for model, seen in frames.items() if other or self.shown.get(model) is not seen}
        self.desk.show(session.setup, new, ask)
        self.shown = frames

    def set_up(self, setup: SetUp, ask: Ask) -> bool:
        """Have the session that is asked for; whether it is another one than before."""
        if self.session is None:
            self.steps = ask.steps if ask.playing else min(self.desk.followed(model) for model in setup.models)
            self.session = self.resumed(setup, ask.resets)
            return True
        if self.done and ask.resets != self.done.resets:
            self.session = Session(setup)
            for model in setup.models:
                self.desk.state_path(model).unlink(missing_ok=True)
            return True
        if setup != self.session.setup:
            self.session.change(setup)
            return True
        return False

    def resumed(self, setup: SetUp, resets: int) -> Session:
        """A session of this set-up that goes on where its methods were left, under whatever set-up that was."""
        kept: dict[str, dict] = {}
        for model in setup.models:
            with suppress(OSError, RuntimeError, KeyError, ValueError, EOFError, UnpicklingError):  # none that is whole
                state = torch.load(self.desk.state_path(model), weights_only=True)
                if state["resets"] == resets:
                    kept[model] = state
        before = [replace(SetUp.from_dict(state["setup"]), models=setup.models) for state in kept.values()]
        if not before or any(one != before[0] for one in before):
            return Session(setup)
        try:
            session = Session(before[0])
            session.restore({model: state["learner"] for model, state in kept.items()})
        except (UserError, KeyError, ValueError, RuntimeError):  # its points are gone, or another version kept it
            return Session(setup)
        if before[0] != setup:
            session.change(setup)
        return session

    def leave(self) -> None:
        """Keep how far each method came, for whoever looks again."""
        if not (self.session and self.done):
            return
        about = {"setup": asdict(self.session.setup), "resets": self.done.resets}
        for model, learner in self.session.state().items():
            path = self.desk.state_path(model)
            draft = path.with_suffix(".draft")
            torch.save(about | {"learner": learner}, draft)
            os.replace(draft, path)


def share(setup: SetUp, part: int, parts: int) -> SetUp:
    """The methods of one of several processes: dealt out from the last, which cost most, to and fro."""
    order = list(reversed(setup.models))
    turn = [*range(parts), *reversed(range(parts))]
    mine = {model for i, model in enumerate(order) if turn[i % len(turn)] == part}
    return replace(setup, models=tuple(model for model in setup.models if model in mine))


def leave(path: str, part: int, parts: int) -> None:
    """Play and end this process at once."""
    desk, code = Desk(Path(path)), 0
    try:
        play(desk, part, parts)
    except Exception as e:  # noqa: BLE001  # the boundary of a session: what went wrong ends it, and no other
        traceback.print_exc()
        desk.say_trouble(f"The session ended with an error ({type(e).__name__}: {e}). Reset it.")
        code = 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    leave(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
