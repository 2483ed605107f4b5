"""Label and continue in a real browser: keys give labels, a reload keeps them, and a press makes the budget larger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from models.runs.store import Folder
from tests.browser.conftest import ROOT, settled, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(runs_folder: Path) -> str:
    """A finished run on the digits."""
    command = [sys.executable, "-m", "models", "train", "--model", "supervised", "--epochs", "2", "--json"]
    env = {**os.environ, "FEWLABELS_RUNS": str(runs_folder)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)["run"]


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    labeller = page.locator(".labeller")
    expect(labeller.locator(".big canvas")).to_be_visible()
    settled(page)
    return labeller


def test_labels_given_with_keys_make_the_budget_larger(page: Page, server: str, runs_folder: Path, run: str) -> None:
    labeller = opened(page, f"{server}/label?run={run}&more=1")
    expect(labeller.get_by_text("0 of these 20 images labelled")).to_be_visible()
    order = labeller.locator(".tile").evaluate_all("(tiles) => tiles.map((t) => Number(t.dataset.id))")
    assert labeller.get_attribute("data-focus") == str(order[0])

    # No guess before an answer, and the image in the ink of the text, on nothing.
    expect(labeller.get_by_text("Press its key, 0 to 9")).to_be_visible()
    assert "The model" not in labeller.inner_text()
    assert "%" not in labeller.inner_text()
    pixels = labeller.locator(".big canvas").evaluate(
        "(c) => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "const at = [...d.keys()].filter((i) => i % 4 === 3);"
        "return [at.some((i) => !d[i]), [...d.slice(...[at.find((i) => d[i] > 250)].flatMap((i) => [i - 3, i]))]] }"
    )
    assert pixels[0]
    assert max(pixels[1]) < 40

    # Keys at once, wherever one stands on the page: two labels, one taken back, one skipped.
    page.get_by_test_id("stMain").focus()  # as a click on a blank spot may do
    for key in ("3", "8", "Backspace", "5", "ArrowRight", "1"):
        page.keyboard.press(key)
    expect(labeller.get_by_text("3 of these 20 images labelled")).to_be_visible()
    expect(labeller.locator(f'.tile[data-id="{order[1]}"] .badge')).to_have_text("5")
    expect(labeller.get_by_role("status")).to_contain_text(f"Training image {order[3]}. You: 1. The model: ")
    labeller.get_by_role("switch", name="Show the guess").check()
    expect(labeller.locator(".tile").nth(2)).to_contain_text("%")
    labeller.get_by_role("switch", name="Show the guess").uncheck()
    expect(labeller.locator(".tile").nth(2)).to_contain_text("nats")
    button = page.get_by_role("button", name="Train on with 3 more labels")
    expect(button).to_be_enabled()
    expect(page.get_by_text("100 + 3 given labels. ")).to_be_visible()

    # A click works as a key does, and a reload or another page loses nothing.
    labeller.locator(f'.tile[data-id="{order[5]}"]').click()
    labeller.get_by_role("button", name="Class 4").click()
    labeller.locator(f'.tile[data-id="{order[5]}"]').click()
    labeller.get_by_role("button", name="Take back").click()
    expect(labeller.get_by_text("3 of these 20 images labelled")).to_be_visible()
    settled(page)
    page.reload()
    expect(labeller.get_by_text("3 of these 20 images labelled")).to_be_visible()
    expect(button).to_be_enabled()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Lab", exact=True).click()
    page.wait_for_url("**/train*")
    settled(page)
    labeller = opened(page, f"{server}/label?run={run}&more=1")
    expect(labeller.get_by_text("3 of these 20 images labelled")).to_be_visible()

    # What is typed into a field is no label.
    field = page.get_by_role("textbox", name="Your name")
    field.fill("Ada 7")
    field.press("Enter")
    expect(labeller.get_by_text("3 of these 20 images labelled")).to_be_visible()
    settled(page)

    # One run, also for a double click; its budget is larger, and it says what the labels bought.
    button.dblclick()
    expect(page.get_by_text("What the new labels changed")).to_be_visible()
    expect(page.get_by_text("given labels agree with the data set")).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("stMetric").filter(has_text="Test accuracy, 100 + 3 given labels")).to_be_visible()
    expect(page.get_by_text("points (test, one run, seed 0)").first).to_be_visible()
    expect(labeller.get_by_text("0 of these 20 images labelled")).to_be_visible()
    (child,) = [Folder(p) for p in runs_folder.glob("supervised-digits-100plus3-s0-*")]
    given = child.run.given
    assert [(g.image, g.y) for g in given] == [(order[0], 3), (order[1], 5), (order[3], 1)]
    assert {(g.by, g.how) for g in given} == {("Ada 7", "least sure")}
    assert (child.run.parent.id, child.run.epochs) == (run, 1)
    assert child.result()["given"] == 3

    # And on from there, with the labels it has.
    page.get_by_role("button", name="Label more, from here").click()
    expect(page.get_by_test_id("stMetric").filter(has_text="100 + 3 given labels").first).to_be_visible()
    page.wait_for_url(f"**run={child.id}*")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_link_hands_images_over_on_a_phone(page: Page, server: str, run: str) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    labeller = opened(page, f"{server}/label?run={run}&images=1200,1201,1202")
    shown = labeller.locator(".tile").evaluate_all("(tiles) => tiles.map((t) => Number(t.dataset.id))")
    assert 2 <= len(shown) <= 3
    assert set(shown) <= {1200, 1201, 1202}
    labeller.get_by_role("button", name="Class 9").click()
    expect(labeller.get_by_text(f"1 of these {len(shown)} images labelled")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    sides = "(labeller) => [...labeller.querySelectorAll('.choice')].map((b) => b.getBoundingClientRect().height)"

    def thumbs_fit() -> bool:
        heights = labeller.last.evaluate(sides)
        return len(heights) == 10 and min(heights) >= 44

    until(page, thumbs_fit)
