"""Examples: finished runs that come with Few Labels stand in where there is no run yet, and nowhere else."""

import json
from pathlib import Path

import fake_runs
import numpy as np
import pytest
from safetensors.numpy import load_file
from streamlit.testing.v1 import AppTest

import data
from models import CLASS, MODELS
from models.analysis import door, projections, snapshots
from models.results import examples, recordings, table
from models.results.recordings import SEED
from models.runs import finetune, store
from models.runs.archive import bring
from models.runs.run import Run, is_todays
from pages.parts.shared.run_pickers import EXAMPLES

ROOT = Path(__file__).parents[1]
INSIDE = ("latent", "generate", "draw", "uncertainty", "compare", "label", "equations")


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def open_page(name: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in address.items():
        app.query_params[key] = value
    app = app.switch_page(f"pages/{name}.py").run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def said(app: AppTest) -> str:
    return "\n".join(e.value for kind in ("subheader", "caption", "markdown") for e in app.get(kind))


def times(app: AppTest) -> list[str | None]:
    """How long the runs in Compare's table took."""
    return list(app.dataframe[0].value["Time"])


def options(app: AppTest) -> list[str]:
    """What the page offers under Run, or Runs."""
    return next(w.options for w in [*app.selectbox, *app.multiselect] if w.key in ("run", "runs"))


def test_what_is_kept_in_the_repository(root) -> None:
    """One a method that learns from images, of today's presets, small, and with the accuracy of its recording."""
    files = list(examples.EXAMPLES.iterdir())
    assert sum(f.stat().st_size for f in files) < 10 << 20
    found = examples.bring(root)
    assert {f.id + ".zip" for f in found} == {f.name for f in files}
    assert sorted(f.run.model for f in found) == sorted(recordings.learners())
    for folder in found:
        run = folder.run
        assert is_todays(run)
        assert run == Run.make(examples.DATASET, run.model, labels=examples.LABELS, seed=SEED, threads=1)
        assert folder.status()["state"] == "done"
        recorded = recordings.read(run.dataset, run.labels, run.model)
        assert folder.result()["test_accuracy"] == recorded.accuracy[-1]
        *_, epoch = epochs = [e for e, _ in folder.snapshots()]
        assert (len(epochs), epoch) == (len(examples.SHARES), run.epochs)
        snapshot = snapshots.read(folder.path)
        assert (snapshot.q_y.astype(np.float16).argmax(1) == recorded.q_y.argmax(1))[: len(recorded.ids)].mean() > 0.99
        for space in snapshot.spaces:
            assert projections.read_map(folder.path, space, epoch, snapshot.ids) is not None
            film = projections.read_film(folder.path, space, epoch)
            assert list(film[0]) == epochs
            assert len(film[1]) == len(snapshot.ids) == 1797
    assert sum((f.path / name).stat().st_size for f in found for name in MODELS[f.run.model].weights) <= 5 << 20


@pytest.mark.parametrize("model", recordings.learners())
def test_halved_weights_classify_as_the_whole_ones_did(root, model: str) -> None:
    """The snapshot was made by the weights in single precision. M1's pairwise SVMs may swing for an image or two."""
    folder = next(f for f in examples.bring(root) if f.run.model == model)
    snapshot = snapshots.read(folder.path)
    tests = np.flatnonzero(snapshot.ids < 0)
    q = door.ask("q_y", folder, ids=snapshot.ids[tests].tolist())
    assert np.median(np.abs(q - snapshot.q_y[tests]).max(1)) < 0.001
    assert (q.argmax(1) == snapshot.q_y[tests].argmax(1)).mean() >= 0.99
    true = data.load("digits").y_test[-1 - snapshot.ids[tests]]
    assert abs((q.argmax(1) == true).mean() - folder.result()["test_accuracy"]) <= 0.01


def test_they_are_brought_once_and_are_in_no_list_and_no_table(root, engine) -> None:
    first = examples.bring(root)
    assert first[0].run.model == CLASS, "a page opens with a model that has y"
    at = [f.path.stat().st_ino for f in first]
    again = examples.bring(root)
    assert [f.path for f in again] == [f.path for f in first]
    assert [f.path.stat().st_ino for f in again] == at
    assert store.runs(root) == []
    assert store.damaged(root) == []
    rows = table.rows(["digits"], recordings.learners(), [20], seeds=[SEED], root=root, reference=None)
    assert not any(row.outcomes for row in rows)
    assert "Examples:" in said(open_page("train")), "nobody takes them for runs of one's own"
    home = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
    assert "No runs yet. The first one" in said(home)


def test_where_they_cannot_be_brought_pages_say_what_they_said_before(root, engine) -> None:
    root.write_text("a file, where the folder of runs should be")
    assert examples.bring(root) == []


def test_a_damaged_one_is_left_out_and_the_others_stand(root, engine) -> None:
    gone = examples.bring(root)[0]
    (gone.path / "run.json").write_text("{")
    assert gone.id not in [f.id for f in examples.bring(root)]
    assert len(examples.bring(root)) == len(recordings.learners()) - 1
    app = open_page("latent")
    assert EXAMPLES in said(app)
    store.delete(root, gone.id)
    assert gone.id in [f.id for f in examples.bring(root)]


@pytest.mark.parametrize("page", INSIDE)
def test_no_page_that_looks_inside_is_a_dead_end(root, engine, page: str) -> None:
    app = open_page(page)
    assert EXAMPLES in said(app)
    assert all(o.startswith("Example: ") for o in options(app))
    assert "run" not in app.query_params, "the address of whoever chose nothing says nothing"
    assert "runs" not in app.query_params


@pytest.mark.parametrize("page", INSIDE)
def test_with_a_run_of_ones_own_they_are_gone_but_for_a_link_to_one(root, engine, page: str) -> None:
    example = next(f for f in examples.bring(root) if f.run.model == CLASS)
    folder = fake_runs.make(root, "done", model=CLASS, labels=50, epochs=2)
    for name in ("checkpoint.safetensors", "model.safetensors"):
        (folder.path / name).write_bytes((example.path / "model.safetensors").read_bytes())
    app = open_page(page)
    assert EXAMPLES not in said(app)
    assert len(options(app)) == 1
    assert "50 labels" in options(app)[0]
    app = open_page(page, **({"runs": example.id} if page in ("draw", "compare") else {"run": example.id}))
    assert len(options(app)) == 2
    assert sum(o.startswith("Example: ") for o in options(app)) == 1


def test_how_long_an_example_took_elsewhere_does_not_stand_on_compare(root, engine) -> None:
    assert not any(times(open_page("compare")))
    folder = fake_runs.make(root, "done", model=CLASS, labels=50, epochs=2)
    assert all(times(open_page("compare", runs=folder.id)))


def test_generate_offers_examples_beside_an_example_that_cannot_draw(root, engine) -> None:
    baseline = next(f for f in examples.bring(root) if not MODELS[f.run.model].draws)
    app = open_page("generate", run=baseline.id)
    able = [f.id for f in examples.bring(root) if MODELS[f.run.model].draws]
    assert sorted(able) == sorted(b.key for b in app.button if b.key in able)


def test_an_example_can_be_labelled_and_goes_on(root) -> None:
    """A run without a checkpoint goes on from the weights that classify, in single precision."""
    for folder in examples.bring(root):
        run = finetune.continued(folder, [], 1)
        start = load_file(store.Folder.create(run, root).path / "start.safetensors")
        kept = load_file(folder.path / "model.safetensors")
        assert len(start) == 2 * len(kept)
        for of in ("model", "averaged"):
            for name, t in kept.items():
                assert np.array_equal(start[f"{of}.{name}"], t)
                assert start[f"{of}.{name}"].dtype != np.float16


def test_a_run_is_kept_as_an_example_with_what_pages_need_and_nothing_else(tmp_path, root, monkeypatch) -> None:
    """Of an example once more: no log and no checkpoint, and the maps laid out anew (here by PCA, which is sooner)."""
    monkeypatch.setattr(projections, "umap_xy", lambda z, begin=None: projections.pca(z))
    source = examples.bring(root)[0]
    (source.path / "checkpoint.safetensors").write_bytes((source.path / "model.safetensors").read_bytes())
    (source.path / "log.txt").write_text("/home/somebody")
    older = tmp_path / "kept" / f"{source.id.rpartition('-')[0]}-0ld0.zip"
    older.parent.mkdir()
    older.write_text("of the same run, trained before")
    path = examples.keep(source, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == [path]
    there = bring(path, tmp_path / "elsewhere", example=True)
    names = {p.relative_to(there.path).as_posix() for p in there.path.rglob("*") if p.is_file()}
    space, epoch = next(iter(MODELS[CLASS].spaces)), source.run.epochs
    kept = {f"latents/{e:04d}.safetensors" for e in (2, 6, 17, 50)}
    assert names == kept | {
        "run.json", "status.json", "metrics.jsonl", "model.safetensors", f"samples/{epoch:04d}.png",
        f"maps/{space}-umap-{epoch:04d}.safetensors", f"maps/{space}-film-{epoch:04d}.safetensors",
    }  # fmt: skip
    assert json.loads((there.path / "run.json").read_text())["made"]["example"] is True
    assert store.runs(tmp_path / "elsewhere") == []
    mine = bring(path, tmp_path / "mine")  # somebody was given one: a run like any other
    assert [f.id for f in store.runs(tmp_path / "mine")] == [mine.id] == [source.id]
    assert mine.run == source.run
