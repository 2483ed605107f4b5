"""Single settings in place of a preset's: read from text, named in the run, kept, and in no table."""

import pytest

from data import DATASETS
from models import MODELS
from models.__main__ import main
from models.errors import RunError
from models.nn.settings import FIELDS, read, read_all, written
from models.results.sweeps import runs_of, sweeps
from models.runs.run import Run, is_todays
from models.runs.store import Folder, runs


@pytest.mark.parametrize("model", MODELS)
def test_every_setting_of_every_preset_is_read_as_it_is_written(model):
    for spec in (spec for spec in DATASETS.values() if spec.kind in MODELS[model].kinds):
        for name in FIELDS:
            value = getattr(MODELS[model].settings(spec, "tuned"), name)
            assert read(name, written(value)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("n_z=0", "Choose a whole number from 1 to 1,024"), ("n_z=2.5", "whole number"), ("lr=nan", "number from 0"),
        ("lr=inf", "number from 0"), ("flip=maybe", "true or false"), ("schedule=warm", "cosine, constant"),
        ("hidden=1,2,3,4,5", "1 to 4 layers"), ("hidden=", "layers"), ("n_y=3", "There is no setting 'n_y'"),
        ("n_z", "Write a name and a value"),
    ],
)  # fmt: skip
def test_what_a_setting_cannot_be_is_a_sentence(text, why):
    with pytest.raises(RunError, match=why):
        read_all([text])


def test_a_custom_run_says_so_in_its_name_its_words_and_no_table(tmp_path):
    usual = Run.make("digits", "m2", 20)
    run = Run.make("digits", "m2", 20, custom=read_all(["n_z=2", "lr=0.01", "hidden=64,32"]))
    assert (run.settings.n_z, run.settings.lr, run.settings.hidden) == (2, 0.01, (64, 32))
    assert run.setup == "n_z=2, hidden=64,32, lr=0.01"
    assert str(run) != str(usual)
    assert str(run) != str(Run.make("digits", "m2", 20, custom={"n_z": 3}))
    assert not is_todays(run)
    assert Run.make("digits", "m2", 20, custom={"n_z": usual.settings.n_z}) == usual, "what the preset has already"
    folder = Folder.create(run, tmp_path)
    assert Folder(folder.path).run == run
    assert "custom" not in usual.to_dict()
    with pytest.raises(RunError, match="Labels only does not use the setting 'n_z'"):
        Run.make("digits", "supervised", 20, custom={"n_z": 2})


def test_the_shell_takes_settings(tmp_path, capsys):
    assert main(["train", "--set", "n_z=0", "--runs", str(tmp_path)]) == 2
    assert "Choose a whole number" in capsys.readouterr().err
    given = ["--model", "supervised", "--epochs", "1", "--set", "lr=0.01", "--threads", "1"]
    assert main(["train", *given, "--runs", str(tmp_path)]) == 0
    (folder,) = [Folder(path) for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert folder.run.changes == "lr=0.01"
    assert folder.result()["test_accuracy"] > 0


def test_a_sweep_is_a_run_for_each_value_and_a_line_in_a_chart(tmp_path, capsys):
    given = ["train", "--model", "supervised", "--labels", "20", "--epochs", "1", "--runs", str(tmp_path)]
    assert main([*given, "--sweep", "width=8,frog"]) == 2
    assert "The setting width cannot be 'frog'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir()), "all of them can be, or none begins"
    assert main([*given, "--sweep", "width=4,8"]) == 0
    folders = runs(tmp_path)
    assert sorted(f.run.changes for f in folders) == ["width=4", "width=8"]
    usual = Folder.create(Run.make("digits", "supervised", 20, epochs=1), tmp_path)
    usual.append({**folders[0].result(), "test_accuracy": 0.25})
    usual.set_status("done")
    (sweep,) = sweeps(runs(tmp_path))
    assert sweep.setting == "width"
    assert [p.value for p in sweep.points] == [4, 8, usual.run.settings.width]
    assert [p.accuracy for p in sweep.points] == [
        *({0: f.result()["test_accuracy"]} for f in sorted(folders, key=lambda f: f.run.changes)), {0: 0.25},
    ]  # fmt: skip


def test_a_sweep_has_one_run_of_what_does_not_use_the_setting():
    both = [Run.make("digits", model, 20, seed) for model in ("m2", "supervised") for seed in (0, 1)]
    made = runs_of(both, "n_z", ["2", "10"])
    assert [(r.model, r.seed, r.changes) for r in made] == [
        ("m2", 0, "n_z=2"), ("m2", 1, "n_z=2"), ("supervised", 0, ""), ("supervised", 1, ""), ("m2", 0, "n_z=10"),
        ("m2", 1, "n_z=10"),
    ]  # fmt: skip
