"""Label and continue: what may be given, what a continuation is told and begins from, and the page that does it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest

import data
from data import DataError
from data.images import draw_order
from models import MODELS
from models.__main__ import main
from models.analysis import snapshots
from models.errors import RunError, StoreError
from models.results import estimate, table
from models.results.outcome import outcome_of
from models.runs import finetune
from models.runs.annotations import DATA_SET, Label, Parent, name
from models.runs.finetune import continued
from models.runs.run import Run, is_id, is_todays
from models.runs.split import split_indices, split_of_run
from models.runs.store import Folder, open_folder
from models.training.checkpoint import load_start
from models.training.loop import train
from models.training.trainer import Trainer
from models.training.worker import work
from pages.parts.label import changed, labelling
from pages.parts.shared import palette, run_pickers
from pages.parts.shared.run_metrics import metrics
from tests import fake_runs
from tests.tiny import small_data

ROOT = Path(__file__).parents[1]
PARENT = Parent("m2-digits-100-s0-abcd", 4)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


@pytest.fixture
def images():
    return data.load("digits")


def free(images, n: int, labels: int = 100) -> list[int]:
    return data.draw(images, labels, 0)[1][:n].tolist()


# --- the split


def test_a_given_label_is_what_somebody_said_and_each_image_is_there_once(images) -> None:
    a, b = free(images, 2)
    said = [(b, (int(images.y[b]) + 1) % 10), (a, int(images.y[a]))]  # the first is wrong
    before, after = data.split(images, 100, 0), data.split(images, 100, 0, given=said)
    assert after.labelled.tolist() == [*before.labelled, b, a]
    assert after.y_l.tolist() == [*before.y_l, said[0][1], said[1][1]]
    np.testing.assert_array_equal(after.x_l[-2:], images.x[[b, a]])
    assert sorted([*after.labelled, *after.unlabelled]) == list(range(len(images.y)))
    np.testing.assert_array_equal(after.x_u, images.x[after.unlabelled])
    np.testing.assert_array_equal(after.x_test, images.x_test)


def test_no_class_of_an_unlabelled_or_given_image_reaches_a_split(images) -> None:
    """Permute the classes among the images that have no label of their own: the split stays the same, bit for bit."""
    said = [(i, 4) for i in free(images, 3)]
    labelled, hidden, _ = data.draw(images, 100, 0)
    order = draw_order(len(images.y), 0)
    late = order[np.flatnonzero(np.isin(order, labelled)).max() + 1 :]
    assert len(late) > 500
    assert np.isin(late, hidden).all()
    y = np.array(images.y)
    y[late] = (y[late] + 1) % 10  # those that come after the last labelled one: the draw cannot have looked at them
    other = replace(images, y=y)
    one, two = (data.split(of, 100, 0, given=said) for of in (images, other))
    assert not hasattr(one, "y_u")
    for part in ("x_l", "y_l", "x_u", "labelled", "unlabelled"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))


def test_validation_images_are_the_same_with_and_without_given_labels(images) -> None:
    _, unlabelled, held_out = data.draw(images, 100, 0, 200)
    _, fewer, same = data.draw(images, 100, 0, 200, [(int(unlabelled[5]), 1)])
    np.testing.assert_array_equal(held_out, same)
    assert set(unlabelled) - set(fewer) == {unlabelled[5]}


def impossible(images) -> list[tuple[list, str]]:
    labelled, unlabelled, held_out = data.draw(images, 100, 0, 50)
    i = int(unlabelled[0])
    return [
        ([(int(labelled[0]), 1)], "has its label already"),
        ([(-1, 1)], "Test image 0 cannot be given a label"),
        ([(1297, 1)], "no training image 1297"),
        ([(i, 1), (i, 1)], "twice"),
        ([(i, 10)], "the class 10, which there is none of"),
        ([(i, -1)], "the class -1"),
        ([(int(held_out[0]), 1)], "held out for validation"),
        ([(int(u), 0) for u in unlabelled], "leave no image"),
    ]


@pytest.mark.parametrize("case", range(8))
def test_a_label_that_cannot_be_is_refused_in_a_sentence(images, case: int) -> None:
    given, says = impossible(images)[case]
    with pytest.raises(DataError, match=says):
        data.split(images, 100, 0, 50, given)


# --- the run


def test_a_run_with_given_labels_is_written_and_read_and_hashed() -> None:
    given = (Label(3, 7, "Ada", "2026-11-24T12:00:00", "least sure"), Label(9, 1))
    run = replace(Run.make(), given=given, parent=PARENT)
    assert Run.from_dict(json.loads(json.dumps(run.to_dict()))) == run
    assert len({run, replace(run, given=given[:1])}) == 2
    assert (str(run), run.budget()) == ("m2-digits-100plus2-s0", "100 + 2 given labels")
    assert is_id(f"{run}-abcd")


def test_a_run_json_from_before_is_read_and_one_without_given_labels_is_written_as_before() -> None:
    d = Run.make().to_dict()
    assert "given" not in d
    assert "parent" not in d
    assert Run.from_dict(d) == Run.make()
    assert Run.make().budget() == "100 labels"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((Label(-3, 1),), "Test image 2 cannot"),
        ((Label(1297, 1),), "no training image"),
        ((Label(5, 1), Label(5, 2)), "twice"),
        ((Label(5, 11),), "the class 11"),
        ((Label("5", 1),), "two whole numbers"),
        ((Label(5, 1, how="guessed"),), "no way 'guessed'"),
        ((Label(5, 1, by="x" * 41),), "no name"),
    ],
)
def test_a_run_refuses_labels_that_cannot_be(given, says: str) -> None:
    with pytest.raises(RunError, match=says):
        replace(Run.make(), given=given, parent=PARENT)


def test_given_labels_need_a_run_they_were_given_to() -> None:
    with pytest.raises(RunError, match="goes on from another one"):
        replace(Run.make(), given=(Label(5, 1),))
    with pytest.raises(RunError, match="no run to go on from"):
        replace(Run.make(), parent=Parent("../etc", 1))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("", "anonymous"), (" Ada \n L. ", "Ada L."), ("x" * 90, "x" * 40), ("\x00\u202e", "anonymous")],
)
def test_a_name_is_one_short_line(typed: str, kept: str) -> None:
    assert name(typed) == kept


def test_no_table_counts_a_run_that_goes_on_from_another(root) -> None:
    folder = fake_runs.make(root, dataset="digits", model="m2")
    assert is_todays(folder.run)
    assert outcome_of(folder)
    run = replace(folder.run, parent=PARENT)
    assert not is_todays(run)
    folder.change(run)
    assert outcome_of(folder) is None
    assert not any(r.n for r in table.rows(["digits"], ["m2"], root=root, reference=None))


def test_lines_of_continuations_keep_the_colour_of_their_method(root) -> None:
    folder = fake_runs.make(root, dataset="digits", model="m2")
    alone = fake_runs.make(root, dataset="digits", model="m2", seed=1)
    labelled = fake_runs.make(root, dataset="digits", model="m2", seed=2)
    alone.change(replace(alone.run, parent=PARENT))
    labelled.change(replace(labelled.run, parent=PARENT, given=(Label(3, 1, "anonymous", "2026-01-01T00:00:00"),)))
    assert changed.colours_of(folder, [labelled, alone]) == [palette.model_colour("m2"), palette.UNLABELLED]


def test_a_short_continuation_does_not_tell_how_long_runs_take(root) -> None:
    folder = fake_runs.make(root, dataset="digits", model="m2")
    known = estimate.seconds(folder.run, root)
    folder.change(replace(folder.run, parent=PARENT))
    assert estimate.seconds(Run.make(), root) != known


# --- going on


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(data, "load", lambda name: small_data())
    return small_data()


def trained(root, model: str = "supervised", epochs: int = 1, **run) -> Folder:
    folder = Folder.create(Run.make("digits", model, 20, epochs=epochs, threads=1, device="cpu", **run), root)
    assert work(folder) == "done", folder.status()["detail"]
    return folder


def contents(folder: Folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder.path)): p.read_bytes() for p in folder.path.rglob("*") if p.is_file()}


def some(folder: Folder, n: int = 3) -> list[Label]:
    ids = split_indices(folder.run, data.load("digits"))[1][:n]
    return [Label(int(i), 7, "Ada", "2026-11-24T12:00:00", "by hand") for i in ids]


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_a_continuation_begins_from_its_parents_weights_and_leaves_it_as_it_is(root, tiny, model: str) -> None:
    parent = trained(root, model)
    before = contents(parent)
    run = continued(parent, some(parent), 1)
    child = Folder.create(run, root)
    assert work(child) == "done", child.status()["detail"]
    assert contents(parent) == before
    assert child.id != parent.id
    assert run.parent == Parent(parent.id, 1)
    assert run.budget() == "20 + 3 given labels"
    old, new = load_file(parent.path / "checkpoint.safetensors"), load_file(child.path / "start.safetensors")
    assert new.keys() == {k for k in old if k.startswith(("model.", "averaged."))}
    assert all((new[k] == old[k]).all() for k in new)
    last, first = snapshots.read(parent.path, 1), snapshots.read(child.path, 0)
    of = np.isin(last.ids, first.ids), np.isin(first.ids, last.ids)
    for space in MODELS[model].latents:  # what it saw in the images before its first step is what its parent saw
        a, b = (dict(zip(s.ids.tolist(), s.spaces[space], strict=True)) for s in (last, first))
        assert all((a[i] == b[i]).all() for i in first.ids[of[1]].tolist())
    assert of[0].sum() > 100
    trainer = Trainer(run, split_of_run(run, tiny), torch.device("cpu"))
    load_start(child.path, trainer)
    for part, weights in (("model", trainer.model), ("averaged", trainer.averaged)):
        assert all((old[f"{part}.{k}"] == t.numpy()).all() for k, t in weights.state_dict().items())
    result = child.result()
    assert (result["labels"], result["given"], result["parent"]) == (20, 3, parent.id)
    snapshot = snapshots.snapshot_images(child)
    of = {int(i): int(k) for i, k in zip(snapshot.ids, snapshot.kind, strict=True)}
    assert all(of[g.image] == snapshots.LABELLED for g in run.given)
    if model == "m1":
        svm = load_file(child.path / "svm.safetensors")
        assert int(svm["originals"]) == 23
        assert svm["y"][20:23].tolist() == [7, 7, 7]


def test_the_trainer_is_told_what_was_given(root, tiny) -> None:
    parent = trained(root)
    run = continued(parent, some(parent), 1)
    seen = split_of_run(run, tiny)
    assert seen.y_l[-3:].tolist() == [7, 7, 7]
    assert tiny.y[seen.labelled[-3:]].tolist() != [7, 7, 7]


def test_the_same_continuation_twice_gives_the_same_numbers(root, tiny) -> None:
    parent = trained(root, "m2")
    run = continued(parent, some(parent), 1)
    twins = [Folder.create(run, root) for _ in range(2)]
    assert [work(f) for f in twins] == ["done", "done"]
    a, b = (load_file(f.path / "checkpoint.safetensors") for f in twins)
    assert all((a[k] == b[k]).all() for k in a)


def test_a_continuation_that_was_stopped_goes_on_to_the_same_end(root, tiny) -> None:
    parent = trained(root, "m2")
    run = continued(parent, some(parent), 2)
    whole, halved = Folder.create(run, root), Folder.create(run, root)
    assert work(whole) == "done"
    records = []

    def stop_early(record: dict) -> None:
        records.append(record)
        if record["kind"] == "epoch" and record["epoch"] == 1:
            halved.request_stop()

    assert work(halved, stop_early) == "stopped"
    assert halved.written_status()["state"] == "stopped"
    (halved.path / "start.safetensors").unlink()  # no longer needed: it has a checkpoint of its own
    assert work(halved) == "done"
    a, b = (load_file(f.path / "checkpoint.safetensors") for f in (whole, halved))
    assert all((a[k] == b[k]).all() for k in a if not k.startswith("sums"))


def test_a_continuation_needs_its_folder_and_its_weights(root, tiny) -> None:
    parent = trained(root)
    run = continued(parent, some(parent), 1)
    with pytest.raises(ValueError, match="needs a folder"):
        list(train(run))
    child = Folder.create(run, root)
    (child.path / "start.safetensors").write_bytes(b"no weights")
    assert work(child) == "failed"
    assert "begins from" in child.status()["detail"]
    (parent.path / "checkpoint.safetensors").unlink()  # left out of an export; the averaged weights go on
    kept = load_file(parent.path / "model.safetensors")
    start = load_file(Folder.create(run, root).path / "start.safetensors")
    assert all((start[f"{of}.{name}"] == t).all() for of in ("model", "averaged") for name, t in kept.items())
    (parent.path / "model.safetensors").unlink()
    with pytest.raises(StoreError, match="no weights to go on from"):
        Folder.create(run, root)
    assert not list(root.glob(".new-*"))


def test_a_continuation_of_a_continuation_keeps_all_labels(root, tiny) -> None:
    parent = trained(root)
    first = Folder.create(continued(parent, some(parent), 1), root)
    assert work(first) == "done"
    again = continued(first, some(first, 2), 1)
    assert again.budget() == "20 + 5 given labels"
    assert finetune.new_labels(again, first.run) == again.given[3:]
    with pytest.raises(RunError, match="has its label already"):
        continued(first, some(parent), 1)
    assert [f.id for f in finetune.children(parent)] == [first.id]


def test_a_double_click_makes_one_run(root, engine, tiny) -> None:
    parent = trained(root)

    given = some(parent)
    later = [replace(g, at="2026-11-24T12:00:09") for g in given]
    ids = {finetune.submit_once(continued(parent, g, 1), engine, root) for g in (given, later)}
    assert len(ids) == 1
    assert finetune.submit_once(continued(parent, given[:2], 1), engine, root) not in ids


def test_labels_by_chance_are_the_data_sets_own_and_say_so(root, tiny) -> None:
    parent = trained(root)
    found = finetune.by_chance(parent, 5)
    assert [g.image for g in found] == [g.image for g in finetune.by_chance(parent, 5)]
    assert all((g.by, g.how, g.y) == (DATA_SET, "random", tiny.y[g.image]) for g in found)
    assert finetune.agreeing(found, tiny) == 5
    assert finetune.agreeing([replace(found[0], y=(found[0].y + 1) % 10)], tiny) == 0
    assert not {g.image for g in found} & set(split_indices(parent.run, tiny)[0].tolist())


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_goes_on_cannot_be_given_labels(root, state: str) -> None:
    folder = fake_runs.make(root, state, dataset="digits", model="m2")
    with pytest.raises(StoreError, match="as soon as it has ended"):
        continued(folder, [], 1)


def test_a_frozen_network_is_given_labels_and_computes_their_features(root, small_backbones) -> None:
    run = Run.make("digits", "efficientnet", 20, epochs=1, threads=1, device="cpu")
    parent = Folder.create(run, root)
    assert work(parent) == "done", parent.status()["detail"]
    child = Folder.create(continued(parent, some(parent), 1), root)
    assert work(child) == "done", child.status()["detail"]
    snapshot = snapshots.snapshot_images(child)
    assert int((snapshot.kind == snapshots.LABELLED).sum()) == 23


# --- the shell


def test_the_shell_continues_with_given_labels(root, tmp_path, signals) -> None:
    file = tmp_path / "given.csv"
    ids = free(data.load("digits"), 2, 20)
    file.write_text("".join(f"{i},5\n" for i in ids))
    env = {**os.environ, "FEWLABELS_RUNS": str(root)}

    def shell(*words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "models", "train", "--epochs", "1", "--json", *words]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)

    assert main(["train", "--model", "supervised", "--labels", "20", "--epochs", "1", "--threads", "1"]) == 0
    (id,) = (f.name for f in root.iterdir() if (f / "run.json").exists())
    second = shell("--continue", id, "--given", str(file), "--by", "Ada")
    assert second.returncode == 0, second.stderr
    result = json.loads(second.stdout)
    assert (result["labels"], result["given"], result["parent"]) == (20, 2, id)
    run = open_folder(root, result["run"]).run
    assert [(g.image, g.y, g.by) for g in run.given] == [(i, 5, "Ada") for i in ids]
    assert main(["train", "--given", str(file)]) == 2


# --- the page


def faked(root: Path, model: str = "m2", state: str = "done", dataset: str = "digits", **run) -> Folder:
    """A run folder with a checkpoint and a snapshot of training images, the first ones the least sure."""
    folder = fake_runs.make(root, state, dataset=dataset, model=model, **run)
    save_file({"model.w": np.zeros(2, np.float32)}, folder.path / "checkpoint.safetensors")
    images = data.load(dataset)
    n = min(400, len(images.y))
    q = np.full((n, len(images.classes)), 0.01)
    q[np.arange(n), np.arange(n) % len(images.classes)] = 0.2 + 2 * np.arange(n) / n
    q /= q.sum(1, keepdims=True)
    arrays = {"id": np.arange(n, dtype=np.int32), "q_y": q.astype(np.float16)}
    for epoch, path in folder.snapshots():
        save_file({**arrays, "z": np.zeros((n, 2), np.float16)}, path)
        assert epoch >= 0
    return folder


def open_page(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=280)
    for key, value in address.items():
        app.query_params[key] = value
    app = app.switch_page("pages/label.py").run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def asked(app: AppTest) -> dict:
    """What the component was given."""
    for element in app.get("bidi_component"):
        if element.proto.component_name == "few_labels_labeller":
            return json.loads(element.proto.mixed.json or element.proto.json)
    raise AssertionError("nothing asks for labels")


def ids_of(app: AppTest) -> list[int]:
    return [c["id"] for c in asked(app)["candidates"]]


def said(app: AppTest) -> str:
    return " ".join(c.value for c in (*app.caption, *app.markdown)).replace("\\", "")


def shown(app: AppTest) -> str:
    return " ".join(e.proto.body for e in app.get("html"))


def give(app: AppTest, run: str, labels: dict[int, int]) -> AppTest:
    """Labels as the component's callback keeps them."""
    kept = {i: Label(i, k, at="2026-11-24T12:00:00", how="least sure") for i, k in labels.items()}
    app.session_state[f"given-{run}"] = labelling.Kept("b1", kept)
    return app.run()


