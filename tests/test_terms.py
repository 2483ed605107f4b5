"""The terms of one image add up to what the models compute: L, U and J, exactly, with the same noise."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_inception import LITE, counted, run_of  # noqa: F401 (fixtures)
from test_inside import SMALL, make
from tiny import CLASSES, binary, noise, tiny

import data
from models import MODELS, TERMS
from models.analysis import inference, objective_terms
from models.errors import StoreError
from models.runs.run import Run
from models.runs.store import Folder
from models.training.checkpoint import save_tensors
from models.training.worker import work

EXACT = {"atol": 1e-12, "rtol": 1e-12}
DRAWS, ALPHA = 3, 7.0
SETTINGS = {"consistency": 0.5, "threshold": 0.1}  # each image counts


@pytest.fixture
def image(exactly):
    return binary(1)[0]


def eps():
    """Noise of one Gaussian draw, another in each of the DRAWS."""
    return torch.randn(DRAWS, 1)


def of(draws):
    """The sum of the terms of each draw."""
    return sum(draws.values())


@pytest.mark.parametrize("name", ["m2", "m2 with q(z|x,y)", "adgm"])
def test_the_terms_add_up_to_L_and_U_and_J(name, image):
    model, many = tiny(name, **SETTINGS), image.expand(DRAWS, *image.shape)
    z, a, of_class, of_varied = eps(), eps(), eps(), eps()
    auxiliary = (a,) if name == "adgm" else ()
    with noise(*auxiliary, z, *((of_class, of_varied) if auxiliary else ())):
        found = model.terms_of_image(image, ALPHA, DRAWS, image[None])
    assert of(found["L"]).shape == (CLASSES, DRAWS)
    for k in range(CLASSES):
        y = torch.full((DRAWS,), k)
        with noise(*auxiliary, z):
            L = model.L(many, y)
        torch.testing.assert_close(of(found["L"])[k], L, **EXACT)
        with noise(*((of_class,) if auxiliary else ())):
            cost = model.classification(many, y, ALPHA)
        torch.testing.assert_close(found["classification"][k], cost, **EXACT)
        # a of the unlabelled; a, z of the labelled; z of the unlabelled; a of the label; a of the varied images
        with noise(*((a, a, z, z, of_class, of_varied) if auxiliary else (z, z))):
            J = model.J(many, y, many, ALPHA)
        mine = of(found["L"])[k] + found["classification"][k] + of(found["U"]) + found["unlabelled"]["consistency"]
        torch.testing.assert_close(mine.mean(), J, **EXACT)
    with noise(*auxiliary, z):
        U = model.U(many)
    torch.testing.assert_close(of(found["U"]), U, **EXACT)
    assert U.std() > 1e-3  # the draws differ
    assert found["unlabelled"]["consistency"].min() > 0


@pytest.mark.parametrize("name", ["m2", "adgm"])
def test_the_sum_over_classes_is_q_times_L_without_the_entropy(name, image):
    found = tiny(name).terms_of_image(image, ALPHA, DRAWS, image[None])
    q = found["q_y"].T
    torch.testing.assert_close(of(found["U"]), (q * of(found["L"])).sum(0) + (q * q.log()).sum(0), **EXACT)
    assert "unlabelled" not in found


def test_a_sum_that_training_estimates_is_whole_here(image):
    model = tiny("m2", classes_exact=1, classes_drawn=1)
    plain = tiny("m2")
    plain.load_state_dict(model.state_dict())
    z = eps()
    with noise(z):
        found = model.terms_of_image(image, ALPHA, DRAWS, image[None])
    with noise(z):
        torch.testing.assert_close(of(found["U"]), plain.U(image.expand(DRAWS, *image.shape)), **EXACT)


def test_m1s_terms_add_up_to_its_bound(image):
    m1, e = tiny("m1"), eps()
    many = image.expand(DRAWS, *image.shape)
    with noise(e):
        found = m1.terms_of_image(image, ALPHA, DRAWS, image[None])
    with noise(e):
        torch.testing.assert_close(of(found["bound"]), m1.bound(many), **EXACT)
    with noise(torch.cat([e, e])):
        torch.testing.assert_close(
            of(found["bound"]).mean(), m1.J(many, torch.zeros(DRAWS, dtype=torch.long), many, ALPHA), **EXACT
        )


def test_the_floors_term_is_its_J(image):
    floor = tiny("supervised")
    found = floor.terms_of_image(image, ALPHA, DRAWS, image[None])
    for k in range(CLASSES):
        y = torch.full((DRAWS,), k)
        many = image.expand(DRAWS, *image.shape)
        torch.testing.assert_close(found["classification"][k].mean(), floor.J(many, y, many, ALPHA), **EXACT)


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_an_image_of_a_run(model, tmp_path):
    settings = replace(SMALL, consistency=1.0, augment=1.0, beta=0.5)
    folder = make(tmp_path, model, settings=settings)
    labelled, unlabelled, _ = data.draw(data.load("digits"), 100, 0)
    for id, kind in ((labelled[3], "labelled"), (unlabelled[3], "unlabelled"), (-1, "test")):
        found = objective_terms.of_image(folder, int(id), 10)
        assert found["kind"] == kind
        assert (found["n_l"], found["n_u"]) == (100, 1197)
        assert found["alpha"] == pytest.approx(0.5 * 1297 / 100)
        images = data.load("digits")
        assert found["true"] == (images.y_test[0] if id < 0 else images.y[id])
        again = objective_terms.of_image(folder, int(id), 10)
        for name, value in found.items():
            for one, other in zip(*((list(v.values()) if isinstance(v, dict) else [v]) for v in (value, again[name])),
                                  strict=True):  # fmt: skip
                np.testing.assert_array_equal(one, other)
    with_names = {f"labelled/{n}" for n in found.get("L", {})} | {f"unlabelled/{n}" for n in found.get("U", {})}
    with_names |= set(found.get("bound", {})) | set(found.get("unlabelled", {})) | ({"classification"} & set(found))
    assert with_names <= set(TERMS)
    expected = {"m1": {"bound"}, "supervised": {"q_y", "classification"}}.get(
        model, {"q_y", "L", "U", "classification", "unlabelled"}
    )
    assert expected == {"bound", "q_y", "L", "U", "classification", "unlabelled"} & set(found)
    dtypes = {v.dtype for part in found.values() if isinstance(part, dict) for v in part.values()}
    assert dtypes <= {np.dtype(np.float64)}


def test_the_weights_of_the_run_are_what_is_asked(tmp_path):
    """The deterministic terms of a run's image are those of its model, asked by hand."""
    folder = make(tmp_path, "m2")
    found = objective_terms.of_image(folder, -1, 10)
    model = inference.load(folder)
    x = torch.from_numpy(data.load("digits").x_test[:1].copy()).float() / 255
    with torch.inference_mode():
        by_hand = model.L_terms(x, torch.tensor([0]))
        q_y = model.q_y(x)
    np.testing.assert_allclose(found["L"]["kl_z"], float(by_hand["kl_z"][0]), rtol=1e-4)
    np.testing.assert_allclose(found["U"]["entropy"], -float(q_y.entropy()[0]), rtol=1e-4)
    np.testing.assert_allclose(found["q_y"][0], q_y.probs[0].numpy(), atol=1e-6)


