"""Drawing in a real browser: a stroke is answered while it is drawn, and its link shows the same to somebody else."""

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_draw_page import made

from tests.browser.conftest import settled

pytestmark = pytest.mark.browser
LONG = 60_000  # milliseconds: torch is loaded with the first answer
FOUR = ([(0.4, 0.15), (0.25, 0.5), (0.72, 0.52)], [(0.62, 0.2), (0.55, 0.88)])


@pytest.fixture(scope="module")
def run(runs_folder):
    """A run of M2 on the digits that has learned nothing, but answers all the same."""
    return made(runs_folder, "m2")


def open_pad(page: Page, address: str):
    page.goto(address)
    settled(page)
    pad = page.locator(".pad")
    pad.wait_for()
    return pad


def stroke(page: Page, points: list[tuple[float, float]], up: bool = True) -> None:
    paper = page.locator(".paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y, steps=6)
    if up:
        page.mouse.up()


def ink(page: Page, where: str) -> list[int]:
    """The grey levels of a canvas of the pad, as the data have them."""
    return page.locator(where).evaluate(
        """(c) => { const all = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            return Array.from(all).filter((_, i) => i % 4 == 0) }"""
    )


def answer(page: Page) -> list[str]:
    """The probabilities shown, once they have stopped changing."""
    bars = page.locator(".dw-answer em")
    expect(bars).to_have_count(10, timeout=LONG)
    settled(page)
    page.wait_for_timeout(600)
    settled(page)
    return bars.all_inner_texts()


def strokes(page: Page, n: int) -> None:
    expect(page.locator(".pad")).to_have_attribute("data-strokes", str(n), timeout=LONG)


def test_a_stroke_is_answered_while_it_is_drawn_and_a_link_shows_the_same(page: Page, server, run, browser):
    open_pad(page, f"{server}/draw?runs={run.id}")
    example = answer(page)
    stroke(page, FOUR[0], up=False)
    expect(page.locator(".dw-answer em").first).not_to_have_text(example[0])  # the mouse is still down
    page.mouse.up()
    stroke(page, FOUR[1])
    strokes(page, 2)
    shown, seen = answer(page), ink(page, ".seen canvas")
    assert len(seen) == 256
    assert max(seen) > 200
    expect(page.locator(".dw-map s")).to_have_count(1)
    expect(page.locator(".dw-near figure")).to_have_count(8)
    page.wait_for_function("location.search.includes('drawing=')")
    address = page.url
    assert len(address) < 1000

    # The very same in a browser that has never been here: the picture, the probabilities, its place.
    place = page.locator(".dw-map s").get_attribute("style")
    context = browser.new_context(viewport={"width": 900, "height": 900}, color_scheme="dark")
    other = context.new_page()
    other.set_default_timeout(60_000)
    open_pad(other, address)
    assert answer(other) == shown
    assert ink(other, ".seen canvas") == seen
    assert other.locator(".dw-map s").get_attribute("style") == place
    expect(other.locator(".pad")).to_contain_text("From the link, as it is")
    context.close()

    # Another page and back by the bar: strokes, picture and answer are still there, and so is Undo.
    bar = page.get_by_role("navigation", name="Inside")
    bar.get_by_role("link", name="Latent space").click()
    page.wait_for_url("**/latent*")
    settled(page)
    bar.get_by_role("link", name="Draw").click()
    page.locator(".pad").wait_for()
    strokes(page, 2)
    assert answer(page) == shown
    assert ink(page, ".seen canvas") == seen
    page.wait_for_function("location.search.includes('drawing=')")


def test_undo_clear_and_the_rubber_by_mouse_and_keyboard(page: Page, server, run):
    open_pad(page, f"{server}/draw?runs={run.id}")
    undo, clear = (page.locator(".pad").get_by_role("button", name=name) for name in ("Undo", "Clear"))
    hint = page.locator(".hint")
    strokes(page, 2)  # of the example
    example = answer(page)
    expect(hint).to_have_text("An example. Draw over it: the first stroke clears it.")
    assert "drawing=" not in page.url, "nobody drew it"
    expect(undo).to_be_disabled()
    clear.click()
    strokes(page, 0)
    undo.click()
    strokes(page, 2)
    assert answer(page) == example
    for i, line in enumerate(FOUR):
        stroke(page, line)
        strokes(page, i + 1)
    whole = answer(page)
    expect(hint).to_have_text("")
    page.locator(".paper").press("Control+z")
    strokes(page, 1)
    one = answer(page)
    assert one != whole
    page.locator(".paper").press("Control+z")
    strokes(page, 2)  # the example again, and the next stroke clears it again
    expect(hint).to_contain_text("An example.")
    assert answer(page) == example
    stroke(page, FOUR[0])
    strokes(page, 1)
    assert answer(page) == one
    clear.focus()
    page.keyboard.press("Enter")
    strokes(page, 0)
    expect(page.get_by_text("Draw a digit, or click a drawing.")).to_be_visible()
    expect(hint).to_have_text("Draw a digit here")
    expect(page.locator(".dw-answer")).to_have_count(0)  # no verdict on empty paper
    top = clear.bounding_box()["y"]
    undo.focus()
    page.keyboard.press("Space")
    strokes(page, 1)
    assert answer(page) == one
    assert clear.bounding_box()["y"] == top  # the hint is gone, and nothing moved under the hand
    page.get_by_role("radio", name="Rubber").click()
    page.get_by_label("Brush width").fill("0.25")
    before = ink(page, ".seen canvas")
    stroke(page, [(0.25, 0.5), (0.75, 0.52)])
    strokes(page, 2)
    answer(page)
    assert ink(page, ".seen canvas") != before


def test_a_finger_draws_and_does_not_scroll(server, run, browser):
    context = browser.new_context(viewport={"width": 375, "height": 800}, has_touch=True, device_scale_factor=2)
    page = context.new_page()
    page.set_default_timeout(60_000)
    open_pad(page, f"{server}/draw?runs={run.id}")
    paper = page.locator(".paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    wire = context.new_cdp_session(page)
    scrolled = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    for i in range(8):
        point = {"x": box["x"] + 80 + 4 * i, "y": box["y"] + 60 + 20 * i}
        kind = "touchStart" if i == 0 else "touchMove"
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    strokes(page, 1)
    answer(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == scrolled
    # As sharp as the screen: two pixels of the canvas to one of the page.
    width = page.locator(".paper canvas").evaluate("(c) => [c.width, c.clientWidth]")
    assert width[0] == 2 * width[1]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    context.close()


def test_a_drawing_to_click_is_painted_answered_and_can_be_undone(page: Page, server, run):
    open_pad(page, f"{server}/draw?runs={run.id}")
    asked = []
    page.on("request", lambda r: asked.append(r.url) if "/media/" in r.url and "/static/" not in r.url else None)
    for name in ("A 7 with a bar", "A 4, nearly a 9"):
        page.get_by_role("button", name=name).click()
        strokes(page, 2)
        whole = answer(page)
        page.locator(".pad").get_by_role("button", name="Undo").click()
        strokes(page, 1)
        assert answer(page) != whole
    expect(page.locator(".dw-points img")).to_have_js_property("complete", True)
    assert not asked, "a file of its own can be gone before the browser asks for it"


def test_a_stroke_does_not_add_to_the_history(page: Page, server, run):
    open_pad(page, f"{server}/draw?runs={run.id}")
    before = page.evaluate("history.length")
    for line in FOUR:
        stroke(page, line)
        answer(page)
    page.wait_for_function("location.search.includes('drawing=')")
    assert page.evaluate("history.length") == before


def test_an_uploaded_picture_is_shown_and_can_be_painted_on(page: Page, server, run, tmp_path):
    from test_drawing import SEVEN, pen, photo, png

    file = tmp_path / "seven.png"
    file.write_bytes(png(photo(pen(*SEVEN))))
    open_pad(page, f"{server}/draw?runs={run.id}")
    page.get_by_role("button", name=re.compile("Begin with an image")).click()
    page.locator("input[type=file]").set_input_files(str(file))
    before = answer(page)
    expect(page.locator(".pad")).to_contain_text("From an uploaded picture, as it is")
    page.keyboard.press("Escape")
    stroke(page, [(0.1, 0.9), (0.9, 0.9)])
    strokes(page, 1)
    assert answer(page) != before
    expect(page.locator(".pad")).to_contain_text("painted on")
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG").click()
    assert Path(saved.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_stroke_is_answered(page: Page, server, run):
    """Prints how long that took from the end of the stroke: 0.2 to 0.5 s at rest, and who knows on a busy machine."""
    open_pad(page, f"{server}/draw?runs={run.id}")
    stroke(page, FOUR[0])
    answer(page)
    page.locator(".seen canvas").evaluate(
        """(seen) => { window.took = null;
            const before = seen.toDataURL(); addEventListener('pointerup', () => { const start = performance.now();
              const look = () => seen.toDataURL() !== before && (window.took = performance.now() - start)
                || requestAnimationFrame(look); look(); }, {once: true, capture: true}) }"""
    )
    box = page.locator(".paper").bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
    page.wait_for_function("window.took !== null")
    took = page.evaluate("window.took")
    print(f"a stroke was answered after {took:.0f} ms")
