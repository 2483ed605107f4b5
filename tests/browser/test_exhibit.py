"""Start in a real browser: two recorded runs play by themselves, and the server hears nothing of it."""

import re

import pytest
from playwright.sync_api import Page, expect

from models import MODELS
from models.results import recordings
from pages.parts.start import tour_stops
from tests.browser.conftest import NOTES, PLAYED, at_rest, settled

pytestmark = pytest.mark.browser


def scores(page: Page) -> list[str]:
    return page.locator(".score b").all_inner_texts()


def ends(labels: int, model: str, dataset: str = "digits") -> list[str]:
    """What both scores say at the end, by the recordings."""
    return [f"{100 * recordings.read(dataset, labels, m).accuracy[-1]:.1f} %" for m in ("supervised", model)]


def test_two_runs_play_by_themselves_and_a_choice_plays_again(page: Page, server: str, sent) -> None:
    page.add_init_script(NOTES)
    page.goto(server)
    film = page.locator(".film")
    film.wait_for()
    page.wait_for_function(PLAYED)
    seen = page.evaluate("seen")
    assert len({*seen["epochs"]}) >= 4, f"the film did not move: {seen}"
    assert len({*seen["scores"]}) >= 6, f"the accuracies count up: {seen}"
    before = at_rest(page, lambda: len(sent))
    expect(film).to_have_attribute("data-epoch", "50")
    expect(film.get_by_role("button", name="Play the epochs")).to_be_visible()  # it plays once
    expect(film.get_by_role("button", name="First")).to_be_hidden()
    assert scores(page) == ends(20, "m2")
    assert len(sent) == before
    gain = [float(end.split()[0]) for end in ends(20, "m2")]
    expect(page.get_by_role("heading", name=f"bought {gain[1] - gain[0]:.1f} points")).to_be_visible()

    # Another model: its film from the beginning.
    page.evaluate("seen.epochs = []")
    page.get_by_text("M1", exact=True).first.click()
    page.wait_for_url(re.compile("learner=m1"))
    page.wait_for_function(PLAYED)
    assert scores(page) == ends(20, "m1")

    # Another data set, of which nothing is on this machine but its recordings: its images, and nothing of the digits.
    page.emulate_media(reduced_motion="reduce")  # the end at once
    page.get_by_text("M2", exact=True).first.click()
    page.get_by_text("MNIST", exact=True).first.click()
    page.wait_for_url(re.compile("exhibit=mnist"))
    expect(page.get_by_role("heading", name="59,900 images without a label")).to_be_visible()
    expect(page.locator(".score b").last).to_have_text(ends(100, "m2", "mnist")[1])
    assert scores(page) == ends(100, "m2", "mnist")
    maps = page.locator("[data-points]")
    assert maps.evaluate_all("all => all.map(e => e.dataset.points)") == ["1000", "1000"]
    assert "n_labels" not in page.url


def test_the_tour_asks_and_then_plays_what_its_runs_answer(page: Page, server: str) -> None:
    page.add_init_script(NOTES)
    page.goto(server)
    page.get_by_role("button", name="Take the tour").click()
    stop = tour_stops.few_labels("digits")
    expect(page.get_by_text("1 of 5")).to_be_visible()
    expect(page.locator(".film")).to_have_count(0)  # nothing tells the answer before it is asked for
    settled(page)
    assert scores(page) == ["10.0 %", "10.0 %"]
    page.evaluate("seen.epochs = []")
    page.get_by_role("button", name=stop.answers[stop.right]).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("seen.epochs.length > 2")  # the film moves
    verdict, wait = page.get_by_text(stop.reveals[0]), page.get_by_text("The answer comes when the maps have played.")
    expect(wait).to_be_visible()
    expect(verdict).to_be_hidden()
    expect(page.get_by_role("img", name="check icon")).to_have_count(0)
    expect(page.locator(".film")).to_have_attribute("data-epoch", str(stop.sides.right.epochs[-1]), timeout=20_000)
    expect(verdict).to_be_visible()
    expect(wait).to_be_hidden()
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("tour=2"))
    expect(page.get_by_role("combobox", name="Colour by")).to_have_value("predicted")
    expect(page.get_by_role("button", name="true class: 5, 9")).to_have_count(2)  # the others are pale
    expect(page.locator(".film")).to_have_count(0)
    page.get_by_role("button", name="Leave the tour").click()
    expect(page.get_by_role("heading", name="images without a label bought")).to_be_visible()
    assert "tour" not in page.url


