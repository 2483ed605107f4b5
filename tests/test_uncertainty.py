"""Uncertainty: its figures against cases done by hand, its bounds against the models' own, its page in every state."""

import json
import math

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_generate_page import ROOT
from test_inside import make as with_weights
from test_latent_page import codes, keep
from tiny import CLASSES, binary, tiny

import data
from models.analysis import answers, calibration, class_bounds, inference
from models.analysis.calibration import chance, reliability, scores
from models.errors import StoreError
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.inside import uncertainty

# Three classes, five images: confidences .9 right, .9 wrong, .6 right, .5 right, .5 wrong
Q = np.array([[0.9, 0.1, 0], [0.05, 0.9, 0.05], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
Y = np.array([0, 0, 2, 0, 1])


# --- calibration


def test_five_images_by_hand():
    found = reliability(Q, Y, bins=2)  # (0, .5] holds the last two, (.5, 1] the first three
    assert found.n.tolist() == [2, 3]
    assert found.right.tolist() == [1, 2]
    np.testing.assert_allclose(found.confidence, [0.5, 0.8])
    np.testing.assert_allclose(found.accuracy, [1 / 2, 2 / 3])
    assert found.ece == pytest.approx(2 / 5 * 0 + 3 / 5 * (0.8 - 2 / 3))
    assert found.mce == pytest.approx(0.8 - 2 / 3)
    s = scores(Q, Y, bins=2)
    assert (s.n, s.right, s.accuracy) == (5, 3, 0.6)
    assert s.confidence == pytest.approx(0.68)
    squares = [0.01 + 0.01, 0.95**2 + 0.81 + 0.0025, 0.04 + 0.04 + 0.16, 0.25 + 0.09 + 0.04, 0.25 + 0.49 + 0.04]
    assert s.brier == pytest.approx(sum(squares) / 5)
    assert s.nll == pytest.approx(-sum(map(math.log, (0.9, 0.05, 0.6, 0.5, 0.3))) / 5)


@pytest.mark.parametrize("bins", [5, 10, 15, 20])
def test_a_confidence_on_an_edge_belongs_to_the_bin_below(bins):
    edges = np.arange(1, bins + 1) / bins
    assert calibration.bins_of(edges, np.arange(bins + 1) / bins).tolist() == list(range(bins))


def test_bins_of_equal_numbers():
    sure = np.linspace(0.5, 0.99, 20)
    q = np.stack([sure, 1 - sure], 1)
    found = reliability(q, np.zeros(20, int), bins=5, equal=True)
    assert found.n.tolist() == [4] * 5
    assert (found.low[0], found.high[-1]) == (0, 1)
    alike = reliability(np.tile([0.7, 0.3], (20, 1)), np.zeros(20, int), bins=5, equal=True)
    assert alike.n.sum() == 20
    assert alike.ece == pytest.approx(0.3)


def test_wilson_s_interval():
    """Against figures of the closed form worked out by hand: 8 of 10 is .490 to .943; 0 of 10 reaches to .278."""
    least, most = calibration.wilson(np.array([8, 0, 10, 0]), np.array([10, 10, 10, 0]))
    np.testing.assert_allclose(least[:3], [0.4902, 0, 0.7225], atol=1e-4)
    np.testing.assert_allclose(most[:3], [0.9433, 0.2775, 1], atol=1e-4)
    assert np.isnan([least[3], most[3]]).all()


def drawn(n: int, truth: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """q of n images of 4 classes, and classes drawn from q itself; or right with probability `truth`."""
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.full(4, 0.4), n)
    if truth is None:
        y = (rng.random((n, 1)) > q.cumsum(1)).sum(1).clip(0, 3)
    else:
        y = np.where(rng.random(n) < truth, q.argmax(1), (q.argmax(1) + 1) % 4)
    return q, y


@pytest.mark.parametrize("n", [300, 5000, 50_000])
def test_a_calibrated_model_errs_by_luck_alone(n):
    """A bin's gap is about normal of sd s; |gap| has mean .80 s and sd .60 s, so 15 of them stay below twice .80 s."""
    found = scores(*drawn(n))
    assert 0.3 * found.chance < found.ece < 2 * found.chance
    assert found.chance < 0.9 / math.sqrt(n) * math.sqrt(calibration.BINS)


def test_the_error_that_luck_leaves_is_foretold():
    """The mean of the ECE of 200 calibrated models of 2000 images each, against the formula."""
    rng = np.random.default_rng(1)
    q = rng.dirichlet(np.full(4, 0.4), 2000)
    errors = [reliability(q, (rng.random((2000, 1)) > q.cumsum(1)).sum(1).clip(0, 3)).ece for _ in range(200)]
    assert np.mean(errors) == pytest.approx(chance(q), rel=0.07)


def test_an_overconfident_model_errs_by_what_it_claims_too_much():
    """It is right 6 times of 10 whatever it says, and says .9 or .8: the error is (.3 + .2) / 2."""
    q = np.repeat([[0.9, 0.1], [0.8, 0.2]], 1000, 0)
    y = np.tile([0, 0, 0, 1, 1], 400)
    for equal in (False, True):
        found = reliability(q, y, equal=equal)
        assert found.ece == pytest.approx(0.25)
        assert found.mce == pytest.approx(0.3)
    s = scores(q, y)
    assert "more sure than it should be" in uncertainty.in_words(s)
    assert "less sure" in uncertainty.in_words(scores(q, np.zeros(2000, int)))
    assert "about as sure" in uncertainty.in_words(scores(*drawn(1000)))


def test_what_float16_cannot_hold_costs_a_finite_price():
    q = np.array([[1.0, 0.0]])
    assert calibration.nll(q, np.array([1])) == pytest.approx(25 * math.log(2))
    assert scores(q, np.array([1])).cut == 1


def test_no_images_have_no_figures():
    s = scores(np.zeros((0, 10)), np.zeros(0, int))
    assert s.n == 0
    assert all(math.isnan(v) for v in (s.ece, s.mce, s.ece_equal, s.brier, s.nll, s.accuracy, s.chance))
    assert "no test images" in uncertainty.in_words(s)


def test_the_surest_mistake_comes_first():
    assert calibration.confident_mistakes(Q, Y).tolist() == [1, 4]
    assert calibration.unsure_but_right(Q, Y).tolist() == [3, 2, 0]


# --- bounds


@pytest.mark.parametrize("name", ["m2", "m2 with q(z|x,y)", "adgm"])
def test_the_bounds_are_the_model_s_own(exactly, name):
    """Without noise each draw is the same: the terms add up to L(x, y), class by class."""
    from tiny import no_noise

    model, x = tiny(name), binary(3)
    with no_noise(), torch.no_grad():
        terms = class_bounds.draw(model, x, 4)
        total = sum(terms.values())
        assert total.shape == (4, 3, CLASSES)
        for k in range(CLASSES):
            wanted = model.L(x, torch.full((3,), k))
            for one in total:
                torch.testing.assert_close(one[:, k], wanted)
    assert set(terms) == {"reconstruction", "prior_y", "kl_z"} | ({"kl_a"} if name == "adgm" else set())
    torch.testing.assert_close(terms["prior_y"], torch.full((4, 3, CLASSES), math.log(CLASSES)))


@pytest.mark.parametrize("name", ["m2", "adgm"])
def test_u_is_smallest_at_the_posterior_of_the_bounds(exactly, name):
    """U(x) = KL[q ‖ softmax(-L)] - log sum exp(-L), so -U is at most log sum exp(-L)."""
    from tiny import no_noise

    model, x = tiny(name), binary(5)
    with no_noise(), torch.no_grad():
        L = sum(class_bounds.draw(model, x, 1).values())[0]
        q = (model.q_y(model.q_a(x).mean, x) if name == "adgm" else model.q_y(x)).probs
        p = torch.as_tensor(answers.posterior(L.numpy()))
        kl = (q * (q.log() - p.log())).sum(-1)
        evidence = torch.logsumexp(-L, -1)
        torch.testing.assert_close(model.U(x), kl - evidence)
        assert (-model.U(x) <= evidence).all()
        torch.testing.assert_close(p.sum(-1), torch.ones(5))
    found = class_bounds.Bounds({}, L.numpy(), L.numpy(), q.numpy(), 1)
    np.testing.assert_allclose(found.apart, kl.numpy())
    far = class_bounds.Bounds({}, np.array([[0.0, 5000.0]]), np.zeros((1, 2)), np.array([[0.0, 1.0]]), 1)
    assert far.apart[0] == 5000  # where softmax(-L) itself is 0


def test_m1_has_one_bound(exactly):
    from tiny import no_noise

    model, x = tiny("m1"), binary(3)
    with no_noise(), torch.no_grad():
        terms = class_bounds.draw(model, x, 2)
        torch.testing.assert_close(sum(terms.values())[0, :, 0], model.bound(x))


def test_draws_in_pieces_are_draws(exactly, monkeypatch):
    """Many draws that do not fit at once have the same mean, within five standard errors."""
    model, x = tiny("m2"), binary(2)
    with torch.no_grad():
        whole = sum(class_bounds.draw(model, x, 400).values())
        monkeypatch.setattr(class_bounds, "AT_ONCE", 60)
        pieces = sum(class_bounds.draw(model, x, 400).values())
    assert pieces.shape == whole.shape
    error = (whole.var(0) / 400 + pieces.var(0) / 400).sqrt()
    assert ((whole.mean(0) - pieces.mean(0)).abs() < 5 * error).all()


@pytest.mark.parametrize("model", ["m2", "adgm"])
def test_the_bounds_of_a_run(tmp_path, model):
    folder = with_weights(tmp_path, model)
    found = class_bounds.of_classes(folder, [0, -1], draws=5)
    assert found.L.shape == found.spread.shape == found.posterior.shape == found.q_y.shape == (2, 10)
    np.testing.assert_allclose(sum(found.terms.values()), found.L, rtol=1e-6)
    np.testing.assert_allclose(found.q_y, inference.q_y(folder, [0, -1]), atol=0.2)  # ADGM's draws of a begin elsewhere
    assert np.array_equal(found.L, class_bounds.of_classes(folder, [0, -1], draws=5).L), "the same draws"
    assert (class_bounds.of_classes(folder, [0], draws=1).spread == 0).all()
    for ids, draws, says in (([9999], 5, "no such image"), ([0], 0, "0 draws"), ([0], 999, "999 draws")):
        with pytest.raises(StoreError, match=says):
            class_bounds.of_classes(folder, ids, draws)


def test_models_without_y_say_so(tmp_path):
    m1, baseline = with_weights(tmp_path, "m1"), with_weights(tmp_path, "supervised")
    assert class_bounds.of_images(m1, [0, -1], 3).L.shape == (2, 1)
    for folder in (m1, baseline):
        with pytest.raises(StoreError, match=r"has no p\(x, y\)"):
            class_bounds.of_classes(folder, [0])
    with pytest.raises(StoreError, match=r"no bound of eq\. 3"):
        class_bounds.of_images(baseline, [0])


# --- the page


@pytest.fixture
def root(tmp_path, monkeypatch, no_supervisor):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def whole(root, model: str = "m2", state: str = "done", epochs=(0, 4)) -> Folder:
    """A run with weights and snapshots; every fifth image is predicted wrongly, with .82."""
    folder = with_weights(root, model)
    ids, z, true = codes()
    names = {"adgm": ("z", "a"), "supervised": ("h",)}.get(model, ("z",))
    for epoch in epochs:
        keep(folder, epoch, ids, true, **dict.fromkeys(names, z))
    held = folder.lock() if state == "running" else None
    folder.set_status(state, detail="There was no memory left." if state == "failed" else "")
    folder.held = held
    return folder


def visit(**address: object) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.switch_page("pages/uncertainty.py")
    for key, value in address.items():
        at.query_params[key] = str(value)
    at.run()
    assert not at.exception, [e.stack_trace for e in at.exception]
    return at


def said(at: AppTest) -> str:
    return " ".join(e.value for e in (*at.caption, *at.markdown)).replace("\\", "")


def drawn_html(at: AppTest) -> str:
    return "".join(e.proto.body for e in at.get("html"))


def gallery(at: AppTest) -> dict:
    return next((d for d in components(at, "few_labels_gallery") if not d["rows"]), {})


def components(at: AppTest, name: str) -> list[dict]:
    return [json.loads(e.proto.mixed.json or e.proto.json) for e in at.get("bidi_component")
            if e.proto.component_name == name]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("m1", "one bound for an image"),
        ("m2", "L(x, y) of eq. 6 bounds"),
        ("adgm", "L(x, y) of eq. 21 bounds"),
        ("supervised", "has no bound"),
    ],
)
def test_every_model(root, model, says):
    at = visit(run=whole(root, model).id)
    text = said(at)
    assert says in text
    assert "100 labels, seed 0, after epoch 4" in text
    assert ("its calibrated output stands for it here" in text) == (model == "m1")
    assert ("un-bound" in drawn_html(at).replace(uncertainty.STYLE, "")) == (model in ("m2", "adgm"))
    figures = {m.label: m.value for m in at.metric}
    wrong = sum(i % 5 == 0 for i in range(-500, 0))
    accuracy = 1 - wrong / 500
    assert figures["Correct of 500"] == f"{100 * accuracy:.1f} %"
    assert float(figures["ECE"].split()[0]) == pytest.approx(100 * abs(0.82 - accuracy), abs=0.06)


