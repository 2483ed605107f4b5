"""The one door through which pages compute: what crosses is plain, what is kept is bounded, nobody goes round it."""

import ast
import dataclasses
import pickle
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_inside import SMALL, weights

from models import MODELS
from models.analysis import (
    door,
    full_dataset,
    inference,
    judge,
    kept_figures,
    likelihood,
    plain,
    sample_scores,
    separability,
    usage,
)
from models.analysis.byte_cache import ByteCache
from models.analysis.door import QUESTIONS, Question, ask
from models.errors import StoreError, UserError
from models.runs.run import Run
from models.runs.store import Folder
from models.training.loop import train
from tests.kinds import IMAGE_LEARNERS

ROOT = Path(__file__).parents[1]
METHODS = [model for model in IMAGE_LEARNERS if not MODELS[model].frozen]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Folder]:
    """A run of one epoch of each method, trained by the real loop, and what jobs make of it."""
    root, made = tmp_path_factory.mktemp("runs"), {}
    for name in METHODS:
        folder = made[name] = Folder.create(replace(Run.make("digits", name), epochs=1, settings=SMALL), root)
        for record in train(folder.run, folder):
            folder.append(record)
        folder.set_status("done")
        full_dataset.make(folder.path, 1)
        separability.make(folder.path, MODELS[name].latents[0], 1)
        if MODELS[name].draws:
            arrays = likelihood.compute(folder, 1, samples=2, images=4)
            kept_figures.keep(folder, 1, likelihood.OF, likelihood.METHOD, arrays)
            usage.make(folder.path, "z", 1)
        if MODELS[name].pictures:
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(judge.EPOCHS, "small", 1)
                patch.setattr(judge, "path_of", lambda dataset: root / "judge.safetensors")
                sample_scores.make(folder.path, "z", 1)
    return made


def arguments(folder: Folder) -> dict[str, dict]:
    """What each question is asked here; a question that is missing fails the test below."""
    space, at = MODELS[folder.run.model].latents[0], {"epoch": 1}
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    of = ask("plane", folder, k=3, dimensions=None) if MODELS[folder.run.model].draws else None
    return {
        "load_ahead": {},
        "class_grid": {"columns": 3, "seed": 1, "classes": [2, 5], "spread": 0.5, "between": True},
        "swap": {"ids": [0, -1]},
        "q_y": {"ids": range(3)},
        "encode": {"ids": (np.int64(4),)},
        "walk": {"first": 0, "second": -1},
        "plane": {"k": 3, "dimensions": (0, 2)},
        "most_varied": {},
        "manifold": {"k": 3, "of": of, "rows": 3, "columns": 3},
        "field": {"classes": (0, 3), "of": of, "start": np.zeros(3, np.float32)},
        "code": {"image": -1},
        "style": {"seed": 3, "k": 2},
        "decoder": {},
        "auxiliary": {"image": -1, "classes": (0, 1), "rows": 2},
        "flow": {"image": image, "dimensions": (0, 2)},
        "see": {"image": image},
        "usual_bounds": {},
        "terms": {"id": 0, "draws": 10},
        "class_bounds": {"ids": [0], "draws": 2},
        "image_bound": {"ids": [0], "draws": 2},
        "snapshot_images": at,
        "pca": {**at, "space": space},
        "turn": {**at, "before": 0, "space": space},
        "frame": {**at, "space": space},
        "line": {**at, "space": space, "first": 0, "second": 1},
        "principal": {**at, "space": space},
        "figures": {**at, "space": space, "of_all": True},
        "film": {"last": 1, "space": space, "projection": "pca", "classes": 10},
        "reconstruction": {**at, "id": -1},
        "mistaken": at,
        "calibration": at,
        "separability": {**at, "space": space},
        "likelihood": at,
        "samples": at,
        "usage": {**at, "space": space},
        "disputed": {**at, "others": [(str(folder.path), 1)], "most": 4},
        "full_dataset": at,
        "split": {},
        "pixels": {},
    }


def refused(model: str) -> set[str]:
    """The questions that a run of this method has no answer to."""
    card = MODELS[model]
    drawing = {"swap", "walk", "plane", "manifold", "field", "code", "style", "decoder", "usual_bounds"}
    drawing |= {"reconstruction", "most_varied", "likelihood", "usage"}
    return (
        (set() if card.draws else drawing)
        | (set() if card.pictures else {"class_grid", "samples"})
        | ({"reconstruction"} if card.draws_through else set())
        | (set() if card.auxiliary else {"auxiliary"})
        | (set() if card.generative and card.generative.class_bound else {"class_bounds"})
        | (set() if card.generative and not card.generative.sees_class else {"image_bound"})
    )


