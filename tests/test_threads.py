"""The number of threads follows what steps take, on a made-up clock; a run that names it keeps it."""

from dataclasses import replace

import pytest
import torch
from test_train import small

from models.runs.store import Folder
from models.training import loop
from models.training.threads import LAST, StepThreads


class Machine:
    """Steps that take what a machine's cores allow: `busy` says how many are taken by others."""

    def __init__(self, cores=2, busy=0, alone=0.02, crowded=13):
        self.cores, self.busy, self.at, self.threads, self.changes = cores, busy, 0.0, cores, []
        self.steps, self.alone, self.times_slower = 0, alone, crowded

    def clock(self):
        return self.at

    def set_threads(self, n):
        self.threads = n
        self.changes.append(n)

    def step(self):
        crowded = self.threads + self.busy > self.cores
        slower = self.times_slower if crowded and self.threads > 1 else 1 / (1 + 0.7 * (self.threads - 1))
        self.at += self.alone * slower
        self.steps += 1
        return self.steps

    def run(self, seconds, tuner):
        end = self.at + seconds
        while self.at < end:
            assert tuner.timed(self.step) == self.steps
        return self

    def tuner(self):
        return StepThreads(self.cores, self.clock, self.set_threads)


def test_a_quiet_machine_keeps_all_its_threads_and_loses_little_by_trying():
    machine = Machine()
    machine.run(120, tuner := machine.tuner())
    assert tuner.chosen == machine.threads == 2
    assert machine.steps > 0.97 * 120 / (0.02 / 1.7)


@pytest.mark.parametrize("busy", [1, 2])
def test_a_busy_machine_gets_one_thread_soon_and_seldom_tries_two(busy):
    machine = Machine(busy=busy)
    machine.run(3, tuner := machine.tuner())
    assert tuner.chosen == 1
    before = machine.steps
    machine.run(300, tuner)
    assert tuner.chosen == 1
    assert machine.steps - before > 0.97 * 300 / 0.02


def test_a_hopeless_trial_is_one_step():
    """M2 on digits beside a busy loop on each core: .15 s a step with one thread, 4.2 s with two (2026-11-29)."""
    machine = Machine(busy=2, alone=0.15, crowded=28)
    machine.run(45, machine.tuner())
    assert machine.steps > 0.85 * 45 / 0.15


def test_others_come_and_go():
    machine = Machine()
    tuner = machine.tuner()
    for _ in range(3):
        machine.busy = 0
        machine.run(LAST + 10, tuner)
        assert tuner.chosen == 2
        machine.busy = 2
        machine.run(5, tuner)
        assert tuner.chosen == 1, "what has become slow is tried otherwise at once"


def test_one_thread_is_left_alone():
    machine = Machine(cores=1)
    machine.run(30, machine.tuner())
    assert machine.changes == []


@pytest.mark.parametrize(("named", "most"), [(0, 2), (2, 1)])
def test_a_run_that_names_its_threads_keeps_them(named, most, tmp_path, monkeypatch):
    made = []

    class Noted(StepThreads):
        def __init__(self, most):
            made.append(most)
            super().__init__(most, set_threads=made.append)  # two real ones are slow on busy cores

    monkeypatch.setattr(loop, "StepThreads", Noted)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    monkeypatch.setattr("models.training.threads.WINDOW", 0.0)
    *_, result = loop.train(replace(small(epochs=3), threads=named), Folder.create(small(), tmp_path))
    assert made[0] == most, "of one there is nothing to choose"
    assert (len(made) > 1) == (most > 1)
    assert result["threads"] == 2, "as many as it might have had"
