"""Whose session in the plane learns now: turns, places in the queue, and processes that end."""

import json
import os
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
from safetensors.numpy import save

from models.jobs import players as module
from models.jobs.players import Players
from models.plane.desk import Ask, Desk, asked_to_go_on
from models.plane.setup import SetUp

SETUP = SetUp("moons", ("supervised", "m2", "adgm"), 6)


class Machine:
    """Stands for the supervisor: processes are begun, get ids and end when a test says so."""

    def __init__(self, folder, cores=2):
        self.begun, self.ended, self.next = [], {}, 100
        self.players = Players(folder, cores, self.start)

    def start(self, name, path, part, parts):
        self.begun.append((name, part, parts))  # its id comes later, as from the warm process

    def step(self):
        self.players.step(self.ended)
        for turn in list(self.players.turns.values()):
            for name in turn.names:
                if name not in turn.pids:
                    self.next += 1
                    assert self.players.forked(name, self.next)

    def end(self, desk):
        """The processes of a session leave."""
        self.ended |= dict.fromkeys(self.players.turns[desk.token].pids.values(), 0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plane").mkdir()
    return tmp_path / "plane"


def desk(folder, name, since, playing=True):
    made = Desk(folder / name)
    made.ask(Ask(SETUP, playing, since=since))
    return made


def show(d, step, total=10):
    """What its processes would have shown."""
    ask = d.asked()
    one = {"step": step, "total": total, "accuracy": 0.5, "J": {}, "curve": [], "q_y": np.zeros((4, 2), np.uint8)}
    frames = dict.fromkeys(ask.setup.models, one)
    d.show(ask.setup, frames, ask)


def test_alone_it_has_two_processes_and_no_place(folder):
    machine, one = Machine(folder), desk(folder, "one", 1)
    machine.step()
    assert [(part, parts) for _, part, parts in machine.begun] == [(0, 2), (1, 2)]
    assert one.place() == 0


def test_who_asked_first_comes_first_and_the_others_see_their_place(folder):
    machine = Machine(folder)
    c, a, b, d = (desk(folder, name, since) for name, since in (("c", 3), ("a", 1), ("b", 2), ("d", 4)))
    machine.step()
    assert list(machine.players.turns) == ["a", "b"]
    assert [x.place() for x in (a, b, c, d)] == [0, 0, 1, 2]
    show(a, 10)
    machine.end(a)
    machine.step()
    assert set(machine.players.turns) == {"b", "c"}
    assert [x.place() for x in (b, c, d)] == [0, 0, 1]


def test_one_that_has_settled_gives_way_at_once_and_one_that_learns_after_its_turn(folder, monkeypatch):
    machine, a, b, c = Machine(folder), *(desk(folder, name, i) for i, name in enumerate("abc"))
    machine.step()
    show(a, 5)
    show(b, 5)
    machine.step()
    assert not a.must_leave()
    assert not b.must_leave()
    show(b, 10)
    machine.step()
    assert b.must_leave()
    machine.end(b)
    machine.step()
    assert set(machine.players.turns) == {"a", "c"}
    d = desk(folder, "d", 9)
    monkeypatch.setattr(module, "TURN", -1.0)
    machine.step()
    assert a.must_leave()
    machine.end(a)
    machine.step()
    assert set(machine.players.turns) == {"c", "d"}
    assert a.place() == 1, "it waits for its next turn"
    assert c.place() == d.place() == 0
    machine.end(c)
    machine.step()
    assert "a" in machine.players.turns
    assert not a.must_leave()


def test_who_pauses_while_waiting_has_no_place_any_more(folder):
    machine, *desks = Machine(folder), *(desk(folder, name, i) for i, name in enumerate("abcd"))
    machine.step()
    assert [d.place() for d in desks] == [0, 0, 1, 2]
    show(desks[2], 0)
    desks[2].ask(replace(desks[2].asked(), playing=False))
    machine.step()
    assert [d.place() for d in desks] == [0, 0, 0, 1]


def test_a_session_alone_gives_a_core_back_as_soon_as_another_wants_to_learn_and_goes_on_at_once(folder):
    machine, one = Machine(folder), desk(folder, "one", 1)
    machine.step()
    late = desk(folder, "late", 2)
    machine.step()
    assert not one.must_leave(), "it has not shown anything yet"
    show(one, 5)
    machine.step()
    assert one.must_leave()
    machine.end(one)
    machine.step()
    assert [(name.split()[1], parts) for name, _, parts in machine.begun[2:]] == [("one", 1), ("late", 1)]
    assert [one.place(), late.place()] == [0, 0]
    machine.step()
    assert not one.must_leave()


def test_the_frames_of_a_turn_before_are_not_those_of_this_one(folder, monkeypatch):
    """They stay in the panels until there are others; and a turn begins with its own first frame."""
    machine, a, b, c = Machine(folder), *(desk(folder, name, i) for i, name in enumerate("abc"))
    show(a, 5)
    old = time.time() - 5
    for path in a.path.glob("frame-*"):
        os.utime(path, (old, old))
    monkeypatch.setattr(module, "TURN", -1.0)
    machine.step()
    machine.step()
    assert set(a.frame()) == set(SETUP.models)
    assert not a.must_leave()
    show(a, 6)
    machine.step()
    assert a.must_leave()
    assert [b.place(), c.place()] == [0, 1]


def test_a_turn_begins_with_its_first_frame(folder, monkeypatch):
    """A process that imports for long on a busy machine is not sent away before it has learned anything."""
    machine, a, b, c = Machine(folder), *(desk(folder, name, i) for i, name in enumerate("abc"))
    monkeypatch.setattr(module, "TURN", -1.0)
    machine.step()
    machine.step()
    assert not a.must_leave()
    show(b, 5)
    machine.step()
    assert b.must_leave()
    assert not a.must_leave()
    monkeypatch.setattr(module, "START", -1.0)
    machine.step()
    assert a.must_leave(), "one that never shows anything"
    assert c.place() == 1


def test_nobody_looks_nobody_learns(folder, monkeypatch):
    machine = Machine(folder)
    desk(folder, "gone", 1)
    monkeypatch.setattr(module, "UNSEEN", -1.0)
    machine.step()
    assert not machine.begun
    assert not machine.players.busy


def test_paused_with_all_shown_wants_nothing_and_a_step_wants_something(folder):
    machine, one = Machine(folder), desk(folder, "one", 1, playing=False)
    machine.step()
    assert len(machine.begun) == 2, "the first picture"
    show(one, 0)
    machine.end(one)
    machine.step()
    assert not machine.players.busy
    one.ask(asked_to_go_on(one.asked(), steps=1))
    machine.step()
    assert len(machine.begun) == 4


def test_no_more_processes_than_methods_or_cores(folder):
    for cores, parts in ((1, 1), (8, 2)):
        machine = Machine(folder / str(cores), cores)
        desk(folder / str(cores), "x", 1)
        machine.step()
        assert len(machine.begun) == parts
    machine = Machine(folder / "single", 8)
    Desk(folder / "single" / "x").ask(Ask(SetUp("moons", ("m2",), 6), True))
    machine.step()
    assert machine.begun[0][1:] == (0, 1)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"setup": 3}', b'{"setup": {"dataset": "x"}}'])