def must_be_plain(value: object, at: str) -> None:
    """Written apart from models/analysis/plain.py: no type but these, whatever that file lets through."""
    if type(value) is np.ndarray:
        assert value.dtype.kind in "biuf", at
        assert not value.flags.writeable, at
        assert value.base is None, f"{at} is a view of what others may write into"
    elif type(value) is tuple:
        for i, v in enumerate(value):
            must_be_plain(v, f"{at}[{i}]")
    elif type(value) is dict:
        for k, v in value.items():
            assert type(k) in (str, int), at
            must_be_plain(v, f"{at}[{k}]")
    elif dataclasses.is_dataclass(value):
        for f in dataclasses.fields(value):
            must_be_plain(getattr(value, f.name), f"{at}.{f.name}")
    else:
        assert type(value) in (str, int, float, bool, bytes, type(None)), f"{at} is a {type(value)}"


@pytest.mark.parametrize("model", METHODS)
def test_every_question_takes_and_gives_plain_values(model, runs, tmp_path):
    """And what crosses is understood by a process that has no torch."""
    folder = runs[model]
    asked = {k: v for k, v in arguments(folder).items() if k not in {"field", "manifold"} or MODELS[model].draws}
    assert set(arguments(folder)) == set(QUESTIONS)
    answers, no = {}, set()
    for what, given in asked.items():
        try:
            answers[what] = ask(what, folder.path, **given)
        except StoreError:
            no.add(what)
    assert no == refused(model) & set(asked)
    for what, answer in answers.items():
        must_be_plain(answer, what)
    nothing = ["load_ahead", *["decoder"] * MODELS[model].draws_through]
    assert [what for what, answer in answers.items() if answer is None] == nothing
    crossing = tmp_path / "crossing"
    crossing.write_bytes(pickle.dumps((asked, answers)))
    code = (
        "import pickle, sys; from pathlib import Path; import models.analysis.door\n"
        f"asked, answers = pickle.loads(Path({str(crossing)!r}).read_bytes())\n"
        "print(len(answers), sorted({'torch', 'sklearn', 'umap', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == f"{len(answers)} []", done.stdout + done.stderr


@pytest.mark.parametrize("model", ["m1", "m2", "adgm"])
def test_a_page_reconstructs_without_torch_what_the_model_does(model, runs):
    """To two grey levels: a snapshot keeps its codes in half precision."""
    folder = runs[model]
    for id in (0, 7, -1, -500):
        theirs = ask("swap", folder, ids=[id])["reconstruction"][0].astype(int)
        mine = ask("reconstruction", folder, epoch=1, id=id)
        assert mine.shape == theirs.shape
        assert np.abs(mine - theirs).max() <= 2
        assert theirs.std() > 3, "or anything grey would do"
    with pytest.raises(StoreError, match="no code of this image"):
        ask("reconstruction", folder, epoch=0, id=10**6)


# --- what is not plain


@dataclass(frozen=True)
class Frozen:
    value: object


@dataclass
class Open:
    value: object


STRANGE = {
    "a tensor": torch.zeros(2),
    "a dtype": torch.float32,
    "a model": torch.nn.Linear(1, 1),
    "an array of objects": np.array([None, "x"], dtype=object),
    "a data class that may change": Open(1),
    "a function": len,
    "a run folder": Folder("x"),
    "a masked array": np.ma.zeros(2),
}


@pytest.mark.parametrize("what", STRANGE)
@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: (1, v), lambda v: {"k": {"l": v}}, lambda v: Frozen([v])], ids=range(4)
)
def test_what_is_not_plain_is_refused_both_ways(what, wrap, runs, monkeypatch):
    value = wrap(STRANGE[what])
    monkeypatch.setattr(inference, "load_ahead", lambda folder, **given: value)
    for kept in (True, False):
        monkeypatch.setitem(QUESTIONS, "odd", Question("models.analysis.inference:load_ahead", kept=kept))
        with pytest.raises(TypeError, match=r"the answer to 'odd'.*no plain value"):
            ask("odd", runs["m2"])
        with pytest.raises(TypeError, match=r"the argument of 'odd'|the argument x of 'odd'.*no plain value"):
            ask("odd", runs["m2"], x=value)


def test_nobody_can_change_what_another_is_given(runs):
    first = ask("swap", runs["m2"], ids=[0])
    with pytest.raises(ValueError, match="read-only"):
        first["image"][:] = 0
    image = first.pop("image")
    first["more"] = 1
    again = ask("swap", runs["m2"], ids=[0])
    assert set(again) == {"image", "reconstruction", "classes", "q_y"}
    assert again["image"] is image, "arrays are shared, not copied"