def test_the_gallery_holds_the_mistakes_and_the_address_chooses(root):
    folder = whole(root)
    at = visit(run=folder.id)
    items = gallery(at)["groups"][0]["parts"][0]
    assert len(items) == 24
    assert all(i["id"] < 0 and i["id"] % 5 == 0 for i in items)
    at = visit(run=folder.id, kind="unlabelled", true="3", predicted="4", page=2, image=items[3]["id"])
    given = gallery(at)
    assert given["chosen"] == items[3]["id"]
    y = data.load("digits").y
    assert all(y[i["id"]] == 3 and i["lines"][0] == "3 → 4" for i in given["groups"][0]["parts"][0])
    (card,) = components(at, "few_labels_latent_card")
    assert (card["id"], card["close"]) == (items[3]["id"], False)
    assert len(card["near"]) == 8
    assert [len(i["lines"]) for i in items] == [2] * 24, "the entropy stands in the card"
    assert "the run never saw them" in said(at)
    assert "None of the" in said(visit(run=folder.id, true="3", predicted="3"))
    right = gallery(visit(run=folder.id, show="right", true="3"))
    assert all(i["lines"][0] == "3" for i in right["groups"][0]["parts"][0])


@pytest.mark.parametrize("kind", list(uncertainty.KINDS))
def test_every_kind_and_an_earlier_epoch(root, kind):
    folder = whole(root)
    at = visit(run=folder.id, kind=kind, epoch=0)
    assert uncertainty.KINDS[kind] in said(at)
    assert "after epoch 0 of" in said(at)
    assert "the only ones that are kept" in said(at)
    assert len(at.get("plotly_chart")) == 3


