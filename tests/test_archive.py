"""A run goes to another machine and arrives as it was; what is no run does not come in and leaves nothing behind."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

import data
from models import MODELS
from models.__main__ import main
from models.errors import StoreError
from models.results import estimate
from models.runs import archive, store
from models.runs.store import Folder

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import fake_runs  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    made = fake_runs.make(tmp_path / "here", "done", model="m2", epochs=2)
    (made.path / "model.safetensors").write_bytes(save({"w": np.arange(6.0)}))
    (made.path / "checkpoint.safetensors").write_bytes(save({"w": np.arange(60.0)}))
    (made.path / "log.txt").write_text("/home/somebody/secret")
    return made


@pytest.fixture
def there(tmp_path):
    return tmp_path / "there"


def contents(folder: Folder) -> dict[str, bytes]:
    return {n: (folder.path / n).read_bytes() for n in archive.members(folder) if n != "status.json"}


def hidden(root: Path) -> list[str]:
    return [p.name for p in root.iterdir() if p.name.startswith(".")] if root.exists() else []


def test_a_run_arrives_as_it_left(folder, there, tmp_path):
    path = archive.export(folder, tmp_path / "a.zip")
    came = archive.bring(path, there)
    assert came.id == folder.id
    assert came.run == folder.run
    assert came.made == folder.made
    assert came.result() == folder.result()
    assert contents(came) == contents(folder)
    assert came.status()["state"] == "done"
    assert [f.id for f in store.runs(there)] == [folder.id]
    assert {"run.json", "metrics.jsonl", "checkpoint.safetensors", "latents/0002.safetensors"} <= set(contents(came))
    assert not hidden(there)
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_neither_the_log_nor_the_lock_travels(folder, tmp_path):
    with zipfile.ZipFile(archive.export(folder, tmp_path / "a.zip")) as z:
        assert not {"log.txt", "lock", "stop"} & set(z.namelist())
        assert b"secret" not in b"".join(z.read(n) for n in z.namelist())


def test_without_the_checkpoint_it_is_smaller_and_still_opens(folder, there, tmp_path):
    whole = archive.export(folder, tmp_path / "whole.zip").stat().st_size
    small = archive.export(folder, tmp_path / "small.zip", checkpoint=False)
    assert small.stat().st_size < whole
    came = archive.bring(small, there)
    assert not (came.path / "checkpoint.safetensors").exists()
    assert came.result() == folder.result()


def test_the_same_archive_twice_is_one_run(folder, there, tmp_path):
    path = archive.export(folder, tmp_path / "a.zip")
    assert archive.bring(path, there).path == archive.bring(path, there).path
    assert len(store.runs(there)) == 1


def test_another_run_of_that_name_keeps_it(folder, there, tmp_path):
    path = archive.export(folder, tmp_path / "a.zip")
    other = fake_runs.make(there, "done", model="m2", epochs=3)
    other.path.rename(there / folder.id)
    came = archive.bring(path, there)
    assert came.id != folder.id
    assert came.run == folder.run
    assert Folder(there / folder.id).run.epochs == 3


def test_the_seconds_of_another_machine_are_no_estimate_for_this_one(folder, there, tmp_path):
    run = folder.run
    came = archive.bring(archive.export(folder, tmp_path / "a.zip"), there)
    assert came.written_status()["imported"]["id"] == folder.id
    assert estimate.seconds(run, there) == estimate.seconds(run, tmp_path / "nothing")
    assert estimate.seconds(run, folder.path.parent) != estimate.seconds(run, there)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_goes_on_is_not_taken_away(state, tmp_path):
    going = fake_runs.make(tmp_path / "here", state, model="m2", epochs=2)
    with pytest.raises(StoreError, match=f"{going.id} is {state}. Stop it"):
        archive.export(going, tmp_path / "a.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


def test_a_run_started_meanwhile_is_not_taken_away(folder, tmp_path, monkeypatch):
    def add(*args):
        folder.set_status("done")
        return real(*args)

    real = archive.add
    monkeypatch.setattr(archive, "add", add)
    with pytest.raises(StoreError, match="started again meanwhile"):
        archive.export(folder, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_file_that_is_there_stays_as_it_is(folder, tmp_path):
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        archive.export(folder, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"


# What does not come in


def changed(path: Path, to: Path, **files: bytes | None) -> Path:
    """The archive with some files replaced, added or (None) left out, and a manifest that fits them."""
    with zipfile.ZipFile(path) as z:
        inside = {n: z.read(n) for n in z.namelist()}
    manifest = json.loads(inside.pop(archive.MANIFEST))
    for name, content in files.items():
        if content is None:
            inside.pop(name)
        else:
            inside[name] = content
    listed = {n: {"bytes": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in inside.items()}
    return packed(to, inside, {**manifest, "files": listed})


def packed(to: Path, inside: dict[str, bytes], manifest: dict | None) -> Path:
    with zipfile.ZipFile(to, "w") as z:
        for name, data in inside.items():
            z.writestr(name, data)
        if manifest is not None:
            z.writestr(archive.MANIFEST, json.dumps(manifest))
    return to


def run_json(folder: Folder, **settings: object) -> bytes:
    whole = json.loads((folder.path / "run.json").read_bytes())
    whole["run"]["settings"] |= settings
    return json.dumps(whole).encode()


STRANGE = {
    "../evil.json": b"{}",
    "/etc/evil.json": b"{}",
    "samples/../../evil.png": b"",
    "evil.py": b"print(1)",
    "lock": b"1",
    "a/b/c.json": b"{}",
    "model.pkl": b"",
    "..\\evil.json": b"{}",
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_file_that_is_no_run_s_is_refused(name, folder, there, tmp_path):
    bad = changed(archive.export(folder, tmp_path / "a.zip"), tmp_path / "b.zip", **{name: STRANGE[name]})
    refused(bad, there, "is no file of a run")
    assert not (tmp_path / "evil.json").exists()


def refused(path: Path, root: Path, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        archive.bring(path, root)
    assert not store.runs(root)
    assert not hidden(root)


def test_what_cannot_be_read_is_refused(folder, there, tmp_path):
    good = archive.export(folder, tmp_path / "a.zip")
    b = tmp_path / "b.zip"
    refused(changed(good, b, **{"model.safetensors": b"nothing"}), there, "model.safetensors in .* cannot be read")
    refused(changed(good, b, **{"samples/0001.png": b"nothing"}), there, "samples/0001.png in .* cannot be read")
    refused(changed(good, b, **{"run.json": b"{"}), there, "cannot be opened here")
    refused(changed(good, b, **{"run.json": None}), there, "lacks run.json")
    refused(changed(good, b, **{"status.json": b'{"state": "running"}'}), there, "had not ended")
    refused(changed(good, b, **{"run.json": run_json(folder, hidden=[10**9])}), there, "its setting hidden = ")
    refused(changed(good, b, **{"run.json": run_json(folder, n_z="50")}), there, "its setting n_z = '50'")
    refused(changed(good, b, **{"run.json": run_json(folder, frob=1)}), there, "not a run of this version")
    refused(packed(b, {"run.json": b"{}"}, None), there, "has no manifest.json")
    refused(packed(b, {}, {"format": "another"}), there, "is not that of a run")
    fit = {"format": archive.FORMAT, "files": {}, "version": 2, "id": folder.id}
    refused(packed(b, {}, fit), there, "is of format 2")
    refused(packed(b, {}, {**fit, "version": 1, "id": "../x"}), there, "does not say which run")
    b.write_bytes(b"no zip")
    refused(b, there, "is no run that was taken away from here")
    b.write_bytes(good.read_bytes()[:-40])
    refused(b, there, "damaged")
    refused(tmp_path / "nothing.zip", there, "There is no file")


def test_a_flipped_bit_is_found(folder, there, tmp_path):
    data = bytearray(archive.export(folder, tmp_path / "a.zip").read_bytes())
    at = bytes(data).index(np.arange(60.0).tobytes())
    data[at + 9] ^= 1
    (tmp_path / "b.zip").write_bytes(data)
    refused(tmp_path / "b.zip", there, "damaged")


def test_what_would_fill_the_disk_is_refused_before_it_is_unpacked(folder, there, tmp_path, monkeypatch):
    path = archive.export(folder, tmp_path / "a.zip")
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    refused(path, there, "would unpack to")
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    refused(path, there, "too many for a run")
    assert not there.exists()


def test_a_full_disk_leaves_nothing_behind(folder, there, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    path = archive.export(folder, tmp_path / "a.zip")
    monkeypatch.setattr(archive, "inspect", full)
    refused(path, there, "no room left")


# The shell, and a run that was really trained


def test_the_shell_takes_a_run_to_another_folder_where_it_draws_and_trains_on(tmp_path, capsys, signals):
    def here(*args: object) -> dict:
        assert main([*map(str, args), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    def shell(*args: object) -> dict:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "models", *map(str, args), "--json"],
            cwd=ROOT, capture_output=True, text=True, timeout=280, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    result = here("train", "--model", "m2", "--epochs", 1, "--threads", 1, "--runs", tmp_path / "here")
    file = tmp_path / "run.zip"
    here("export", result["run"], file, "--runs", tmp_path / "here")
    came = here("import", file, "--runs", tmp_path / "there")
    folder = Folder(Path(came["path"]))
    assert folder.result()["test_accuracy"] == result["test_accuracy"]
    from models.analysis import inference

    theirs = inference.class_grid(folder, 4)
    assert np.array_equal(theirs, inference.class_grid(Folder(tmp_path / "here" / result["run"]), 4))
    import data
    from models.runs.split import split_indices

    given = tmp_path / "given.json"
    given.write_text(json.dumps([[int(split_indices(folder.run, data.load("digits"))[1][0]), 3]]))
    more = shell("train", "--continue", came["run"], "--given", given, "--epochs", 1, "--runs", tmp_path / "there")
    assert (more["parent"], more["given"]) == (came["run"], 1)


def test_the_shell_says_in_a_sentence_what_cannot_be(tmp_path, capsys):
    assert main(["export", "nothing-here", str(tmp_path / "a.zip"), "--runs", str(tmp_path)]) == 2
    assert "There is no run 'nothing-here'" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "a.zip"), "--runs", str(tmp_path)]) == 1
    assert "There is no file" in capsys.readouterr().err


# What a page offers


def test_the_metrics_are_a_table_with_the_run_on_each_line(folder):
    import csv

    from pages.parts.shared.records import epochs_of, table_csv

    rows = list(csv.DictReader(io.StringIO(table_csv(epochs_of(folder)).decode())))
    records = [r for r in folder.records()[0] if r["kind"] == "epoch"]
    assert [float(r["test_accuracy"]) for r in rows] == [r["test_accuracy"] for r in records]
    assert {(r["run"], r["labels"], r["seed"]) for r in rows} == {(folder.id, "100", "0")}
    assert float(rows[1]["unlabelled/kl_z"]) == records[1]["terms"]["unlabelled/kl_z"]


def test_the_lines_of_python_run_as_printed(tmp_path, signals):
    """Both snippets of each method, as they stand on the page, in a process of their own, and what a notebook may do
    next."""
    from pages.parts.shared import export

    result, code, expected = tmp_path / "runs", "", []
    for model, codes in {"m1": ["z"], "m2": ["z"], "adgm": ["a", "z"], "supervised": ["h"]}.items():
        assert main(["train", "--model", model, "--epochs", "1", "--threads", "1", "--runs", str(result)]) == 0
        (folder,) = (f for f in store.runs(result) if f.run.model == model)
        archive.export(folder, tmp_path / f"{folder.id}.zip")
        draws = MODELS[model].draws
        code += "for name in set(globals()) - set(dir(__builtins__)):\n    if name[0] != '_': del globals()[name]\n"
        code += export.INSIDE.format(id=folder.id) + (export.DRAWS + "\nprint(tiles.shape)" if draws else "") + "\n"
        code += "assert not any(t.is_inference() for t in model.state_dict().values())\n"
        if model != "m1":  # its classifier is an SVM outside autograd
            code += "model.classify(x.requires_grad_()).probs.max().backward(); assert x.grad.abs().sum() > 0\n"
        code += export.ALONE.format(file=str(tmp_path / f"{folder.id}.zip")) + "\nprint(sorted(codes), run['model'])\n"
        expected += ["(10, 8, 16, 16, 1)"] * draws + [f"{sorted(['id', 'q_y', *codes])} {model}"]
    env = {**os.environ, "FEWLABELS_RUNS": str(result), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line in expected] == expected, done.stdout


# One limit


def test_one_limit_is_said_everywhere(tmp_path, monkeypatch):
    """The server refuses what is over its own limit, whatever the widget says; so both are the constant."""
    import tomllib

    from streamlit.testing.v1 import AppTest

    from models.jobs.local import Local

    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxUploadSize"]
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    monkeypatch.setattr(Local, "warm", lambda self: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert server == archive.MOST_MIB == app.file_uploader(key="bring").proto.max_upload_size_mb
    assert any(f"at most {server:,} MiB" in c.value for c in app.caption)
    assert server * 2**20 == archive.MOST_BYTES
    assert f"a run may have {server:,}." in archive.too_large(archive.MOST_BYTES + 1)


def test_the_largest_run_that_a_preset_makes_fits():
    """On CIFAR after 200 epochs: weights, averages, the optimiser's two, a parent's; codes of each epoch and of all."""
    import torch

    from models import load_class

    for model in ("m1", "m2", "adgm", "supervised"):
        for preset in ("tuned", "paper"):
            s = MODELS[model].settings(data.DATASETS["cifar100"], preset)
            with torch.device("meta"):
                built = load_class(model).build((3, 32, 32), 100, s)
            weights = sum(t.numel() * t.element_size() for t in built.state_dict().values())
            codes = 2 * (s.n_z + s.n_a * (model == "adgm") + 100)  # half precision
            whole = 7 * weights + codes * (60_000 + 200 * 4000) + 60_000 * 8 * 2
            assert whole < archive.MOST_BYTES, (model, preset, whole / 2**20)


def test_what_could_not_be_imported_is_not_exported(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(StoreError, match=f"{folder.id} has 0 MiB; a run may have 0. Leave out .*--small"):
        archive.export(folder, tmp_path / "a.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


# Packed again by somebody's desktop


def repacked(path: Path, to: Path, outer: str = "", folders: bool = True, sep: str = "/", litter: str = "") -> Path:
    """What unpacking and packing again makes of an archive: other flags and methods, a folder around, litter."""
    with zipfile.ZipFile(path) as z:
        inside = {n: z.read(n) for n in z.namelist()}
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as z:
        if folders:
            z.writestr(outer or "latents/", b"")
            z.writestr(f"{outer}samples/", b"")
        for name, data in inside.items():
            info = zipfile.ZipInfo((outer + name).replace("/", sep))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0 if sep == "\\" else 3
            z.writestr(info, data)
            if litter == "mac":
                z.writestr(f"__MACOSX/{outer}._{name.rpartition('/')[2]}{len(z.namelist())}", b"\0\5\x16\7")
        if litter:
            for name in (".DS_Store", f"{outer}.DS_Store", f"{outer}samples/Thumbs.db", f"{outer}desktop.ini"):
                if name not in z.namelist():
                    z.writestr(name, b"litter")
    return to


@pytest.mark.parametrize(
    "how",
    [
        {"outer": "m2 run/", "litter": "mac"},  # Finder: Compress "m2 run"
        {"outer": "", "litter": "mac"},  # Finder, of the files marked
        {"outer": "Läufe/m2/", "folders": True},  # Explorer, of a folder within a folder
        {"outer": "m2-run\\", "sep": "\\", "folders": False, "litter": "windows"},  # Compress-Archive of old
        {"folders": False},
    ],
)
def test_a_zip_that_was_packed_again_is_the_same_run(how, folder, there, tmp_path):
    again = repacked(archive.export(folder, tmp_path / "a.zip"), tmp_path / "b.zip", **how)
    came = archive.bring(again, there)
    assert came.id == folder.id
    assert contents(came) == contents(folder)
    assert not [p for p in came.path.rglob("*") if p.name.startswith(".") or p.suffix in (".db", ".ini")]


# Where to


def test_a_disk_without_hard_links_takes_an_export(folder, tmp_path, monkeypatch):
    def link(*_, **__):
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr(os, "link", link)
    assert zipfile.is_zipfile(archive.export(folder, tmp_path / "a.zip"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "here"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_takes_an_export_under_the_run_s_name(slash, folder, tmp_path, capsys):
    (tmp_path / "sticks").mkdir()
    command = ["export", folder.id, f"{tmp_path}/sticks{slash}", "--runs", str(folder.path.parent)]
    assert main(command) == 0
    assert [p.name for p in (tmp_path / "sticks").iterdir()] == [f"{folder.id}.zip"]
    assert f"{folder.id}.zip" in capsys.readouterr().out
    assert main(command) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("to", ["nowhere/", "nowhere/a.zip"])
def test_an_export_into_a_folder_that_is_not_there_says_so(to, folder, tmp_path, capsys):
    assert main(["export", folder.id, f"{tmp_path}/{to}", "--runs", str(folder.path.parent)]) == 1
    assert capsys.readouterr().err == f"There is no folder {tmp_path}/nowhere. Make it first, or choose another.\n"
    assert [p.name for p in tmp_path.iterdir()] == ["here"]