def test_the_least_sure_unlabelled_images_are_asked_about_first(root, engine) -> None:
    folder = faked(root)
    app = open_page(run=folder.id)
    snapshot = snapshots.snapshot_images(folder)
    of = snapshot.ids[snapshot.kind == snapshots.UNLABELLED]
    h = dict(zip(snapshot.ids.tolist(), snapshot.entropy.tolist(), strict=True))
    assert ids_of(app) == sorted(of.tolist(), key=lambda i: (-h[i], i))[:20]
    first = asked(app)["candidates"][0]
    assert first["top"][0][1] >= first["top"][1][1] > 0
    assert next(b for b in app.button if b.label == "Train on").disabled


def test_random_and_by_hand_and_a_link_choose_other_images(root, engine) -> None:
    folder = faked(root)
    labelled = set(split_indices(folder.run, data.load("digits"))[0].tolist())
    chance = ids_of(open_page(run=folder.id, pick="random", many="50"))
    assert len(chance) == 50
    assert not set(chance) & labelled
    assert chance == ids_of(open_page(run=folder.id, pick="random", many="50"))
    assert chance != ids_of(open_page(run=folder.id, pick="random", many="50", draw="7"))
    sevens = open_page(run=folder.id, pick="by hand", of="7")
    assert all(c["top"][0][0] == 7 for c in asked(sevens)["candidates"])
    a, b = free(data.load("digits"), 2)
    handed = open_page(run=folder.id, images=f"{b},{a},{min(labelled)},999999,x,{b}")
    assert ids_of(handed) == [b, a]
    assert asked(handed)["how"] == "by hand"
    assert "4 images of the address were left out" in said(handed)


