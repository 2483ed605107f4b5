"""Every page in a real browser, wide and as on a phone, light and dark: no trouble, and nothing sticks out."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_trouble, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "", "data", "train", "latent", "generate", "draw", "uncertainty", "compare", "label", "results",
    "equations", "tour",
)  # fmt: skip
SCREENS = ((1280, "light"), (375, "dark"))  # what sticks out does so in both lights


def test_every_page_opens_without_trouble(page: Page, server: str) -> None:
    for name in PAGES:
        for width, look in SCREENS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=look)
            if (width, look) == SCREENS[0]:
                page.goto(f"{server}/{name}")
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