def test_who_wants_no_motion_sees_the_last_picture_and_on_asking_the_first(page: Page, server: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(NOTES)
    page.goto(server)
    film = page.locator(".film")
    film.wait_for()
    settled(page)
    page.wait_for_function("seen.epochs.length")
    page.wait_for_timeout(1500)
    assert page.evaluate("seen.epochs") == ["50"]
    assert scores(page) == ends(20, "m2")
    expect(film.get_by_role("button", name="Play the epochs")).to_be_hidden()
    first, last = (film.get_by_role("button", name=name) for name in ("First", "Last"))
    expect(last).to_have_attribute("aria-pressed", "true")
    first.click()
    expect(film).to_have_attribute("data-epoch", "0")
    assert scores(page) == ["10.0 %", "10.0 %"]
    expect(first).to_have_attribute("aria-pressed", "true")
    last.click()
    expect(film).to_have_attribute("data-epoch", "50")
    assert page.evaluate("seen.epochs") == ["50", "0", "50"]
    page.emulate_media(reduced_motion="no-preference")
    expect(film.get_by_role("button", name="Play the epochs")).to_be_visible()


def test_each_map_has_a_cross_for_each_test_image_that_is_wrong_after_each_epoch(page: Page, server: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(server)
    film = page.locator(".film")
    film.wait_for()
    slider = film.get_by_role("slider")
    both = [recordings.read("digits", 20, model) for model in ("supervised", "m2")]
    for k, epoch in reversed(list(enumerate(both[0].epochs))):
        expect(film).to_have_attribute("data-epoch", str(epoch))
        before = "Before training: nothing is learned of these images yet."
        expect(page.locator(".map .claim", has_text=before)).to_have_count(2 if epoch == 0 else 0)
        for i, recording in enumerate(both):
            shown = recordings.at(recording, k)
            wrong = int((shown.predicted != shown.true)[shown.ids < 0].sum())
            expect(page.locator("[data-crosses]").nth(i)).to_have_attribute("data-crosses", str(wrong))
            # The accuracy is the run's own, the crosses are of a snapshot in half precision: early on, one may differ.
            told = round((1 - recording.accuracy[k]) * 500)
            assert abs(told - wrong) <= (0 if epoch == recording.epochs[-1] else 1)
            expect(page.locator(".score .wrong").nth(i)).to_have_text(f"{told} of 500 wrong")
        slider.press("ArrowLeft")
    page.get_by_role("combobox", name="Colour by").select_option("class")
    expect(page.locator("[data-crosses]").first).to_have_attribute("data-crosses", "0")


def still(page: Page, address: str, width: int, height: int) -> None:
    """Open Start in a window of this size, its films at their end."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    page.locator("[data-points]").nth(1).wait_for()
    settled(page)


@pytest.mark.parametrize("model", ["m1", "m2", "adgm"])
def test_all_from_the_headline_to_the_captions_is_on_the_first_screen(page: Page, server: str, model: str) -> None:
    still(page, f"{server}?learner={model}", 1440, 900)
    expect(page.locator(".st-key-exhibit-captions")).to_contain_text(MODELS[model].summary)
    legend = page.locator(".st-key-exhibit-legend .legend")
    expect(legend).to_contain_text("wrong test image")
    assert page.evaluate("document.scrollingElement.scrollTop") == 0
    for claim in page.locator(".map .claim").all():
        expect(claim).to_be_visible()
    assert legend.bounding_box()["y"] > page.locator(".film").bounding_box()["y"], "the maps come first"
    box = page.locator(".st-key-exhibit-captions").bounding_box()
    assert box["y"] + box["height"] <= 900


def test_on_a_phone_the_choices_and_the_play_bar_are_on_the_first_screen(page: Page, server: str) -> None:
    still(page, server, 390, 844)
    choices, film = (page.locator(s).bounding_box() for s in (".st-key-exhibit-choices", ".film"))
    assert choices["y"] < page.locator("[data-points]").first.bounding_box()["y"]
    assert film["y"] + film["height"] <= 844


def test_at_150_percent_zoom_most_of_both_maps_is_on_the_first_screen(page: Page, server: str) -> None:
    still(page, server, 960, 600)
    bar = page.locator(".film").bounding_box()["y"]
    for box in (shown.bounding_box() for shown in page.locator("[data-points]").all()):
        assert bar - box["y"] > 0.6 * box["height"], box
