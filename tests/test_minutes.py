"""`--minutes`: epochs that fit into a time, measured before the run begins."""

import json
import time
from dataclasses import replace

import fake_runs
import pytest

from models.__main__ import main
from models.errors import RunError
from models.results import minutes, table, train_missing
from models.results.minutes import Pace
from models.runs.run import Run
from models.runs.store import runs
from models.training import trial

PACE = Pace(start=4.0, step=0.5, steps=10, look=1.0, end=2.0)


@pytest.fixture
def paces(monkeypatch):
    """The runs whose pace was asked for; each is the same."""
    asked = []
    monkeypatch.setattr(minutes, "measured", lambda run: asked.append(run) or PACE)
    return asked


def test_what_comes_before_and_after_is_of_the_time():
    assert PACE.epoch == 6.0
    assert PACE.epochs(60.0) == 8  # 4 + 1 + 8 * 6 + 2 = 55 s; a ninth would end at 61
    assert PACE.epochs(61.0) == 9
    assert PACE.epochs(12.9) == 0


def test_a_run_gets_the_epochs_and_a_sentence(paces):
    run, says = minutes.in_time(Run.make(epochs=7), 1.0)
    assert run == Run.make(epochs=8)
    assert "8 in 1 min" in says
    with pytest.raises(RunError, match=r"0\.2 minutes are too few for an epoch of M2 here"):
        minutes.in_time(Run.make(), 0.2)


def test_epochs_are_kept_for_all_seeds_of_the_same_settings():
    run = Run.make("digits", "m2", 100, 0)
    assert minutes.key(run, 5.0) == minutes.key(replace(run, seed=3), 5.0)
    wider = replace(run, settings=replace(run.settings, width=2 * run.settings.width))  # as a preset may be tomorrow
    assert len({minutes.key(run, 5.0), minutes.key(run, 6.0), minutes.key(wider, 5.0)}) == 3


def test_a_trial_measures_what_a_run_takes_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trial, "ENOUGH", 0.2)
    run = Run.make("digits", "supervised", 100, threads=1, device="cpu")
    begun = time.perf_counter()
    found = trial.measure(run, time.time())
    spent = time.perf_counter() - begun
    assert Pace(**found).steps == 12
    assert all(found[name] > 0 for name in ("start", "step", "look"))
    assert found["start"] + found["look"] + found["end"] + trial.LEAST * found["step"] <= spent + 0.1
    assert not list(tmp_path.iterdir())


def test_the_shell_trains_for_them_and_records_the_epochs(paces, monkeypatch, tmp_path):
    monkeypatch.setattr(minutes, "measured", lambda run: Pace(0.0, 0.1, 10, 1.0, 0.0))
    line = ["train", "--model", "supervised", "--labels", "20", "--threads", "1", "--minutes", "0.05"]
    assert main([*line, "--runs", str(tmp_path)]) == 0
    (folder,) = runs(tmp_path)
    assert folder.run.epochs == folder.result()["epochs"] == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [(["--epochs", "3"], "both say how long"), (["--continue", "m2-x"], "measures a new run"),
     (["--minutes", "0"], "No run can be of 0 minutes"), (["--minutes", "nan"], "No run can be of nan")],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(more, says, capsys, tmp_path):
    assert main(["train", "--minutes", "1", *more, "--runs", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_a_table_compares_at_equal_time(paces, monkeypatch, tmp_path, capsys):
    """Each cell is measured once, what has been trained so counts, and other runs do not."""

    def fill(wanted, root, say):
        for run in wanted:
            assert not train_missing.alike(run, root), "a run of the usual epochs does not stand for it"
            fake_runs.make(root, "done", at=0, dataset=run.dataset, model=run.model, seed=run.seed,
                           epochs=run.epochs, preset=run.preset, threads=run.threads)  # fmt: skip
        return []

    monkeypatch.setattr(train_missing, "fill", fill)
    fake_runs.make(tmp_path, "done", at=0, model="m2")
    line = ["table", "--dataset", "digits", "--models", "m2,supervised", "--seeds", "2", "--json", "--minutes", "1"]
    assert main([*line, "--runs", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(r["model"], [o["epochs"] for o in r["outcomes"]]) for r in shown] == [
        ("m2", [8, 8]), ("supervised", [8, 8]),
    ]  # fmt: skip
    assert shown[0]["floor"]["n"] == 2
    assert len(paces) == 2
    assert main([*line, "--runs", str(tmp_path)]) == 0
    assert len(paces) == 2, "the epochs are kept"
    assert "not finished" not in capsys.readouterr().err
    (usual,) = table.rows(["digits"], ["m2"], root=tmp_path, reference=None)
    assert usual.n == 1, "other tables have the usual epochs"
    assert not (tmp_path / "table.json").exists()
    assert main([*line, "--runs", str(tmp_path), "--reference"]) == 2
