"""The whole way in a real browser: start M2 on the digits, watch the curve grow, open the map, see the class grid."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from models import BASELINE, MODELS
from models.runs.store import runs
from tests.browser.conftest import at_rest, no_trouble, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def start(page: Page, epochs: int) -> None:
    page.get_by_role("spinbutton", name="Epochs", exact=True).fill(str(epochs))
    page.get_by_role("spinbutton", name="Epochs", exact=True).press("Enter")
    settled(page)
    page.get_by_role("button", name="Start", exact=True).click()


@pytest.fixture
def ended(runs_folder):
    """What a failed test has left to train would keep the cores busy."""
    yield
    for folder in runs(runs_folder):
        if folder.status()["state"] == "running":
            folder.request_stop()


@pytest.mark.usefixtures("ended")
def test_the_whole_way(page: Page, server: str, runs_folder, sent) -> None:
    # Start, and on to Train by the menu.
    page.goto(server)
    settled(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Lab", exact=True).click()
    page.wait_for_url("**/train*")
    settled(page)

    # Start M2 on the digits: both are chosen already, with the baseline, which is left out here. It is long, so that a
    # fast machine does not end it unseen.
    expect(page.get_by_role("combobox", name="Data set")).to_have_value("Digits")
    page.get_by_role("button", name=MODELS[BASELINE].title, exact=True).click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    start(page, epochs=400)

    # The curve grows, in one and the same chart. Charts of older runs may have stood there; these are the new run's.
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 400")).first).to_be_visible(timeout=60_000)
    settled(page)
    chart = page.locator(".chart", has_text="Objective J")
    chart.wait_for()
    mounts = chart.get_attribute("data-mount")
    chart.locator("canvas").evaluate("(canvas) => (canvas.dataset.mine = 'yes')")
    seen = set()
    end = time.monotonic() + 240
    while len(seen) < 3 and time.monotonic() < end:
        seen.update(chart.locator("b, strong, .value").all_inner_texts()[:1])
        page.wait_for_timeout(300)
    assert len(seen) >= 3, f"the objective's latest value did not move: {seen}"
    assert chart.get_attribute("data-mount") == mounts
    expect(chart.locator("canvas")).to_have_attribute("data-mine", "yes")  # the very same canvas
    no_trouble(page)

    # It is stopped, and could go on.
    page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible(timeout=60_000)

    # A short one ends; nobody pressed anything.
    before = set(runs_folder.iterdir())  # other tests leave runs there, too
    start(page, epochs=3)
    expect(page.get_by_text("Epoch 3 of 3, in").first).to_be_visible(timeout=300_000)
    expect(page.get_by_role("button", name="Extend")).to_be_visible()
    (run,) = [p.name for p in set(runs_folder.iterdir()) - before if re.fullmatch(r"m2-digits-20-s0-\w{4}", p.name)]

    # The map: hovering a point shows its image and sends nothing to the server.
    page.goto(f"{server}/latent?run={run}")
    drawn = page.locator("[data-points]").first
    drawn.wait_for()
    assert int(drawn.get_attribute("data-points")) == 1797
    before = at_rest(page, lambda: len(sent))
    front = drawn.locator("canvas").last
    box = front.bounding_box()
    tip = page.locator("[data-id].tip, .tip[data-id]").first
    found = False
    for i in range(12):
        for j in range(8):
            page.mouse.move(box["x"] + box["width"] * (0.2 + 0.05 * i), box["y"] + box["height"] * (0.2 + 0.07 * j))
            page.wait_for_timeout(30)
            if tip.count() and tip.is_visible() and tip.get_attribute("data-id"):
                found = True
                break
        if found:
            break
    assert found, "no point showed its image"
    assert before > 0
    assert len(sent) == before, "hovering sent a message to the server"
    no_trouble(page)

    # The class grid.
    page.goto(f"{server}/generate?run={run}&show=classes")
    expect(page.get_by_text("Down a column")).to_be_visible(timeout=60_000)  # torch is loaded first
    grid = page.get_by_role("img", name=re.compile("class", re.I)).first
    grid.wait_for()
    assert grid.bounding_box()["width"] > 200
    no_trouble(page)

    # A second run, and both side by side.
    page.goto(f"{server}/compare?runs={run}")
    settled(page)
    no_trouble(page)