def test_a_press_makes_one_run_that_remembers_who_gave_what(root, engine) -> None:
    folder = faked(root)
    app = open_page(run=folder.id)
    i, j = ids_of(app)[:2]
    app = give(app, folder.id, {i: 3, j: 8})
    app.text_input(key="labeller-name").set_value("Ada")
    app.checkbox(key="beside-chance").check()
    app.checkbox(key="beside-alone").check()
    app.run()
    button = next(b for b in app.button if b.label == "Train on with 2 more labels")
    app = button.click().run()
    assert not app.exception
    mine, chance, alone = engine.submitted
    assert [(g.image, g.y, g.by, g.how) for g in mine.given] == [
        (i, 3, "Ada", "least sure"),
        (j, 8, "Ada", "least sure"),
    ]
    assert mine.parent.id == folder.id
    assert {g.by for g in chance.given} == {DATA_SET}
    assert len(chance.given) == 2
    assert (alone.given, alone.parent) == ((), mine.parent)
    assert mine.epochs == chance.epochs == alone.epochs == finetune.default_epochs(folder.run)
    assert "100 + 2 given labels, by Ada" in said(app)
    assert not app.session_state[f"given-{folder.id}"].labels
    assert app.session_state[labelling.SPENT] == ["b1"]
    assert next(b for b in app.button if b.label == "Train on").disabled
    assert len(engine.submitted) == 3
    assert app.query_params["run"] in (folder.id, [folder.id]), "one stays with the run, though there is a newer one"


