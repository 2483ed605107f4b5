"""Sessions in the plane with the real supervisor and real processes, forked and not."""

import os
import signal
import time

import pytest
from lab import gone, lab, parent, processes, until

from models.jobs.processes import cores
from models.plane.desk import UNSEEN, Ask, Desk
from models.plane.setup import SetUp

SETUP = SetUp("moons-n200", ("supervised", "m2"), 6)
PATIENCE = 180.0  # of a machine that does much else


@pytest.fixture(params=["warm", "cold"])
def engine(request, tmp_path):
    fork = "1" if request.param == "warm" else "0"
    with lab(tmp_path / "runs", FEWLABELS_FORK=fork, FEWLABELS_TRAIN="") as it:
        yield it


def players(it) -> set[int]:
    """The processes of sessions: forked from the warm process, or begun by themselves."""
    alone = set(processes(str(it.root), "models.plane.player"))
    forked = processes(str(it.root), "models.jobs.zygote")
    return alone | {pid for pid in forked if parent(pid) in forked}


def playing(it, name: str, since: float, setup: SetUp = SETUP) -> Desk:
    desk = Desk(it.paths.plane / name)
    desk.ask(Ask(setup, playing=True, since=since))
    return desk


def steps(desk: Desk) -> list[int]:
    """How far each method is; as a page does, it looks."""
    desk.look()
    return [seen.step for seen in desk.frame().values()]


def settled(desk: Desk) -> bool:
    desk.look()
    frame = desk.frame()
    return len(frame) == len(SETUP.models) and all(seen.settled for seen in frame.values())


@pytest.mark.slow
def test_three_sessions_take_turns_one_is_killed_and_all_settle(engine):
    desks = [playing(engine, name, since) for since, name in enumerate(("a", "b", "c"), 1)]
    engine.ready()
    engine.ring()
    if cores() == 2:  # one process each for two of them, and the third sees where it stands
        until(lambda: desks[2].place() == 1, PATIENCE, "its place")
        assert [d.place() for d in desks] == [0, 0, 1]
    until(lambda: any(max(steps(d), default=0) > 0 for d in desks), PATIENCE, "the first step")
    assert len(players(engine)) <= max(2, cores())
    victim = min(players(engine))
    os.kill(victim, signal.SIGKILL)
    until(lambda: gone(victim), what="its end")
    before = engine.supervisor()
    for desk in desks:
        until(lambda desk=desk: all([settled(d) for d in desks if d is not desk] + [settled(desk)]), PATIENCE, "all")
        assert desk.trouble() == ""
    assert engine.supervisor() == before, "the supervisor did not mind"
    assert [d.place() for d in desks] == [0, 0, 0]
    # Where all have settled the same figures stand: those of the killed one were learned anew.
    accuracies = {tuple(seen.accuracy for seen in d.frame().values()) for d in desks}
    assert len(accuracies) == 1


@pytest.mark.slow
def test_the_end_of_the_supervisor_is_the_end_of_its_sessions(engine):
    """`lab` looks whether anything is left."""
    desk = playing(engine, "long", 1, SetUp("moons", ("m2", "adgm"), 6))
    engine.ready()
    engine.ring()
    until(lambda: max(steps(desk), default=0) > 0, PATIENCE, "the first step")
    assert players(engine)


@pytest.mark.slow
def test_unseen_it_stops_and_is_taken_up_where_it_was_when_somebody_looks_again(engine):
    # One unlabelled point a step: some 100,000 steps, which no machine has done before it stops.
    desk = playing(engine, "left", 1, SetUp("moons", ("m2", "adgm"), 6, custom=(("batch_u", 1),)))
    engine.ready()
    engine.ring()
    until(lambda: len(steps(desk)) == 2 and min(steps(desk)) > 0, PATIENCE, "the first steps")
    past = time.time() - UNSEEN - 1
    os.utime(desk.path / "seen", (past, past))
    until(lambda: not players(engine), PATIENCE, "the end of what nobody looks at")
    kept = [seen.step for seen in desk.frame().values()]
    assert not any(seen.settled for seen in desk.frame().values())
    time.sleep(2)
    assert not players(engine)

    def goes_on() -> bool:
        now = steps(desk)
        assert all(a >= b for a, b in zip(now, kept, strict=True)), "it began anew"
        return all(a > b for a, b in zip(now, kept, strict=True))

    until(goes_on, PATIENCE, "what goes on")