def test_what_is_asked_with_may_be_changed_afterwards(runs):
    image = np.zeros((1, 16, 16), np.uint8)
    empty = ask("see", runs["m2"], image=image)
    image += 200
    assert not np.array_equal(ask("see", runs["m2"], image=image).q_y, empty.q_y)
    assert ask("see", runs["m2"], image=image * 0).q_y is empty.q_y


# --- what is kept


@pytest.fixture
def counted(monkeypatch) -> list:
    """The arguments with which q(y|x) was really computed."""
    calls, q_y = [], inference.q_y
    monkeypatch.setattr(inference, "q_y", lambda folder, ids: calls.append(ids) or q_y(folder, ids))
    return calls


def test_an_answer_is_computed_once_for_the_weights_it_is_of(tmp_path, counted):
    folder = Folder.create(replace(Run.make("digits", "m2"), settings=SMALL), tmp_path)
    with pytest.raises(StoreError, match="its weights come with its first epoch"):
        ask("q_y", folder, ids=[0])
    weights(folder, seed=0)
    first = ask("q_y", folder, ids=[0])
    assert ask("q_y", str(folder.path), ids=(np.int32(0),)) is first
    assert counted == [(0,)]
    ask("q_y", folder, ids=[1])
    weights(folder, seed=1)
    assert not np.array_equal(ask("q_y", folder, ids=[0]), first)
    assert counted == [(0,), (1,), (0,)]


def test_a_snapshot_that_is_replaced_is_read_again(runs):
    folder = runs["m2"]
    path = dict(folder.snapshots())[1]
    kept = path.read_bytes()
    before = ask("figures", folder, epoch=1, space="z")
    try:
        path.write_bytes(b"damaged")
        with pytest.raises(UserError, match="damaged"):
            ask("figures", folder, epoch=1, space="z")
        with pytest.raises(UserError, match="replaced"):
            ask("figures", folder, epoch=7, space="z")
    finally:
        path.write_bytes(kept)
    assert ask("figures", folder, epoch=1, space="z") == before


def test_many_who_ask_the_same_compute_it_once(tmp_path, counted):
    folder = Folder.create(replace(Run.make("digits", "m2"), settings=SMALL), tmp_path)
    weights(folder, seed=0)
    together = threading.Barrier(12)

    def one(i: int) -> np.ndarray:
        together.wait()
        return ask("q_y", folder, ids=[i % 2])

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(one, range(12)))
    assert sorted(counted) == [(0,), (1,)]
    assert len({id(a) for a in found}) == 2


def test_whoever_waits_for_a_failure_hears_it_and_the_next_tries_again():
    cache, begun, go = ByteCache(10, len), threading.Event(), threading.Event()

    def fails() -> str:
        begun.set()
        go.wait(10)
        raise StoreError("It is not there.")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "k", fails)
        begun.wait(10)
        second = pool.submit(cache.get, "k", lambda: pytest.fail("computed twice"))
        until = time.monotonic() + 10
        while not cache._coming["k"]._condition._waiters and time.monotonic() < until:
            time.sleep(0.001)
        go.set()
        for asked in (first, second):
            with pytest.raises(StoreError):
                asked.result(10)
    assert cache.get("k", lambda: "now") == "now"


def test_the_cache_is_bounded_by_bytes_and_drops_what_was_used_longest_ago():
    cache = ByteCache(10, len)
    for key in "abc":
        cache.get(key, lambda key=key: key * 3)
    cache.get("a", lambda: pytest.fail("it is kept"))
    cache.get("d", lambda: "dd")  # 11 bytes: b goes, which was used longest ago
    assert cache.bytes == 8
    assert len(cache) == 3
    for key in "acd":
        cache.get(key, lambda: pytest.fail("it is kept"))
    assert cache.get("b", lambda: "again") == "again"
    assert cache.get("large", lambda: "x" * 11) == "x" * 11
    assert cache.get("large", lambda: "y") == "y", "what is larger than all room is not kept"
    assert cache.bytes <= 10
    cache.clear()
    assert (cache.bytes, len(cache)) == (0, 0)


def test_the_door_counts_the_bytes_of_arrays_wherever_they_are(runs):
    a = np.zeros(1000)
    for value in (a, (a,), {"k": a}, Frozen({"k": (a,)})):
        assert 8000 <= plain.size(value) < 9000
    before = door._answers.bytes
    tiles = ask("class_grid", runs["m2"], columns=16)
    assert 0 <= door._answers.bytes - before - tiles.nbytes < 1000
    door.forget()
    assert door._answers.bytes == 0
    assert door.MOST_BYTES == 256 * 2**20


