"""A session's turns: what its processes leave on the desk is where the next ones go on, however many they are."""

from dataclasses import replace

import numpy as np
import pytest

from models.plane import player as module
from models.plane.desk import Ask, Desk
from models.plane.player import Player
from models.plane.setup import SetUp

SETUP = SetUp("moons-n200", ("supervised", "m2"), 6)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SLICE", 0.005)  # nothing settles within the looks of a turn
    return Desk(tmp_path / "one")


def turn(desk: Desk, ask: Ask, parts: int, looks: int = 3) -> dict:
    """A turn of so many processes; what the page sees after it."""
    desk.ask(ask)
    players = [Player(desk, part, parts) for part in range(parts)]
    for _ in range(looks):
        for player in players:
            player.follow(ask)
    for player in players:
        player.leave()
    return desk.frame()


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1), (1, 1)])
def test_the_next_turn_goes_on_whatever_the_number_of_processes(desk, first, then):
    before = turn(desk, Ask(SETUP, playing=True), first)
    held = turn(desk, Ask(SETUP), then, looks=1)
    assert [seen.step for seen in held.values()] == [seen.step for seen in before.values()]
    assert all(np.array_equal(held[m].arrays["q_y"], before[m].arrays["q_y"]) for m in SETUP.models)
    after = turn(desk, Ask(SETUP, playing=True), then)
    assert all(after[m].step > before[m].step > 0 for m in SETUP.models)
    assert all(after[m].curve[: len(before[m].curve)] == before[m].curve for m in SETUP.models)


def test_what_is_changed_while_it_waits_for_its_turn_goes_on_from_where_it_stands(desk):
    before = turn(desk, Ask(SETUP, playing=True), 1)
    changed = replace(SETUP, custom=(("beta", 10.0),))
    after = turn(desk, Ask(changed), 1, looks=1)
    assert [seen.step for seen in after.values()] == [0, 0]
    assert all(np.array_equal(after[m].arrays["q_y"], before[m].arrays["q_y"]) for m in SETUP.models), (
        "the weights stay"
    )
    more = turn(desk, Ask(replace(changed, models=("m2", "m1"))), 1, looks=1)
    assert np.array_equal(more["m2"].arrays["q_y"], before["m2"].arrays["q_y"])


def test_after_a_reset_nothing_is_left_of_it(desk):
    first = turn(desk, Ask(SETUP), 1, looks=1)
    turn(desk, Ask(SETUP, playing=True), 1)
    again = turn(desk, Ask(SETUP, resets=1), 1, looks=1)
    assert [seen.step for seen in again.values()] == [0, 0]
    assert all(np.array_equal(again[m].arrays["q_y"], first[m].arrays["q_y"]) for m in SETUP.models)


def test_a_step_is_made_once(desk):
    turn(desk, Ask(SETUP), 1, looks=1)
    one = turn(desk, Ask(SETUP, steps=2), 1, looks=5)
    assert [seen.step for seen in one.values()] == [2, 2]
    true = turn(desk, Ask(SETUP, steps=2, truth=True), 2, looks=3)
    assert [seen.step for seen in true.values()] == [2, 2], "the processes of another turn do not make it again"
    assert "log_p" in true["m2"].arrays
    assert [seen.step for seen in turn(desk, Ask(SETUP, steps=3), 1).values()] == [3, 3]


@pytest.mark.parametrize("content", [b"", b"not a state", None])
def test_a_state_that_cannot_be_read_is_none(desk, content):
    turn(desk, Ask(SETUP, playing=True), 1)
    if content is None:  # of points that are on this machine no more
        ask = Ask(replace(SETUP, dataset="moons"))
        desk.state_path("m2").write_bytes(desk.state_path("m2").read_bytes().replace(b"moons-n200", b"moons-n2oo"))
    else:
        ask = Ask(SETUP)
        desk.state_path("m2").write_bytes(content)
    assert turn(desk, ask, 1, looks=1)["m2"].step == 0
    assert desk.trouble() == ""


def test_what_has_not_changed_is_not_written_again(desk):
    ask = Ask(replace(SETUP, models=("label-spreading", "m2")), playing=True)
    desk.ask(ask)
    player = Player(desk, 0, 1)
    for _ in range(2):
        player.follow(ask)
    settled = desk.frame_path("label-spreading").stat().st_ino
    player.follow(ask)
    assert desk.frame_path("label-spreading").stat().st_ino == settled
    player.follow(replace(ask, truth=True))
    assert not desk.behind(replace(ask, truth=True))
