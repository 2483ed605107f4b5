"""Every page in a real browser, wide and as on a phone, light and dark: no trouble, and nothing sticks out."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_trouble, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "", "data", "train", "latent", "generate", "draw", "uncertainty", "compare", "label", "results",
    "equations", "tour",
)  # fmt: skip
WIDTHS = (1280, 375)


def test_every_page_opens_without_trouble(page: Page, server: str) -> None:
    for name in PAGES:
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(f"{server}/{name}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for look in ("light", "dark"):
                page.emulate_media(color_scheme=look)
                settled(page)
                no_trouble(page)
                expect(page.locator("h1")).to_have_count(1)
                # Nothing sticks out sideways, not on a phone either.
                fits = "document.documentElement.scrollWidth <= window.innerWidth + 1"
                assert page.evaluate(fits), (name, width, look)


@pytest.mark.parametrize(
    "address", ["latent?run=nothing-like-it", "generate?run=../../etc/passwd", "compare?runs=a,b,%00", "train?watch=x"]
)
def test_a_wrong_link_is_answered_in_a_sentence(page: Page, server: str, address: str) -> None:
    page.goto(f"{server}/{address}")
    settled(page)
    no_trouble(page)
    expect(page.locator("h1")).to_have_count(1)
