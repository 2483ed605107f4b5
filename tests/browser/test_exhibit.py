"""Home in a real browser: two recorded runs play by themselves, and the server hears nothing of it."""

import re

import pytest
from playwright.sync_api import Page, expect

from models.results import recordings
from tests.browser.conftest import NOTES, PLAYED, settled

pytestmark = pytest.mark.browser


def scores(page: Page) -> list[str]:
    return page.locator(".score b").all_inner_texts()


def ends(labels: int, model: str) -> list[str]:
    """What both scores say at the end, by the recordings."""
    return [f"{100 * recordings.read('digits', labels, m).accuracy[-1]:.1f} %" for m in ("supervised", model)]


def test_two_runs_play_by_themselves_and_a_choice_plays_again(page: Page, server: str, sent) -> None:
    page.add_init_script(NOTES)
    page.goto(server)
    film = page.locator(".film")
    film.wait_for()
    page.wait_for_function(PLAYED)
    seen = page.evaluate("seen")
    assert len({*seen["epochs"]}) >= 4, f"the film did not move: {seen}"
    assert len({*seen["scores"]}) >= 6, f"the accuracies count up: {seen}"
    settled(page)
    before = len(sent)
    expect(film).to_have_attribute("data-epoch", "50")
    expect(film.get_by_role("button", name="Play the epochs")).to_be_visible()  # it plays once
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


def test_who_wants_no_motion_sees_the_end_and_plays_on_asking(page: Page, server: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(NOTES)
    page.goto(server)
    page.locator(".film").wait_for()
    settled(page)
    page.wait_for_timeout(1500)
    film = page.locator(".film")
    assert film.get_attribute("data-epoch") == "50"
    assert scores(page) == ends(20, "m2")
    page.evaluate("seen.epochs = []")
    film.get_by_role("button", name="Play the epochs").click()
    page.wait_for_function(PLAYED)


def test_both_maps_and_the_bar_that_plays_them_are_on_the_first_screen(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(server)
    page.locator("[data-points]").nth(1).wait_for()
    bar = page.locator(".film .line").bounding_box()
    assert bar["y"] + bar["height"] <= 900
