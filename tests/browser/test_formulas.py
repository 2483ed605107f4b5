"""Equations in a real browser: formulas without a network, and a link that shows the same in a fresh browser."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.maths import formulas
from pages.parts.shared import palette
from tests.browser.conftest import remove, settled

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(runs_folder):
    """A finished run of ADGM on the digits, whose weights learned nothing."""
    from fake_runs import objective
    from test_inside import SMALL, weights

    folder = Folder.create(replace(Run.make("digits", "adgm"), settings=SMALL), runs_folder)
    folder.set_status("done")  # first of all: a supervisor begins what stands queued for ten seconds
    weights(folder, seed=0)
    folder.append({"kind": "epoch", "step": 1, "epoch": 1, "test_accuracy": 0.5, **objective(folder.run, 1)})
    yield folder
    remove(folder.path)


def drawn(page: Page) -> None:
    """Wait until the page has run and every part of it has been drawn."""
    settled(page)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


def figures(page: Page) -> list[str]:
    return page.locator(".eq-fall em").all_inner_texts()


def in_view(page: Page, place: str) -> bool:
    return page.locator(f".st-key-{place}").evaluate(
        "(e) => { const r = e.getBoundingClientRect(); return r.top > -5 && r.top < innerHeight / 2 }"
    )


def test_a_link_to_an_equation_shows_the_same_in_a_fresh_browser(page: Page, server: str, run, browser) -> None:
    page.goto(f"{server}/equations?run={run.id}&image=-8")
    drawn(page)
    expect(page.locator(".katex").first).to_be_visible()
    assert page.locator(".katex-error").count() == 0
    assert page.locator("[class*=st-key-eq-2] .katex-display").count() == 4  # 21 to 24
    assert page.locator(".st-key-eq-21 .katex [style*=color]").count() > 0
    page.get_by_role("radio", name=re.compile(r"\(eq\.\s22\)$")).click()
    page.wait_for_function("document.querySelector('.st-key-eq-22').getBoundingClientRect().top < innerHeight / 2")
    address = page.url
    for part in ("model=adgm", "eq=22", f"run={run.id}", "image=-8"):
        assert part in address or part == "model=adgm"  # the run says which method it is
    link = page.locator(".st-key-eq-22 a.eq-link").get_attribute("href")
    assert re.fullmatch(rf"\?model=adgm&eq=22&run={run.id}&image=-8", link)
    seen = figures(page)
    assert len(seen) > 10

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    fresh = context.new_page()
    fresh.set_default_timeout(60_000)
    fresh.goto(f"{server}/equations{link}")
    drawn(fresh)
    fresh.wait_for_function("document.querySelector('.st-key-eq-22')?.getBoundingClientRect().top < innerHeight / 2")
    assert in_view(fresh, "eq-22")
    expect(fresh.locator(".eq-fall em")).to_have_count(len(seen))
    assert figures(fresh) == seen
    expect(fresh.get_by_text("Test image 7", exact=True)).to_be_visible()
    context.close()


def test_a_term_under_the_pointer_lights_up_in_the_formula_and_in_the_bars(page: Page, server: str, run) -> None:
    page.goto(f"{server}/equations?run={run.id}&eq=21")
    drawn(page)
    page.wait_for_timeout(1000)
    place = page.locator(".st-key-eq-21")
    row, other = place.locator(".t-kl_a"), place.locator(".t-kl_z")
    colour = ", ".join(map(str, palette.rgb(formulas.COLOURS["kl_a"])))
    piece = place.locator(f".katex [style*='{colour}']").first

    def lit(of) -> bool:
        return of.evaluate("(e) => getComputedStyle(e).backgroundColor") != "rgba(0, 0, 0, 0)"

    assert not lit(piece)
    row.hover()
    assert lit(piece)
    piece.hover()
    assert lit(row)
    assert not lit(other)


def test_a_term_of_the_objective_marks_its_node_and_a_node_its_terms(page: Page, server: str, run) -> None:
    """On the first screen: the whole flow picture, and below it the formula with the figures of the bars."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/equations?run={run.id}&image=-8")
    page.locator(".flow[data-ready]").wait_for()
    drawn(page)
    formula, flow = page.locator(".st-key-eq-objective"), page.locator(".flow .columns")
    boxes = [flow.bounding_box(), formula.bounding_box()]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    assert boxes[1]["y"] + boxes[1]["height"] <= 900
    colour = ", ".join(map(str, palette.rgb(formulas.COLOURS["kl_z"])))
    term, node = formula.locator(f".katex [style*='{colour}']").first, page.locator(".node.plane")

    def marked() -> bool:
        return node.evaluate("(e) => getComputedStyle(e).outlineColor") != "rgba(0, 0, 0, 0)"

    def lit() -> bool:
        return term.evaluate("(e) => getComputedStyle(e).backgroundColor") != "rgba(0, 0, 0, 0)"

    assert not marked()
    term.hover()
    assert marked()
    node.locator(".title").hover()
    assert lit()
    page.locator("h1").hover()
    assert not lit()
    assert not marked()


def test_on_a_phone_nothing_sticks_out(page: Page, server: str, run) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{server}/equations?run={run.id}")
    drawn(page)
    expect(page.locator(".eq-fall").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    wide = page.evaluate(
        "[...document.querySelectorAll('.eq-fall, .eq-by, .eq-image, .eq-graphs')]"
        ".filter((e) => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert wide == 0