def test_a_frozen_networks_features_are_used_if_kept(counted, tmp_path):  # noqa: F811
    folder = Folder.create(run_of(), tmp_path)
    work(folder)
    seen = counted()
    labelled, unlabelled, _ = data.draw(data.load("digits"), 100, 0)
    found = objective_terms.of_image(folder, int(labelled[0]), 10)
    assert counted() == seen
    assert found["draws"] == 1
    assert found["classification"].shape == (10, 1)
    objective_terms.of_image(folder, int(unlabelled[0]), 10)
    assert counted() == seen + 1
    assert MODELS[LITE].frozen


def test_what_cannot_be_is_said_in_a_sentence(tmp_path):
    folder = make(tmp_path, "m2")
    with pytest.raises(StoreError, match="7 draws are not among those"):
        objective_terms.of_image(folder, 0, 7)
    with pytest.raises(StoreError, match="has no such image"):
        objective_terms.of_image(folder, 99_999, 10)
    bad = {
        name: t * float("nan") if t.is_floating_point() else t
        for name, t in inference.load(folder).state_dict().items()
    }
    save_tensors(folder.path / "model.safetensors", bad)
    with pytest.raises(StoreError, match="no finite terms"):
        objective_terms.of_image(folder, 0, 10)
    (folder.path / "model.safetensors").unlink()
    with pytest.raises(StoreError, match="its weights come with its first epoch"):
        objective_terms.of_image(folder, 0, 10)


def test_large_images_and_many_classes_have_fewer_draws():
    for dataset, preset, most in (
        ("digits", "tuned", 100), ("digits", "paper", 30), ("mnist", "tuned", 30), ("mnist", "paper", 10),
        ("cifar10", "tuned", 10), ("cifar100", "tuned", 3), ("cifar100", "paper", 3),
    ):  # fmt: skip
        assert objective_terms.possible_draws(Run.make(dataset, "m2", preset=preset))[-1] == most


def test_a_picture_is_worth_a_blink(tmp_path):
    """The tuned networks on the digits, one thread: 0.03 to 0.06 s of the processor on machines at rest (2026-11)."""
    for model in ("m2", "adgm"):
        run = Run.make("digits", model)
        folder = make(tmp_path, model, settings=run.settings)
        objective_terms.of_image(folder, 0, 10)
        took = []
        for id in range(1, 6):
            begin = time.process_time()  # of the processor: waiting for one is not this code's doing
            objective_terms.of_image(folder, id, 10)
            took.append(time.process_time() - begin)
        assert min(took) < 0.5