def test_what_was_given_is_compared_with_the_data_set_afterwards_and_the_gain_shown(root, engine) -> None:
    folder = faked(root)
    images = data.load("digits")
    a, b = ids_of(open_page(run=folder.id))[:2]
    given = [Label(a, int(images.y[a]), "Ada"), Label(b, (int(images.y[b]) + 1) % 10, "Bo")]
    child = Folder.create(continued(folder, given, 2), root)
    for epoch, accuracy in ((0, 0.95), (2, 0.97)):
        child.append({"kind": "epoch", "step": epoch, "epoch": epoch, "test_accuracy": accuracy, "seconds": 1.0})
    child.append({"kind": "result", "step": 2, "test_accuracy": 0.97, "seconds": 2.0})
    child.set_status("done")
    app = open_page(run=folder.id)
    assert "1 of 2 given labels agree" in said(app)
    gain = 0.97 - metrics(folder).test_accuracy
    says = f"{'bought' if gain > 0 else 'cost'} {abs(100 * gain):.1f} points** (test, one run, seed 0): "
    assert f"{says}{abs(round(500 * gain))} " + ("more" if gain > 0 else "fewer") in said(app)
    assert "The images with the labels they were given" in shown(app)
    assert ids_of(app)
    assert not {a, b} & set(ids_of(app)), "asked a second time"
    assert ids_of(open_page(run=folder.id, images=f"{a}")) == [a], "but whoever asks for it may"
    assert any(m.label == "Test accuracy, 100 + 2 given labels" and m.value == "97.0 %" for m in app.metric)
    assert run_pickers.run_label(child).startswith("M2, continued · Digits · 100 + 2 given labels · seed 0")