def test_nonsense_in_the_address_is_left_out(root):
    whole(root)
    junk = {"epoch": "7x", "kind": "<b>", "true": "frog", "predicted": "-1", "page": "0", "show": "?", "bins": "1"}
    at = visit(run="../../etc/passwd", image="99999999", **junk)
    text = said(at)
    assert "something that is no run's name" in text
    assert "an epoch that this run has not kept" in text
    assert "an image that this data set does not have" in text
    assert len(gallery(at)["groups"][0]["parts"][0]) == 24


@pytest.mark.parametrize("state", ["queued", "running", "stopped", "failed", "lost"])
def test_runs_without_snapshots(root, state):
    folder = Folder.create(Run.make("digits", "m2"), root)
    held = folder.lock() if state == "running" else None
    folder.set_status(state, detail="There was no memory left." if state == "failed" else "")
    text = said(visit(run=folder.id))
    assert ("comes with its first epoch" if state in ("queued", "running") else "before it saved any") in text
    assert held is None or held


@pytest.mark.parametrize(
    ("state", "says"),
    [("running", "the page follows it"), ("stopped", "was stopped after epoch 4"), ("failed", "failed after epoch 4")],
)
def test_runs_that_did_not_finish(root, state, says):
    at = visit(run=whole(root, state=state).id)
    assert says in said(at)
    assert gallery(at)