def test_an_ask_that_cannot_be_read_is_none(folder, content):
    machine, one = Machine(folder), desk(folder, "one", 1)
    (one.path / "ask.json").write_bytes(content)
    one.frame_path("m2").write_bytes(content)
    assert one.asked() is None
    assert one.frame() == {}
    machine.step()
    assert not machine.begun


ABOUT = [{}, {"setup": 3}, {"setup": asdict(SETUP)}, {"setup": asdict(SETUP), "says": {"step": 1}}, [1]]


@pytest.mark.parametrize("about", ABOUT)
def test_a_frame_of_another_version_is_none_and_the_supervisor_goes_on(folder, about):
    """The supervisor reads frames, too: one that it cannot read must not end it."""
    machine, one = Machine(folder), desk(folder, "one", 1)
    one.frame_path("m2").write_bytes(save({"z": np.zeros(3)}, {"about": json.dumps(about)}))
    assert one.frame() == {}
    machine.step()
    assert machine.begun


def test_what_cannot_be_done_is_said_and_not_tried_again_until_something_else_is_asked(folder):
    machine, one = Machine(folder), desk(folder, "one", 1)
    machine.step()
    one.say_trouble("The session ended with an error.")
    machine.end(one)
    for _ in range(3):
        machine.step()
    assert len(machine.begun) == 2, "no process is begun over and over"
    assert one.trouble() == "The session ended with an error."
    one.ask(asked_to_go_on(one.asked(), resets=1))
    assert one.trouble() == ""
    machine.step()
    assert len(machine.begun) == 4