def test_what_a_browser_sends_is_checked(root, engine, monkeypatch) -> None:
    folder = faked(root)
    of = labelling.pool(folder, snapshots.snapshot_images(folder))
    a, b = of.free[:2].tolist()
    state: dict = {}
    monkeypatch.setattr(labelling.st, "session_state", state)
    labelled = int(split_indices(folder.run, data.load("digits"))[0][0])
    rows = [[a, 3, "random"], [labelled, 3, "random"], [-1, 3, "x"], [b, 10, "x"], [b, True, "x"], "junk", [b]]
    labelling.receive(of, folder.id, {"batch": "b", "labels": rows})
    kept = labelling.given(folder.id).labels
    assert [(g.image, g.y, g.how) for g in kept.values()] == [(a, 3, "random")]
    time = kept[a].at
    kept[a] = replace(kept[a], at="earlier")
    labelling.receive(of, folder.id, {"batch": "b", "labels": [[a, 3, "random"], [b, 2, "<b>"]]})
    kept = labelling.given(folder.id).labels
    assert time
    assert (kept[a].at, kept[b].how) == ("earlier", "by hand")
    for junk in (None, 3, {}, {"labels": 3}):
        labelling.receive(of, folder.id, junk)
    assert len(labelling.given(folder.id).labels) == 2
    labelling.spend(folder.id)
    labelling.receive(of, folder.id, {"batch": "b", "labels": rows})
    assert not labelling.given(folder.id).labels


