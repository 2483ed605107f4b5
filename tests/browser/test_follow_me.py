"""A presenter and a follower in two browsers: page, lasso, pin and epoch arrive, until the follower lets go."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models import CLASS
from models.results import examples
from pages.parts.shared import menu
from tests.browser.conftest import IDLE, no_trouble, settled, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOWN = """() => { const [name, g] = [...fewLabelsGroups].find(([, g]) => g.members.size);
  return { lasso: g.lasso && [...g.lasso].sort(), pin: g.pin, epoch: g.epoch }; }"""


@pytest.fixture
def follower(browser):
    """A second browser that shares nothing with the first."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield tab
    context.close()


def arrives(what: Callable[[], bool], tab: Page, name: str) -> None:
    """`what` comes true; says after how long, for a machine at rest."""
    began = time.monotonic()
    until(tab, what, every=20)
    print(f"{name} arrived after {time.monotonic() - began:.2f} s")


def test_a_follower_sees_what_the_presenter_does(page: Page, follower: Page, server: str, runs_folder: Path) -> None:
    page.goto(server)
    page.wait_for_selector(IDLE)
    key = re.search(r"Presenter's key: (\S+)", (runs_folder / ".server.log").read_text())[1]
    example = next(f.id for f in examples.bring(runs_folder) if f.run.model == CLASS)  # others' runs may be there, too
    page.goto(f"{server}/latent?present={key}&run={example}&projection=pca")
    expect(page.locator(".presenter .bar")).to_contain_text("Followers see this")
    assert key not in page.url
    expect(page.get_by_test_id("stSidebar")).not_to_be_visible()
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 18

    follower.goto(f"{server}/?follow")
    follower.wait_for_url("**/latent**")
    for tab in (page, follower):
        expect(tab.locator(".map[data-drawn]").first).to_be_visible()
        expect(tab.locator(".film .at")).to_be_visible()

    page.evaluate("""() => {
      const map = [...fewLabelsGroups.values()].flatMap((g) => [...g.members]).find((m) => m.points);
      map.select([[0, 0], [map.width, 0], [map.width, map.height / 2], [0, map.height / 2]]); map.pin(5); }""")
    seen = page.evaluate(SHOWN)
    assert seen["lasso"]
    arrives(lambda: follower.evaluate(SHOWN)["lasso"] == seen["lasso"], follower, "lasso")
    arrives(lambda: follower.evaluate(SHOWN)["pin"] == seen["pin"], follower, "pin")
    expect(follower.locator(".card strong").first).to_have_text(page.locator(".card strong").first.inner_text())
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    epoch = page.locator(".film").first.get_attribute("data-epoch")
    arrives(lambda: follower.locator(".film").first.get_attribute("data-epoch") == epoch, follower, "epoch")

    page.keyboard.press("2")
    arrives(lambda: "/train" in follower.evaluate("location.href"), follower, "page")
    expect(follower.locator("h1")).to_have_text("Train")
    settled(page)
    page.keyboard.press("q")
    expect(page.get_by_role("dialog")).to_contain_text("Only this machine reaches")
    page.keyboard.press("Escape")
    follower.get_by_role("button", name="Let go").click()
    expect(follower.locator(".follower")).to_contain_text("You do not follow")
    page.keyboard.press("PageDown")
    files = list(menu.PAGES)
    after = menu.PAGES[files[files.index("pages/train.py") + 1]].address
    page.wait_for_url(f"**/{after}**")
    follower.wait_for_timeout(1500)
    assert "/train" in follower.evaluate("location.href")
    follower.get_by_role("button", name="Follow again").click()
    arrives(lambda: f"/{after}" in follower.evaluate("location.href"), follower, "page")
    page.get_by_role("button", name="Leave").click()
    expect(follower.locator(".follower")).to_contain_text("The presenter has stopped.")
    for tab in (page, follower):
        no_trouble(tab)