def test_keys_tell_what_is_equal_in_python_and_not_in_meaning():
    values = [1, 1.0, True, "1", (1,), ((1,),), {"a": 1}, np.ones(1), np.ones(1, np.float32), np.ones((1, 1)), b"1"]
    assert len({plain.key(v) for v in values}) == len(values)
    assert plain.key(np.arange(6).reshape(2, 3)) != plain.key(np.arange(6).reshape(3, 2))
    assert plain.key(Frozen(np.ones(3))) == plain.key(Frozen(np.ones(3)))


# --- nobody goes round it


def pages() -> list[tuple[str, ast.Module]]:
    files = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
    return [(str(f.relative_to(ROOT)), ast.parse(f.read_text())) for f in files]


def test_pages_import_nothing_that_loads_torch():
    """Neither at the top nor within a function: what each of them imports from models/, in one fresh process."""
    names = set()
    for _, tree in pages():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {(a.name, "") for a in node.names if a.name.startswith("models")}
            elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "models":
                names |= {(node.module, a.name) for a in node.names}
    code = (
        f"import sys, importlib\nfor module, name in {sorted(names)!r}:\n"
        "    found = importlib.import_module(module)\n"
        "    if name and not hasattr(found, name): importlib.import_module(f'{module}.{name}')\n"
        "    heavy = {'torch', 'sklearn', 'umap'} & set(sys.modules)\n"
        "    assert not heavy, f'{module} {name} loads {heavy}'\n"
    )
    assert ("models.analysis", "door") in names
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


# What Streamlit keeps for pages: pictures and HTML that are drawn of images, addresses of files, and what pages share.
KEPT_BY_STREAMLIT = {
    "pages/parts/components/gallery/__init__.py: sheet",
    "pages/parts/components/latent_map/__init__.py: make_sheets",
    "pages/parts/inside/own_image.py: points",
    "pages/parts/lab/live_maps.py: warm",  # a thread that imports, once
    "pages/parts/shared/dataset_sheets.py: address",
    "pages/parts/shared/figures.py: class_cards",
    "pages/parts/shared/figures.py: field",
    "pages/parts/shared/figures.py: labelled_sheet",
    "pages/parts/shared/run_metrics.py: _kept",
    "pages/parts/shared/train_missing.py: _one_at_a_time",
}


def test_pages_keep_no_answers_of_their_own():
    found = {
        f"{path}: {node.name}"
        for path, tree in pages()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(word in ast.unparse(d) for d in node.decorator_list for word in ("cache", "memo"))
    }
    assert found == KEPT_BY_STREAMLIT
    word = re.compile(r"\bcache_(data|resource)|lru_cache|@cache")
    paths = {path for path, _ in pages() if word.search((ROOT / path).read_text())}
    assert paths == {line.partition(":")[0] for line in KEPT_BY_STREAMLIT}


# Parts of pages that draw themselves anew while something goes on, by `polling.part`; what waits for news is
# `polling.watch`.
DRAW_THEMSELVES = {
    "pages/data.py",
    "pages/label.py",
    "pages/parts/compare/accuracy.py",
    "pages/parts/compare/separability.py",
    "pages/parts/lab/cluster.py",
    "pages/parts/lab/launch.py",
    "pages/parts/lab/live_maps.py",
    "pages/plane.py",
    "pages/results.py",
    "pages/train.py",
}


def test_one_poller_looks_for_news():
    nodes = [(path, n) for path, tree in pages() for n in ast.walk(tree)]
    timed = {path for path, n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == "polling.part"}
    assert timed == DRAW_THEMSELVES
    assert {path for path, n in nodes if isinstance(n, ast.keyword) and n.arg == "run_every"} == {
        "pages/parts/shared/polling.py"
    }


def news() -> None:
    """A page that was drawn of `drawn` while there was `there`."""
    import streamlit as st

    from pages.parts.shared import polling

    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    drawn = min(state["runs"], 3)
    polling.watch(lambda: 3, drawn, meanwhile=lambda: st.caption("It comes by itself."))


def test_a_page_is_drawn_anew_until_it_shows_what_there_is():
    at = AppTest.from_function(news, default_timeout=60).run()
    assert at.session_state["runs"] == 3
    assert [c.value for c in at.caption] == ["It comes by itself."]


def test_the_weights_of_a_run_and_its_end_are_news(tmp_path):
    from pages.parts.shared import polling

    folder = Folder.create(replace(Run.make("digits", "m2"), settings=SMALL), tmp_path)
    seen = [polling.weights_of(folder)]
    assert seen == [(None, False)]
    for change in (lambda: weights(folder, 0), lambda: weights(folder, 1), lambda: folder.set_status("stopped")):
        change()
        seen.append(polling.weights_of(folder))
    assert len(set(seen)) == 4
    assert [ended for _, ended in seen] == [False, False, False, True]
