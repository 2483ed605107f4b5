"""A damaged run is a row that says what is wrong and offers to delete it; every other run and page goes on."""

import json
import os
import random
import shutil
import stat
import struct
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from models.__main__ import main
from models.analysis import snapshots
from models.errors import LatentError, StoreError
from models.jobs.local import Local
from models.results import table
from models.runs import store
from models.runs.records import Damaged, check_tensors, picture
from models.runs.store import Folder

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import fake_runs  # noqa: E402

PAGES = ("app.py", "pages/train.py", "pages/results.py", "pages/compare.py", "pages/latent.py")
DEEP = b"[" * 3000


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(Local, "warm", lambda self: None)
    monkeypatch.setattr(Local, "ensure", lambda self: None)
    monkeypatch.setattr(table, "REFERENCE", tmp_path / "reference")
    return tmp_path / "runs"


@pytest.fixture
def healthy(root):
    return fake_runs.make(root, model="m2", epochs=2)


@pytest.fixture
def broken(root):
    return fake_runs.make(root, model="supervised", epochs=2)


def visit(page: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if page != "app.py":
        app.run()
    for key, value in address.items():
        app.query_params[key] = value
    app = (app if page == "app.py" else app.switch_page(page)).run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def edit(name: str, *keys: object, to: object):
    """A mutation that puts `to` in place of a value of a JSON file."""

    def mutate(folder: Folder) -> None:
        whole = inner = json.loads((folder.path / name).read_text())
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        (folder.path / name).write_text(json.dumps(whole))

    return mutate


def line(**more: object):
    """A mutation that appends a record."""

    def mutate(folder: Folder) -> None:
        with open(folder.metrics, "a") as f:
            f.write(json.dumps({"kind": "epoch", "epoch": 1, "step": 1, **more}) + "\n")

    return mutate


def put(name: str, what: bytes):
    return lambda folder: (folder.path / name).write_bytes(what)


def folder_in_place(name: str):
    def mutate(folder: Folder) -> None:
        (folder.path / name).unlink()
        (folder.path / name).mkdir()

    return mutate


def circle(folder: Folder) -> None:
    shutil.rmtree(folder.path)
    folder.path.symlink_to(folder.path)


def pipe(folder: Folder) -> None:
    (folder.path / "status.json").unlink()
    os.mkfifo(folder.path / "status.json")


def nested(name: str, key: str):
    """A mutation that nests a value 10,000 deep."""

    def mutate(folder: Folder) -> None:
        text = json.dumps(json.loads((folder.path / name).read_text()) | {key: "HERE"})
        (folder.path / name).write_text(text.replace('"HERE"', "[" * 10_000 + "]" * 10_000))

    return mutate


MUTATIONS = {
    "metrics deep": put("metrics.jsonl", DEEP + b"\n"),
    "metrics deep and closed": put("metrics.jsonl", b'{"kind": ' + b"[" * 20 + b"]" * 20 + b"}\n"),
    "metrics list": put("metrics.jsonl", b"[1]\n"),
    "metrics not UTF-8": put("metrics.jsonl", b"\xff\xfe\n"),
    "metrics folder": folder_in_place("metrics.jsonl"),
    "metrics long line": put("metrics.jsonl", b'{"kind": "' + b"x" * 100_000 + b'"}\n'),
    "metrics large": lambda f: os.truncate(f.metrics, 1 << 40),
    "accuracy an object": line(test_accuracy={"a": 1}),
    "accuracy 7": line(test_accuracy=7),
    "accuracy text": line(test_accuracy="x"),
    "t text": line(t="x"),
    "step text": line(step="3"),
    "step true": line(step=True),
    "huge step": line(step=10**400),
    "epoch missing": line(epoch=None),
    "epoch infinite": line(epoch=float("inf")),
    "terms a list": line(terms=[1]),
    "terms of text": line(terms={"kl_z": "x"}),
    "kind a list": line(kind=[1]),
    "half a character": line(what="\ud800"),
    "status deep": put("status.json", DEEP),
    "status list": put("status.json", b"[]"),
    "status since": edit("status.json", "since", to="x"),
    "status detail": edit("status.json", "detail", to={"a": 1}),
    "status attempt": edit("status.json", "attempt", to=1e300),
    "status nested": nested("status.json", "detail"),
    "status folder": folder_in_place("status.json"),
    "status pipe": pipe,
    "run deep": put("run.json", DEEP),
    "run list": put("run.json", b"[]"),
    "run null": put("run.json", b"null"),
    "run folder": folder_in_place("run.json"),
    "run gone": lambda f: (f.path / "run.json").unlink(),
    "run nested": nested("run.json", "made"),
    "made a list": edit("run.json", "made", to=[]),
    "created NaN": edit("run.json", "made", "created", to=float("nan")),
    "created late": edit("run.json", "made", "created", to=1e200),
    "owner a list": edit("run.json", "made", "owner", to=[]),
    "epochs 1e300": edit("run.json", "run", "epochs", to=1e300),
    "model a list": edit("run.json", "run", "model", to=["m2"]),
    "model of a newer version": edit("run.json", "run", "model", to="of-tomorrow"),
    "hidden deep": edit("run.json", "run", "settings", "hidden", to=[[[[[[[[[[1]]]]]]]]]]),
    "hidden a number": edit("run.json", "run", "settings", "hidden", to=5),
    "width huge": edit("run.json", "run", "settings", "width", to=10**9),
    "lr text": edit("run.json", "run", "settings", "lr", to="fast"),
    "given an object": edit("run.json", "run", "given", to={"a": 1}),
    "given numbers": edit("run.json", "run", "given", to=[1]),
    "parent text": edit("run.json", "run", "parent", to="m2"),
    "seed huge": edit("run.json", "run", "seed", to=10**400),
    "circle": circle,
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_run_is_a_sentence_and_the_other_goes_on(root, healthy, broken, name):
    MUTATIONS[name](broken)
    assert [f.id for f in store.runs(root)] == [healthy.id]
    [(folder, why)] = store.damaged(root)
    assert folder.id == broken.id
    assert broken.id in why
    assert len(why) < 600
    with pytest.raises(StoreError, match=broken.id):
        store.open_folder(root, broken.id)
    broken.records(), broken.result(), broken.status(), broken.snapshots()
    assert main(["delete", broken.id]) == 0
    assert not os.path.lexists(broken.path)
    assert store.damaged(root) == []
    assert [f.id for f in store.runs(root)] == [healthy.id]


def test_whatever_is_changed_in_a_file_nothing_raises(root, healthy, broken):
    """Bytes flipped, cut and doubled at random, with a fixed seed."""
    rng = random.Random(0)
    files = {p: p.read_bytes() for p in sorted(broken.path.rglob("*")) if p.is_file() and p.suffix != ".png"}
    for _ in range(100):
        path, whole = rng.choice(list(files.items()))
        at, n = rng.randrange(len(whole)), rng.choice([1, 2, 8, 64])
        new = rng.choice([rng.randbytes(n), b"[" * n, b'"', b"{}", b"1e999", b"-1", b""])
        path.write_bytes(whole[:at] + new + whole[at + rng.choice([0, n]) :])
        assert healthy.id in [f.id for f in store.runs(root)]
        store.damaged(root), broken.status(), broken.records(), broken.result()
        try:
            snapshots.read(broken.path)
        except LatentError as e:
            assert str(e).endswith(".")  # noqa: PT017
        path.write_bytes(whole)


@pytest.mark.parametrize("page", PAGES)
def test_pages_list_the_damaged_and_show_the_others(root, healthy, broken, page):
    line(test_accuracy={"a": 1})(broken)
    app = visit(page)
    said = " ".join(e.value for e in (*app.caption, *app.markdown))
    assert "test\\_accuracy" in said
    assert "is damaged" in said
    [delete] = [b for b in app.button if b.label == "Delete"]
    delete.click().run()
    assert not app.exception
    assert not broken.path.exists()
    next(b for b in app.button if b.label == "Undo").click().run()
    assert broken.path.exists()
    next(b for b in app.button if b.label == "Delete").click().run()
    assert healthy.path.exists()
    assert not [b for b in app.button if b.label == "Delete"]


@pytest.mark.parametrize(
    ("page", "key"),
    [("latent", "run"), ("generate", "run"), ("uncertainty", "run"), ("equations", "run"), ("label", "run"),
     ("compare", "runs"), ("draw", "runs"), ("train", "watch")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["run deep", "model of a newer version", "accuracy an object", "circle"])
def test_an_address_that_names_the_damaged_run(root, healthy, broken, page, key, name):
    MUTATIONS[name](broken)
    app = visit(f"pages/{page}.py", **{key: broken.id})
    assert any("Delete" in b.label for b in app.button)
    assert any(str(broken.id)[:10].replace("-", "") in c.value.replace("-", "").replace("\\", "") for c in app.caption)


def lying(header: dict, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 3000) + DEEP,
        lying({"id": {"dtype": "I32", "shape": [0, 1 << 20], "data_offsets": [0, 0]}}),
        lying({"id": {"dtype": "F32", "shape": [1 << 41], "data_offsets": [0, 4]}}, b"0000"),
        lying({"id": {"dtype": "I32", "shape": [1], "data_offsets": [0, 4]}}, b"0000"),  # and no space
        lying({"id": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
               "z": {"dtype": "F32", "shape": [1, 1], "data_offsets": [4, 8]}}, b"00000000"),
        lying({"id": {"dtype": "I32", "shape": [2], "data_offsets": [0, 8]},
               "z": {"dtype": "F32", "shape": [1, 1], "data_offsets": [8, 12]}}, b"000011110000"),
        lying({"id": {"dtype": "I32", "shape": [], "data_offsets": [0, 4]}}, b"0000"),
        lying({"id": {"dtype": ["I32"], "shape": "x"}}),
    ],
)  # fmt: skip
def test_a_snapshot_that_lies_is_a_sentence(root, broken, file):
    (broken.path / "latents" / "0002.safetensors").write_bytes(file)
    with pytest.raises(LatentError):
        snapshots.read(broken.path)
    visit("pages/latent.py", run=broken.id)


def test_codes_of_no_size_ask_for_no_memory(tmp_path):
    from safetensors.numpy import save_file

    save_file({"z": np.empty((0, 1 << 20), np.float16)}, tmp_path / "z.safetensors")
    with pytest.raises(Damaged, match="of shape"):
        check_tensors(tmp_path / "z.safetensors")


def test_a_picture_of_many_pixels_is_not_shown(broken, healthy):
    path = healthy.samples()[0][1]
    whole = path.read_bytes()
    assert picture(path) == whole
    path.write_bytes(whole[:16] + struct.pack(">II", 100_000, 100_000) + whole[24:])
    assert picture(path) is None


def test_what_goes_on_or_is_no_run_is_not_deleted(root, healthy, capsys):
    going = fake_runs.make(root, "running", model="m2")
    (root / "notes").mkdir()
    for name, says in ((going.id, "Stop it first"), ("notes", "not a run's folder"), ("nowhere", "There is no run"),
                       ("../x", "There is no run")):  # fmt: skip
        assert main(["delete", name]) == 1
        assert says in (said := capsys.readouterr().err)
        assert said.count("\n") == 1
    assert going.path.exists()
    assert (root / "notes").exists()
    assert store.damaged(root) == []


def test_deleting_a_link_leaves_what_it_leads_to(root, healthy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "m2-linked").symlink_to(tmp_path / "elsewhere")
    store.delete(root, "m2-linked")
    assert (tmp_path / "elsewhere").exists()
    assert not os.path.lexists(root / "m2-linked")


def test_files_have_the_mode_of_the_umask(root, healthy):
    import torch

    from models.training.checkpoint import save_tensors

    before = os.umask(0o027)
    try:
        save_tensors(healthy.path / "model.safetensors", {"w": torch.zeros(2)})
        healthy.set_status("done")
    finally:
        os.umask(before)
    for name in ("model.safetensors", "status.json"):
        assert stat.S_IMODE((healthy.path / name).stat().st_mode) == 0o640, name


def test_a_file_that_may_not_be_read_is_not_called_damaged(root, broken, monkeypatch):
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith((".jsonl", ".safetensors")):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    broken.append({"kind": "epoch", "epoch": 2, "step": 1})
    [(_, why)] = store.damaged(root)
    assert "may not be read" in why
    assert "damaged" not in why
    with pytest.raises(LatentError, match="may not be read"):
        snapshots.read(broken.path)


def test_results_reads_the_runs_folder_once(root, healthy, monkeypatch):
    """And a thousand runs take no more than half a second from the second look on."""
    looks = []
    real = store._listed
    monkeypatch.setattr(store, "_listed", lambda r: looks.append(time.thread_time()) or real(r))
    app = visit("pages/results.py")
    app.run()
    assert not app.exception
    looks.clear()
    app.run()
    assert len(looks) <= 2  # the table's, and that of the damaged
    large = shutil.ignore_patterns("samples", "latents")  # is not looked at
    for i in range(1000):
        shutil.copytree(healthy.path, root / f"{healthy.id[:-4]}{i:04d}", ignore=large, copy_function=os.link)
    table.Shelf(root, None)
    begin = time.thread_time()
    table.Shelf(root, None)
    assert time.thread_time() - begin < 0.5
