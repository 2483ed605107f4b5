"""Lab on one screen: what one chooses, the maps with their play bar, and the image as each model sees it."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_runs

from models.runs.store import Folder
from tests.browser.conftest import remove, settled

pytestmark = pytest.mark.browser

MODELS = ("m1", "m2", "adgm", "supervised")


@pytest.fixture
def four(runs_folder: Path):
    made = [fake_runs.make(runs_folder, "done", model=m, labels=20, epochs=3) for m in MODELS]
    yield made
    for folder in made:
        remove(folder.path)


def box(page: Page, selector: str) -> dict:
    return page.locator(selector).first.bounding_box()


def bottom(page: Page, selector: str) -> float:
    at = box(page, selector)
    return at["y"] + at["height"]


def test_four_runs_fit_on_a_laptop_and_stand_level(page: Page, server: str, four: list[Folder]) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/train?watch={','.join(f.id for f in four)}")
    expect(page.get_by_role("slider", name="After epoch", exact=True)).to_be_visible()
    expect(page.locator(".pn-run")).to_have_count(4)
    settled(page)
    for selector in (".st-key-lab-form", ".st-key-lab-play", ".pn"):
        assert bottom(page, selector) <= 900, selector
    says, two = page.locator(".lm-says"), page.locator(".lm-two")
    expect(says).to_have_count(4)
    assert says.first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 14
    tops = [two.nth(i).bounding_box()["y"] for i in range(4)]
    assert abs(tops[0] - tops[1]) < 1, "the numbers of a row stand on one line"
    assert abs(tops[2] - tops[3]) < 1
    small = """() => [...document.querySelectorAll('.pn *, .lm-two')].filter(
      (e) => e.childNodes.length && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
        && parseFloat(getComputedStyle(e).fontSize) < 12).map((e) => e.className)"""
    assert page.evaluate(small) == []


def test_a_long_name_takes_one_line_and_the_maps_stand_level(
    page: Page, server: str, four: list[Folder], runs_folder: Path
) -> None:
    seeds = [fake_runs.make(runs_folder, "done", model="m2", labels=20, epochs=50, seed=s) for s in range(3)]
    try:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{server}/train?watch={','.join(f.id for f in (*four[:3], *seeds))}")
        expect(page.get_by_text("M2, 50 epochs, 3 seeds").first).to_be_visible()
        expect(page.locator(".lm-two")).to_have_count(4)
        settled(page)
        stages = [page.locator(".stage").nth(i).bounding_box() for i in range(4)]
        assert abs(stages[2]["y"] - stages[3]["y"]) < 1
        for i in range(4):
            two = page.locator(".lm-two").nth(i).bounding_box()
            assert two["y"] + two["height"] <= box(page, ".st-key-lab-play")["y"], "above the play bar"
    finally:
        for folder in seeds:
            remove(folder.path)


def test_what_the_page_is_for_scrolls_away_with_its_title(page: Page, server: str, four: list[Folder]) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/train?watch={','.join(f.id for f in four)}")
    expect(page.get_by_text("Runs", exact=True)).to_be_visible()
    settled(page)
    lead, title = ".st-key-page-lead", "h1"
    assert abs(box(page, lead)["y"] - box(page, title)["y"]) < 30, "beside it"
    before = box(page, lead)["y"]
    page.locator("[data-testid=stMain]").evaluate("(e) => (e.scrollTop = 100)")
    assert box(page, lead)["y"] == pytest.approx(before - 100, abs=1)


def test_on_a_phone_start_is_on_the_first_screen_and_the_maps_follow(
    page: Page, server: str, four: list[Folder]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/train?watch={','.join(f.id for f in four[:2])}")
    expect(page.get_by_role("slider", name="After epoch", exact=True)).to_be_attached()
    settled(page)
    assert bottom(page, ".st-key-start") <= 844
    heads = page.locator("[class*=st-key-lab-head]")
    expect(heads).to_have_count(2)
    first, second = (heads.nth(i).bounding_box() for i in range(2))
    assert first["y"] <= 844, "one swipe away"
    assert (first["y"], second["x"] > first["x"]) == (second["y"], True), "beside each other"


def test_the_filter_is_behind_a_button(page: Page, server: str, four: list[Folder]) -> None:
    page.goto(f"{server}/train?watch={four[0].id}")
    button = page.get_by_role("button", name="Filter", exact=True)
    field = page.get_by_role("searchbox", name="Filter")
    expect(button).to_be_visible()
    expect(field).to_be_hidden()
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    field.fill("class = 4")
    expect(page.get_by_role("button", name="class = 4")).to_be_visible()  # lets go of it
