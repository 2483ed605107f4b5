"""The shell: one JSON line, sentences for what cannot be, exit codes a script can use."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.__main__ import main
from models.runs.run import Run
from models.runs.store import Folder
from models.shell.output import Bar
from models.training.worker import work

ROOT = Path(__file__).parents[1]
FIELDS = {
    "run", "model", "dataset", "labels", "seed", "epochs", "test_accuracy", "seconds", "seconds_per_epoch",
    "images_per_second", "device", "parameters",
}  # fmt: skip


def shell(*args, **kw):
    command = [sys.executable, "-W", "error", "-m", "models", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, **kw)


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_train_ends_with_one_json_line(model, tmp_path, capfd, signals):
    """One of them in a process of its own, where a warning would be an error, too."""
    args = ["--model", model, "--epochs", "1", "--threads", "1", "--runs", str(tmp_path), "--json"]
    if model == "m2":
        done = shell("train", *args)
        assert done.returncode == 0, done.stderr
        out, err = done.stdout, done.stderr
    else:
        assert main(["train", *args]) == 0
        out, err = capfd.readouterr()
    (line,) = out.splitlines()
    result = json.loads(line)
    assert result.keys() >= FIELDS
    assert (result["model"], result["dataset"], result["labels"], result["seed"]) == (model, "digits", 100, 0)
    assert 0 <= result["test_accuracy"] <= 1
    assert (tmp_path / result["run"] / "model.safetensors").exists()
    assert "epoch 1 of 1" in err  # progress is on stderr
    assert main(["list", "--runs", str(tmp_path), "--json"]) == 0
    assert [(r["run"], r["state"]) for r in json.loads(capfd.readouterr().out)] == [(result["run"], "done")]


def test_a_run_that_prepares_something_shows_it_before_its_steps(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Bar(Run.make()) as bar:
        for done in (0, 40, 100):
            bar.show({"kind": "prepare", "done": done, "total": 100, "what": "Features of a data set"})
        bar.show({"kind": "start", "step": 0, "steps_per_epoch": 5, "epochs": 2})
        bar.show({"kind": "step", "step": 5})
    err = capsys.readouterr().err
    assert "100/100" in err
    assert "5/10" in err


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
        ([], "required: train|table|ablate|record|list|rename|delete|restore|export|import|fetch|completion"),
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_keeps_what_was_learned_and_says_how_to_continue(number, tmp_path):
    args = ["--model", "supervised", "--epochs", "2000", "--threads", "1", "--runs", str(tmp_path)]
    command = [sys.executable, "-m", "models", "train", *args]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ})
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("*/checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    _, err = process.communicate(timeout=280)
    assert process.returncode == 130
    (folder,) = tmp_path.iterdir()
    assert f"--continue {folder.name}" in err
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"


def test_a_stopped_run_is_continued_to_its_end_and_its_seconds_count_once(tmp_path):
    """As if its first process had taken a thousand seconds: the second one adds its own to them and no more."""
    run = Run.make(model="supervised", epochs=3, threads=1)
    folder = Folder.create(run, tmp_path)

    def stop_in_the_second_epoch(record):
        if record.get("step", 0) > record.get("steps_per_epoch", 0) and record["kind"] == "epoch":
            folder.request_stop()

    before = time.time()
    assert work(folder, stop_in_the_second_epoch, started=before - 1000) == "stopped"
    spent, before = 1000 + time.time() - before, time.monotonic()
    done = shell("train", "--continue", folder.id, "--runs", tmp_path, "--json")
    took = time.monotonic() - before
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["run"], result["epochs"]) == (folder.id, 3)
    assert folder.status()["state"] == "done"
    assert [r["epoch"] for r in folder.records()[0] if r["kind"] == "epoch"] == [0, 1, 2, 3]
    assert 1000 < result["seconds"] <= spent + took
    assert not folder.stop_requested()


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_ctrl_c_does_not_wait(second, tmp_path, capsys, monkeypatch, signals):
    """A training that does not listen: the first asks it to stop, the second ends it, with a sentence."""

    def deaf(run, folder, stop, started):
        yield {"kind": "start", "step": 0, "steps_per_epoch": 5, "epochs": 2, "device": "cpu"}
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        os.kill(os.getpid(), second)
        time.sleep(5)
        raise AssertionError("it waited")

    monkeypatch.setattr("models.training.worker.train_function", lambda: deaf)
    assert main(["train", "--epochs", "2", "--runs", str(tmp_path)]) == 130
    (folder,) = tmp_path.iterdir()
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("Interrupted.")
    assert Folder(folder).status()["state"] == "stopped"


def test_ctrl_c_in_any_other_command_is_a_sentence_too(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("data.fetch", interrupted)
    for more in ([], ["--json"]):
        assert main(["fetch", "digits", *more]) == 130
        assert capsys.readouterr().err.splitlines()[-1].startswith("Interrupted.")


def test_fetching_into_a_log_is_a_line_now_and_then(capsys, monkeypatch):
    def fetch(name, progress):
        for i in range(1001):
            progress(i / 1000, "Downloading" if i < 500 else "Decoding")

    monkeypatch.setattr("data.fetch", fetch)
    assert main(["fetch", "digits"]) == 0
    out, err = capsys.readouterr()
    assert "\r" not in err
    lines = err.splitlines()
    assert lines[0] == "Downloading: 0 %"
    assert "Decoding: 50 %" in lines
    assert lines[-1] == "Decoding: 100 %"
    assert len(lines) <= 13
    assert out == "Digits is ready.\n"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["train", "--labels", "21"], 2),
        (["train", "--continue", "m2-none"], 2),
        (["table", "--dataset", "etc"], 2),
        (["export", "m2-none", "x.zip"], 2),
        (["import", "nothing.zip"], 1),
        (["delete", "m2-none"], 1),
        (["fetch", "imagenet"], 2),
    ],
)
def test_an_error_leaves_stdout_to_json_alone(args, code, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    assert main([*args, "--json"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1


def test_a_failed_run_and_a_damaged_one_leave_stdout_to_json_alone(tmp_path, capsys, monkeypatch, signals):
    def fails(run, folder, stop, started):
        raise RuntimeError("the reason")
        yield

    monkeypatch.setattr("models.training.worker.train_function", lambda: fails)
    assert main(["train", "--json", "--runs", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert (out, "the reason" in err) == ("", True)
    (tmp_path / "m2-digits-100-s0-torn").mkdir()
    (tmp_path / "m2-digits-100-s0-torn" / "run.json").write_text("{")
    assert main(["list", "--json", "--runs", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert [r["state"] for r in json.loads(out)] == ["failed"]
    assert "m2-digits-100-s0-torn" in err


def test_a_list_is_newest_first_and_in_columns(tmp_path, capsys):
    made = [Folder.create(Run.make(model=m, labels=n), tmp_path) for m, n in (("m1", 10), ("supervised", 1000))]
    for age, folder in zip((50, 10), made, strict=True):
        told = json.loads((folder.path / "run.json").read_text())
        told["made"]["created"] -= age
        (folder.path / "run.json").write_text(json.dumps(told))
    newest = Folder.create(Run.make(model="m2"), tmp_path)
    assert main(["list", "--runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [newest.id, made[1].id, made[0].id]
    assert len({line.index("queued") for line in lines}) == 1
    assert len({line.index(" labels, seed") - len(line.split(" labels")[0].split()[-1]) for line in lines}) == 1


def test_without_json_a_run_tells_its_epochs_and_its_accuracy_and_is_not_continued(tmp_path, capsys, signals):
    """Where stderr is no terminal an epoch is a line. To train it again would count its seconds twice."""
    args = ["--epochs", "2", "--threads", "1", "--runs", str(tmp_path)]
    assert main(["train", "--model", "supervised", *args]) == 0
    out, err = capsys.readouterr()
    assert "100 labels, seed 0 (one run)" in out
    assert "\r" not in err
    assert [line.split(":")[0] for line in err.splitlines()[1:]] == [f"epoch {e} of 2" for e in range(3)]
    (folder,) = tmp_path.iterdir()
    before = (folder / "metrics.jsonl").read_bytes()
    for more in ([], ["--epochs", "9"]):
        assert main(["train", "--continue", folder.name, "--runs", str(tmp_path), *more]) == 2
        assert "is finished" in capsys.readouterr().err
    assert (folder / "metrics.jsonl").read_bytes() == before
    assert json.loads((folder / "status.json").read_text())["state"] == "done"


def test_of_points_it_speaks_of_points(tmp_path, capsys, signals):
    args = ["train", "--dataset", "moons", "--threads", "1", "--runs", str(tmp_path)]
    assert main([*args, "--model", "m1", "--epochs", "1"]) == 0
    said = capsys.readouterr()
    assert "% of the test points right (the same SVM on x:" in said.out
    assert main([*args, "--labels", "1000"]) == 2
    assert main([*args, "--validation", "2000"]) == 2
    said = said.out + said.err + capsys.readouterr().err
    assert "1000 training points" in said
    assert "validation points" in said
    assert "image" not in said
    assert "pixel" not in said


def test_a_finished_run_trained_again_by_its_loop_keeps_its_seconds(tmp_path):
    from models.training.loop import train

    run = Run.make(model="supervised", epochs=1, threads=1)
    folder = Folder.create(run, tmp_path)
    first = [folder.append(r) or r for r in train(run, folder)][-1]
    again = list(train(run, folder, started=time.time() - 1000))[-1]
    assert abs(again["seconds"] - first["seconds"]) < 5


def test_a_device_that_is_not_there_leaves_no_run(tmp_path, capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["train", "--device", "cuda", "--runs", str(tmp_path / "runs")]) == 2
    assert "There is no cuda device here" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_closed_pipe_is_silent(tmp_path):
    for seed in range(3):
        Folder.create(Run.make(seed=seed), tmp_path)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "models", "list", "--runs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_an_ascii_terminal_reads_a_table(env, tmp_path):
    args = ("table", "--dataset", "digits", "--no-train", "--runs", tmp_path)
    done = shell(*args, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    assert "mean ~ sd" in done.stdout
    assert done.stdout.isascii()
    done = shell("train", "--model", "\u00e4", env={**os.environ, **env})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_version_and_a_completion_that_the_shell_takes(capsys):
    assert "0.1.0" in shell("--version").stdout
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert "--epochs" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_advice_of_a_nan_can_be_followed():
    from models.errors import TrainingError
    from models.training.loop import check_finite

    with pytest.raises(TrainingError, match="another seed, with the preset paper, or with more labels") as e:
        check_finite({"J": float("nan")}, Run.make(), 7)
    assert "learning rate" not in str(e.value)


def test_fetch_of_the_embedded_set_needs_no_network(capsys):
    assert main(["fetch", "digits", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["fraction"] == 1.0


def test_a_runs_folder_of_nobody_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setenv("FEWLABELS_RUNS", "~nobodyxx/runs")
    assert __import__("models.__main__", fromlist=["main"]).main(["list"]) == 2
    assert "FEWLABELS_RUNS is '~nobodyxx/runs'" in capsys.readouterr().err
