"""A session in the plane is the Run itself, seen step by step; and what is changed on the way goes on from there."""

import numpy as np
import pytest
import torch

import data
from models import MODELS
from models.errors import RunError
from models.plane import picture
from models.plane.session import Session, SetUp
from models.training.loop import train

ALL = tuple(name for name, card in MODELS.items() if "points" in card.kinds)
SETUP = SetUp("moons-n200", ALL, labels=6)


def settled(session: Session) -> dict:
    while not session.settled:
        session.tick(0.05)
        session.frame()  # looking is free
    return session.frame(truth=True)


@pytest.mark.slow
def test_page_and_shell_agree_to_the_last_digit():
    frames = settled(Session(SETUP))
    for model in ALL:
        *_, result = train(SETUP.run(model))
        assert frames[model]["accuracy"] == result["test_accuracy"], model
        assert frames[model]["step"] == frames[model]["total"] == result["step"]


def test_the_methods_do_not_disturb_each_other():
    alone, together = Session(SetUp("moons", ("m2",), 6)), Session(SetUp("moons", ("adgm", "m2", "m1"), 6))
    for _ in range(4):
        alone.step()
        together.step()
        together.frame()
    assert alone.learners["m2"].J == together.learners["m2"].J


def test_a_frame_has_what_the_page_draws():
    session = Session(SetUp("moons-k3", ALL, 6))
    session.step()
    for model, seen in session.frame(truth=True).items():
        assert seen["q_y"].shape == (1600, 3)
        assert np.abs(seen["q_y"].astype(int).sum(1) - 255).max() <= 2
        assert seen["predicted"].shape == (1000,)
        assert 0 <= seen["accuracy"] <= 1
        generative = MODELS[model].draws
        assert ("samples" in seen) == generative == ("log_p" in seen)
        if generative:
            classes = 3 if MODELS[model].generative.sees_class else 1
            assert seen["samples"].shape == (classes, 40, 2)
            assert seen["curves"].shape[0] == classes
            assert np.isfinite(seen["samples"]).all()
            assert np.isfinite(seen["log_p"]).all()
            assert seen["gap"].shape == (1000,)
            assert np.isfinite(seen["gap"]).sum() == picture.GAPS
            assert set(seen["J"]) <= set(MODELS[model].terms)
        if MODELS[model].spaces:
            assert len(seen["z"]) == 1000


def test_the_ground_is_the_plane_row_by_row_from_the_top_left():
    session = Session(SetUp("stripes", ("supervised",), 100))  # A below, B above
    while not session.settled:
        session.tick(0.1)
    ground = session.frame()["supervised"]["q_y"].reshape(40, 40, 2)
    assert ground[5, 20].argmax() == 1
    assert ground[-5, 20].argmax() == 0


def test_a_change_goes_on_from_where_it_stands():
    session = Session(SetUp("moons", ("m2", "supervised"), 6))
    while not session.settled:
        session.tick(0.1)
    before = session.frame()["m2"]
    session.change(SetUp("moons-noise30", ("m2", "supervised"), 6, custom=(("beta", 5.0),)))
    after = session.frame()["m2"]
    assert np.array_equal(before["q_y"], after["q_y"]), "the weights stay"
    assert after["step"] == 0
    assert session.learners["m2"].run.dataset == "moons-noise30"
    assert session.learners["m2"].trainer.alpha == pytest.approx(5.0 * 1000 / 6), "alpha = beta (N_l + N_u) / N_l"
    session.change(SetUp("moons-noise30", ("m2", "adgm"), 6, custom=(("n_z", 2),)))
    assert list(session.learners) == ["m2", "adgm"]
    assert session.frame()["m2"]["z"].shape == (1000, 2)
    assert np.array_equal(before["q_y"], session.frame()["m2"]["q_y"]), "q(y|x) does not see z"


def test_what_has_not_learned_since_is_not_computed_anew():
    session = Session(SetUp("moons-n200", ("supervised", "label-spreading"), 6))
    session.step()
    one, again, true = session.frame(), session.frame(), session.frame(truth=True)
    assert again["supervised"] is one["supervised"]
    assert true["supervised"] is not one["supervised"]
    session.step()
    later = session.frame(truth=True)
    assert later["label-spreading"] is true["label-spreading"], "which has settled"
    assert later["supervised"]["step"] == 2
    session.change(SetUp("moons-n200", ("supervised",), 8))
    assert session.frame(truth=True)["supervised"]["step"] == 0


def test_a_change_that_cannot_be_changes_nothing():
    session = Session(SetUp("moons", ("m2",), 6))
    session.step()
    state = session.learners["m2"]
    for bad, says in ((SetUp("digits", ("m2",), 20), "no data set of points"),
                      (SetUp("moons", ("m2",), 7), "cannot be shared equally"),
                      (SetUp("moons", ("inception",), 6), "cannot learn from points"),
                      (SetUp("moons", ("m2",), 6, custom=(("n_z", 0),)), "n_z")):  # fmt: skip
        with pytest.raises(RunError, match=says):
            session.change(bad)
    assert session.learners["m2"] is state
    assert session.setup.dataset == "moons"
    session.step()


def test_the_sessions_random_numbers_are_its_own():
    torch.manual_seed(1)
    a = torch.rand(3)
    torch.manual_seed(1)
    session = Session(SetUp("moons", ("m2", "adgm"), 6))
    session.step()
    session.frame()
    assert torch.equal(torch.rand(3), a)


def test_label_spreading_follows_the_points_and_takes_no_test_point():
    session = Session(SetUp("circles", ("label-spreading",), 6))
    assert session.frame()["label-spreading"]["accuracy"] > 0.95
    x = session.learners["label-spreading"].trainer.averaged.x
    assert len(x) == data.DATASETS["circles"].n_train
