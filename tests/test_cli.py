"""The shell: one JSON line, sentences for what cannot be, exit codes a script can use."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.__main__ import Bar, main
from models.run import Run

ROOT = Path(__file__).parents[1]
FIELDS = {
    "run", "model", "dataset", "labels", "seed", "epochs", "test_accuracy", "seconds", "seconds_per_epoch",
    "images_per_second", "device", "parameters",
}  # fmt: skip


def shell(*args, **kw):
    command = [sys.executable, "-W", "error", "-m", "models", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, **kw)


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_train_ends_with_one_json_line(model, tmp_path):
    done = shell("train", "--model", model, "--epochs", 1, "--threads", 1, "--runs", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert result.keys() >= FIELDS
    assert (result["model"], result["dataset"], result["labels"], result["seed"]) == (model, "digits", 100, 0)
    assert 0 <= result["test_accuracy"] <= 1
    assert (tmp_path / result["run"] / "model.safetensors").exists()
    assert "step" in done.stderr  # the bar is on stderr
    listed = shell("list", "--runs", tmp_path, "--json")
    assert [(r["run"], r["state"]) for r in json.loads(listed.stdout)] == [(result["run"], "done")]


def test_a_run_that_prepares_something_shows_it_before_its_steps(capsys):
    with Bar(Run.make()) as bar:
        for done in (0, 40, 100):
            bar.show({"kind": "prepare", "done": done, "total": 100, "what": "Features of a data set"})
        bar.show({"kind": "start", "step": 0, "steps_per_epoch": 5, "epochs": 2})
        bar.show({"kind": "step", "step": 5})
    err = capsys.readouterr().err
    assert "100/100" in err
    assert "5/10" in err


def test_train_without_json_says_accuracy_with_labels_and_seed(tmp_path, capsys):
    assert main(["train", "--model", "supervised", "--epochs", "1", "--threads", "1", "--runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "100 labels, seed 0 (one run)" in out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["train", "--labels", "21"], "21 labels cannot be shared equally by the 10 classes of Digits"),
        (["train", "--labels", "1300"], "1300 labels are too many"),
        (["train", "--labels", "0"], "0 is not a possible number of labels"),
        (["train", "--labels", "-10"], "-10 is not a possible number of labels"),
        (["train", "--model", "gan"], "There is no model 'gan'"),
        (["train", "--dataset", "../etc"], "There is no data set '../etc'"),
        (["train", "--preset", "best"], "There is no preset 'best'"),
        (["train", "--device", "tpu"], "There is no device 'tpu'"),
        (["train", "--epochs", "0"], "0 is not a possible number of epochs"),
        (["train", "--epochs", "ten"], "invalid int value: 'ten'"),
        (["train", "--continue", "nothing-like-it"], "There is no run 'nothing-like-it'"),
        (["train", "--continue", "../../etc"], "There is no run '../../etc'"),
        (["train", "--frobnicate"], "Unrecognized arguments: --frobnicate"),
        (["fetch", "imagenet"], "There is no data set 'imagenet'"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "required: train|table|list|export|import|fetch"),
    ],
)
def test_bad_arguments_exit_2_with_one_sentence(args, says, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    try:
        code = main(args)
    except SystemExit as e:
        code = e.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()  # nothing half-made stays


def test_a_data_set_that_is_not_there_is_told_and_leaves_no_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FEWLABELS_DATA", "")
    assert main(["train", "--dataset", "mnist", "--runs", str(tmp_path / "runs")]) == 1
    err = capsys.readouterr().err
    assert "MNIST" in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_interrupting_keeps_what_was_learned_and_says_how_to_continue(tmp_path):
    command = [sys.executable, "-m", "models", "train", "--epochs", "2000", "--threads", "1", "--runs", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ})
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("*/checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=280)
    assert process.returncode == 130
    (folder,) = tmp_path.iterdir()
    assert f"--continue {folder.name}" in err
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"


def test_continue_takes_a_stopped_run_to_its_end(tmp_path):
    first = shell("train", "--model", "supervised", "--epochs", 1, "--threads", 1, "--runs", tmp_path, "--json")
    id = json.loads(first.stdout)["run"]
    again = shell("train", "--continue", id, "--runs", tmp_path, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["run"] == id


def test_fetch_of_the_embedded_set_needs_no_network(capsys):
    assert main(["fetch", "digits", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["fraction"] == 1.0
