"""A session in the plane is the Run itself, seen step by step; and what is changed on the way goes on from there."""

import numpy as np
import pytest
import torch

import data
from models import MODELS
from models.analysis import quadrature
from models.errors import RunError
from models.plane import desk, picture
from models.plane.player import Player
from models.plane.session import Session, SetUp, halved
from models.training.loop import train

ALL = tuple(name for name, card in MODELS.items() if "points" in card.kinds)
SETUP = SetUp("moons-n200", ALL, labels=6)


def settled(session: Session) -> dict:
    while not session.settled:
        session.tick(0.25)
        session.frame()  # looking changes nothing
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
        assert ("samples" in seen) == bool(MODELS[model].pictures)
        assert generative == ("log_p" in seen) == ("curves" in seen)
        if MODELS[model].sampler:
            assert seen["samples"].shape == (1, 40, 2), "of no class in particular"
            assert np.isfinite(seen["samples"]).all()
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
    graph = session.learners["label-spreading"].trainer.averaged.graph
    assert len(graph) == data.DATASETS["circles"].n_train


# The truth and J, as they are shown


def test_a_frame_has_p_z_beside_q_z_at_the_point_asked_for():
    session = Session(SetUp("moons-n200", ("m1", "m2", "adgm", "supervised"), 6))
    session.step()
    without, frames, other = session.frame(), session.frame(point=7), session.frame(point=8)
    assert not {"p_z", "q_z", "at", "point"} & {*without["m2"], *frames["supervised"], *session.frame(point=200)["m2"]}
    x = torch.from_numpy(np.array(session.images.x))
    for model, classes in (("m1", 1), ("m2", 2), ("adgm", 2)):
        seen = frames[model]
        found = quadrature.posterior(session.learners[model].trainer.averaged, x[7], coarse=True)
        assert seen["point"] == 7
        assert seen["p_z"].shape == seen["q_z"].shape == (classes, len(seen["at"]))
        for name, true in (("at", found.z), ("p_z", found.p), ("q_z", found.q)):
            assert np.allclose(seen[name], true, rtol=2e-3, atol=1e-3), (model, name)
        assert not np.allclose(seen["p_z"], other[model]["p_z"])
        assert seen["q_y"] is without[model]["q_y"], "what has not changed is not computed anew"


def test_the_terms_of_a_frame_are_means_over_the_steps_since_the_frame_before():
    session, by_hand = Session(SetUp("moons-n200", ("m2",), 6)), []
    names = list(session.frame()["m2"]["J"])
    assert names == []
    for steps in (1, 3):
        for _ in range(steps):
            session.step()
            by_hand.append(list(session.learners["m2"].J.values()))
        session.frame()
    seen = session.frame(truth=True)["m2"]
    assert list(seen["J"]) == list(session.learners["m2"].J)
    assert np.allclose(list(seen["J"].values()), np.mean(by_hand[1:], 0))
    assert seen["terms"].dtype == np.float32
    assert seen["terms"][:, 0].tolist() == [1, 4]
    assert np.allclose(seen["terms"][:, 1:], [by_hand[0], np.mean(by_hand[1:], 0)])
    later = Session(session.setup)
    later.restore(session.state())
    assert np.array_equal(later.frame()["m2"]["terms"], seen["terms"]), "kept while nobody looks"
    assert later.frame()["m2"]["J"] == seen["J"]


def test_a_long_session_keeps_few_means_and_each_is_weighed_by_its_steps():
    assert halved([[1, 8.0], [4, 4.0], [6, 1.0], [8, 3.0], [9, 7.0]]) == [[4, 5.0], [8, 2.0], [9, 7.0]]


def test_what_a_desk_keeps_is_what_was_shown(tmp_path):
    """Also where an array is a view of another: its file says nothing of strides."""
    session, here = Session(SetUp("moons-n200", ("m2",), 6)), desk.Desk(tmp_path)
    ask = desk.Ask(session.setup, truth=True, point=3)
    here.ask(ask)
    assert here.asked() == ask
    session.step()
    seen = session.frame(truth=True, point=3)["m2"]
    here.show(session.setup, {"m2": seen}, ask)
    kept = here.frame()["m2"]
    assert kept.point == 3
    assert dict(kept.J) == seen["J"]
    for name, array in kept.arrays.items():
        assert np.array_equal(array, seen[name], equal_nan=True), name
    assert np.abs(kept.arrays["p_y"].astype(int).sum(1) - 255).max() <= 2


def test_a_player_answers_another_point_once_and_does_nothing_more(tmp_path):
    here, setup = desk.Desk(tmp_path), SetUp("moons-n200", ("m2",), 6)
    player = Player(here, 0, 1)
    for point in (-1, 5, 9):
        ask = desk.Ask(setup, point=point)
        here.ask(ask)
        assert here.behind(ask) or point == -1
        assert player.follow(ask)
        assert not player.follow(ask)
        assert not here.behind(ask)
        assert here.frame()["m2"].point == point
    assert here.frame()["m2"].step == 0