@pytest.mark.parametrize("state", ["queued", "running", "done", "failed", "stopped", "lost"])
@pytest.mark.parametrize("model", ["m2", "efficientnet"])
def test_the_page_opens_for_a_run_in_every_state(root, engine, model: str, state: str) -> None:
    folder = fake_runs.make(root, state, dataset="digits", model=model)
    app = open_page(run=folder.id)  # without a checkpoint
    assert {e.proto.component_name for e in app.get("bidi_component")} == {"few_labels_page_links"}
    assert "no weights to go on from" in said(app) or "as soon as it has ended" in said(app)
    if state not in ("queued", "running"):
        save_file({"model.w": np.zeros(2, np.float32)}, folder.path / "checkpoint.safetensors")
        assert ids_of(open_page(run=folder.id))


@pytest.mark.parametrize("model", ["m1", "adgm", "supervised", "inception"])
def test_the_page_opens_for_every_model(root, engine, model: str) -> None:
    assert len(ids_of(open_page(run=faked(root, model).id))) == 20


def test_a_damaged_snapshot_is_a_sentence_and_images_can_still_be_labelled(root, engine) -> None:
    folder = faked(root)
    max(folder.snapshots())[1].write_bytes(b"damaged")
    app = open_page(run=folder.id)
    assert "cannot be read" in said(app)
    assert asked(app)["how"] == "random"
    assert asked(app)["candidates"][0]["top"] == []


@pytest.mark.parametrize(
    "address",
    [
        {"run": "../../etc/passwd"},
        {"pick": "<script>", "many": "-3", "draw": "1e9", "of": "%00", "more": "0", "images": "a,-1,99999999999"},
        {"pick": "by hand", "of": "nothing", "images": ",,,", "more": "9999999"},
    ],
)
def test_junk_in_the_address_is_no_error(root, engine, address: dict) -> None:
    folder = faked(root)
    assert len(ids_of(open_page(**{"run": folder.id, **address}))) == 20


def test_no_run_is_a_sentence_and_a_way_to_train(root, engine, no_examples) -> None:
    assert "No runs to continue yet" in said(open_page())


def test_the_page_loads_no_torch() -> None:
    code = "import sys, pages.parts.label.labelling, models.runs.finetune; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=280)
