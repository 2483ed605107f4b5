"""Uncertainty in a real browser: opened by a link, a mistake clicked, its bound seen."""

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_inside import make
from test_latent_page import codes, keep

from tests.browser.conftest import remove, settled

pytestmark = pytest.mark.browser


@pytest.fixture
def run(runs_folder):
    """A finished run of M2 whose q(y|x) is wrong for every fifth image."""
    folder = make(runs_folder, "m2")
    ids, z, true = codes()
    for epoch in (1, 2):
        keep(folder, epoch, ids, true, z=z)
    folder.set_status("done")
    yield folder
    remove(folder.path)


def bounds_of(page: Page, image: str) -> Locator:
    return page.get_by_role("img", name=f"The bound of every class for {image}, in nats", exact=True)


def test_a_mistake_and_its_bound(page: Page, server, run):
    page.goto(f"{server}/uncertainty?run={run.id}&kind=test&true=3&predicted=4&epoch=2")
    gallery = page.locator(".picks:not(.rows)")
    gallery.locator("button").first.wait_for(timeout=150_000)  # the first visitor waits for torch, too
    page.locator(".un-bound").wait_for()
    settled(page)
    expect(gallery.get_by_text("3 → 4").first).to_be_visible()
    mistake = gallery.locator("button").nth(2)
    id = int(mistake.get_attribute("data-id"))
    assert id < 0
    assert id % 5 == 0
    mistake.click()
    page.wait_for_url(re.compile(rf"image={id}\b"))
    expect(page.locator(".card")).to_contain_text(f"Test image {-1 - id}")
    expect(mistake).to_have_attribute("aria-pressed", "true")
    bars = bounds_of(page, f"test image {-1 - id}")  # until they are computed, those of the image before stand there
    expect(bars.locator("small", has_text="true")).to_have_count(1)
    shown = bars.inner_text()
    assert shown.count("±") == 10
    url = page.url
    page.goto("about:blank")
    page.goto(url)  # the link shows the same image, under the same bounds
    gallery.locator(f'button[data-id="{id}"]').wait_for()
    expect(page.locator(".card")).to_contain_text(f"Test image {-1 - id}")
    expect(gallery.locator(f'button[data-id="{id}"]')).to_have_attribute("aria-pressed", "true")
    expect(bars).to_be_visible()
    assert bars.inner_text() == shown