def test_no_run_and_no_data_set(root, tmp_path, monkeypatch, no_examples):
    assert "No runs to look at yet" in said(visit())
    folder = with_weights(root, "m2", "cifar100")
    ids, z, _ = codes(60)
    keep(folder, 1, ids, np.zeros(60, int), z=z)
    folder.set_status("done")
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    assert "CIFAR-100, which are not ready on this machine" in said(visit(run=folder.id))


def test_runs_without_class_probabilities_or_with_damaged_files(root):
    from safetensors.numpy import save_file

    folder = whole(root, epochs=(4,))
    path = folder.path / "latents" / "0004.safetensors"
    ids, z, _ = codes()
    save_file({"id": ids, "z": z}, path)
    assert "kept no class probabilities" in said(visit(run=folder.id))
    path.write_bytes(b"no")
    assert "damaged" in said(visit(run=folder.id))
    other = whole(root)
    (other.path / "model.safetensors").write_bytes(b"no")
    assert "model.safetensors is damaged" in said(visit(run=other.id))


def test_what_one_takes_away_needs_no_network(root):
    found = reliability(*drawn(400))
    bars, *_, counts = uncertainty.diagram(found, "q(y|x)")["data"]
    assert list(counts["y"]) == [n for n in found.n if n], "a bin without images is a gap"
    assert (np.argsort(bars["marker"]["opacity"], kind="stable") == np.argsort(counts["y"], kind="stable")).all()
    page = uncertainty.standalone(uncertainty.diagram(found, "q(y|x)"), "<Title>", "Below & more").decode()
    assert "&lt;Title&gt;" in page
    assert "Plotly.newPlot" in page
    assert 'src="http' not in page
    table = uncertainty.csv(uncertainty.bins_table(found), {"run": "r", "seed": 0}).decode().splitlines()
    assert len(table) == 1 + calibration.BINS
    assert table[0].endswith("run,seed")
    tiles = np.full((7, 16, 16, 4), 200, np.uint8)
    assert uncertainty.labelled_png(tiles, [("3 → 4", "82.0 %")] * 7, "Title", "Below. " * 40)[1:4] == b"PNG"
