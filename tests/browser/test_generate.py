"""Walks and dragging in a real browser: what is seen is what the model draws, at once; the server hears nothing."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_generate_drawing import CONV, codes
from test_generate_drawing import made as far_run

from models.analysis import inference, traversals
from models.training import snapshot
from tests.browser.conftest import remove, settled, until

pytestmark = pytest.mark.browser
MOVES, LATENCY = 50, 150  # moves of the pointer, and the milliseconds in which a picture is due

# Notes when a move of the pointer happened and when the first picture after it was on its canvas.
CLOCK = """() => {
  window.delays = [];
  let since = null;
  addEventListener('pointermove', (e) => { since ??= e.timeStamp }, true);
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    put.apply(this, given);
    if (since !== null) { delays.push(performance.now() - since); since = null }
  }
}"""
ALPHA = """(c) => { const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return Array.from({length: p.length / 4}, (_, i) => p[4 * i + 3]) }"""


@pytest.fixture(scope="module")
def run(runs_folder):
    """A finished M2 on the digits with a dense decoder."""
    folder = far_run(runs_folder, "m2")
    codes(folder)
    folder.set_status("done")
    yield folder
    remove(folder.path)


@pytest.fixture
def wires(page):
    """How many messages went to the server."""
    seen = {"sent": 0}

    def count(_: object) -> None:
        seen["sent"] += 1

    page.on("websocket", lambda ws: ws.on("framesent", count))
    return seen


def open_part(page: Page, address: str):
    page.goto(address)
    page.set_default_timeout(120_000)  # as long as a busy machine may take; what is promised is measured below
    part = page.locator("[data-ready]")
    part.wait_for()
    settled(page)
    page.wait_for_timeout(500)
    return part


def levels(canvas) -> np.ndarray:
    """How much ink lies on each pixel of a small canvas."""
    return np.array(canvas.evaluate(ALPHA)).reshape(16, 16)


def middle(page: Page, canvas) -> tuple[float, float, float]:
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    box = canvas.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


def torch_draws(folder, z: np.ndarray) -> np.ndarray:
    model = inference.load(folder)
    with torch.inference_mode():
        drawn = snapshot.tiles(model, torch.arange(10), torch.from_numpy(z.astype(np.float32))[None])
    return drawn[:, 0, :, :, 0].astype(int)


def test_the_pictures_are_those_of_torch(page: Page, server, run):
    for at, dims, image in (("0.5,-1.25", "", 3), ("-2,2.5", "2:0.7,5:-1.5", 11)):
        query = f"class=3&start=test+image&image={image}&at={at}&dims={dims}"
        part = open_part(page, f"{server}/generate?run={run.id}&show=plane&{query}")
        plane = traversals.plane(run, 3)
        x, y = (float(v) for v in at.split(","))
        z = traversals.code(run, -1 - image) + x * plane.scale[0] * plane.axes[0] + y * plane.scale[1] * plane.axes[1]
        for change in filter(None, dims.split(",")):
            d, by = change.split(":")
            z[int(d) - 1] += float(by)
        exact, tiles = torch_draws(run, z), part.locator("canvas.tile")
        assert tiles.count() == 10
        seen = np.stack([levels(tiles.nth(k)) for k in range(10)])
        assert np.abs(seen - exact).max() <= 1  # of 255: half precision, and torch's own rounding
        assert exact.std() > 20


@pytest.mark.parametrize("failures", [1, 3])
@pytest.mark.parametrize("address", ["generate?show=plane", "generate?show=walk", "equations?image=-12"])
def test_a_file_that_the_server_has_dropped_is_fetched_again(server, run, browser, address, failures):
    """Between two runs of a page its files are gone for a moment. After two failures of one fetch it runs again."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    left, sent = [failures], []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))

    def drop(route) -> None:
        if left[0] > 0 and "/static/" not in route.request.url:  # where the fonts are
            left[0] -= 1
            route.fulfill(status=404)
            sent.clear()
        else:
            route.continue_()

    page.route("**/media/**", drop)
    try:
        page.goto(f"{server}/{address}&run={run.id}")
        page.locator("[data-ready]").wait_for()
        assert left == [0]
        # Equations draws its picture twice at first: its failures may be of two fetches, of which none asks.
        assert bool(sent) == (failures > 1) or "equations" in address
        assert levels(page.locator("[data-ready] canvas.tile").last).max() > 100
    finally:
        context.close()


def test_the_pad_and_all_pictures_are_seen_without_scrolling(page: Page, server, run):
    page.set_viewport_size({"width": 1440, "height": 900})
    part = open_part(page, f"{server}/generate?run={run.id}")
    assert part.bounding_box()["y"] < 320
    for it in (part.locator(".pad"), part.locator("canvas.tile").last, part.locator(".sliders")):
        box = it.bounding_box()
        assert box["y"] + box["height"] <= 900
    part = open_part(page, f"{server}/generate?run={run.id}&show=walk")
    box = part.bounding_box()
    assert box["y"] + box["height"] <= 900
    page.set_viewport_size({"width": 1280, "height": 900})


def test_dragging_draws_at_once_and_sends_nothing(page: Page, server, run, wires, browser, record_property):
    part = open_part(page, f"{server}/generate?run={run.id}&show=plane&class=3")
    pad, tile = part.locator(".pad canvas"), part.locator("canvas.tile").nth(3)
    x, y, size = middle(page, pad)
    before, sent = levels(tile), wires["sent"]
    page.evaluate(CLOCK)
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(MOVES):
        page.mouse.move(x + size * 0.4 * np.sin(i / 8), y + size * 0.4 * np.cos(i / 8) - size * 0.4)
        page.wait_for_timeout(20)
    after = levels(tile)
    delays = sorted(page.evaluate("delays"))
    assert wires["sent"] == sent, "not a word while the point is dragged"
    assert np.abs(after - before).max() > 20
    assert len(delays) >= MOVES // 2
    p50, p95 = delays[len(delays) // 2], delays[int(0.95 * len(delays))]
    record_property("latency_ms", (round(p50, 1), round(p95, 1)))
    print(f"from pointer to picture: p50 {p50:.1f} ms, p95 {p95:.1f} ms, {len(delays)} pictures in {MOVES} moves")
    assert p95 < LATENCY
    page.mouse.up()
    page.wait_for_url(re.compile("at="))
    settled(page)
    assert wires["sent"] == sent + 1

    # The link shows the same in a fresh browser.
    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        other = open_part(fresh.new_page(), page.url)
        again = np.stack([levels(other.locator("canvas.tile").nth(k)) for k in range(10)])
        here = np.stack([levels(part.locator("canvas.tile").nth(k)) for k in range(10)])
        assert np.abs(again - here).max() <= 2  # the address keeps three decimals
    finally:
        fresh.close()

    part.get_by_role("button", name="Back to the start").click()
    page.wait_for_url(lambda url: "at=" not in url)
    assert np.abs(levels(tile) - before).max() == 0


def test_a_click_on_a_picture_shows_the_plane_of_its_class(page: Page, server, run):
    part = open_part(page, f"{server}/generate?run={run.id}&show=plane&class=3&at=1,1")
    pictures = part.locator(".pictures button")
    expect(pictures).to_have_count(10)
    expect(part.locator(".pictures button[aria-pressed=true]")).to_have_accessible_name("The plane of 3")
    pictures.nth(7).click()
    page.wait_for_url(lambda url: "class=7" in url and "at=" not in url)
    expect(part.locator(".pictures button[aria-pressed=true]")).to_have_accessible_name("The plane of 7")
    expect(page.get_by_role("img", name="Manifold of 7")).to_be_visible()
    pictures.nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("class=2"))
    expect(part.locator(".pictures button[aria-pressed=true]")).to_have_accessible_name("The plane of 2")
    expect(pictures.nth(2)).to_be_focused()


def test_single_dimensions_and_the_keyboard(page: Page, server, run, wires):
    part = open_part(page, f"{server}/generate?run={run.id}&show=plane&class=3")
    tile, slider = part.locator("canvas.tile").nth(3), part.locator(".sliders input").first
    before, sent = levels(tile), wires["sent"]
    value = float(slider.input_value())
    slider.evaluate("(s) => { s.value = 3; s.dispatchEvent(new Event('input', {bubbles: true})) }")
    until(page, lambda: np.abs(levels(tile) - before).max() > 5)
    assert wires["sent"] == sent
    slider.evaluate("(s) => s.dispatchEvent(new Event('change', {bubbles: true}))")
    page.wait_for_url(re.compile(r"dims=\d"))
    assert float(re.search(r"dims=\d+%3A(-?[\d.]+)", page.url)[1]) == pytest.approx(3 - value, abs=0.01)
    part.locator(".pad canvas").focus()
    place = part.locator(".axis span").last.inner_text()
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("at=0.6%2C0.1"))
    assert part.locator(".axis span").last.inner_text() != place
    with page.expect_download() as got:
        part.get_by_role("button", name="Pictures as PNG").click()
    from PIL import Image

    with Image.open(got.value.path()) as picture:
        assert picture.width >= 640
        assert picture.getpixel((0, 0))[:3] == (255, 255, 255)


def test_a_finger_drags_on_a_phone(browser, server, run):
    context = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, device_scale_factor=2)
    page = context.new_page()
    try:
        part = open_part(page, f"{server}/generate?run={run.id}&show=plane&class=3")
        pad, tile = part.locator(".pad canvas"), part.locator("canvas.tile").nth(3)
        x, y, size = middle(page, pad)
        before, client = levels(tile), context.new_cdp_session(page)
        client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for i in range(8):
            to = [{"x": x + size * 0.05 * i, "y": y - size * 0.04 * i}]
            client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": to})
        until(page, lambda: np.abs(levels(tile) - before).max() > 10)
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_url(re.compile("at="))
        assert pad.evaluate("(c) => c.width") == round(2 * pad.evaluate("(c) => c.clientWidth"))  # crisp
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        context.close()


def test_a_convolutional_decoder_is_blended(page: Page, server, runs_folder, wires):
    folder = far_run(runs_folder, "m2", settings=CONV)
    codes(folder)
    folder.set_status("done")
    try:
        plane = traversals.plane(folder, 3)
        part = open_part(page, f"{server}/generate?run={folder.id}&show=plane&class=3&at=0.6,-1.2")
        # A place that was drawn, in steps of 0.6: nothing to blend.
        exact = torch_draws(folder, plane.at(0.6, -1.2))[3]
        assert np.abs(levels(part.locator("canvas.tile").nth(3)) - exact).max() <= 1
        x, y, size = middle(page, part.locator(".pad canvas"))
        before, sent = levels(part.locator("canvas.tile").nth(3)), wires["sent"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - size * 0.4, y - size * 0.4, steps=10)
        until(page, lambda: np.abs(levels(part.locator("canvas.tile").nth(3)) - before).max() > 3)
        assert wires["sent"] == sent
        page.mouse.up()
        expect(part.locator(".sliders")).to_have_count(0)
    finally:
        remove(folder.path)


def test_a_walk_is_scrubbed_in_the_browser(page: Page, server, run, wires, browser):
    k = inference.q_y(run, range(-1, -101, -1)).argmax(1)
    to = -1 - int(np.argmax(k != k[0]))
    address = f"{server}/generate?run={run.id}&show=walk&from=-1&to={to}"
    part = open_part(page, address)
    tiles = part.locator("canvas.tile")
    assert tiles.count() == 3
    swap = inference.swap(run, [-1, to])["reconstruction"][..., 0].astype(int)
    assert np.abs(levels(tiles.nth(0)) - swap[0]).max() <= 1
    slider, sent = part.locator("input[type=range]"), wires["sent"]
    x, y, width = middle(page, slider)
    page.mouse.move(x - width / 2 + 8, y)
    page.mouse.down()
    page.mouse.move(x, y, steps=12)
    assert 15 < int(part.get_attribute("data-at")) < 33
    page.mouse.move(x + width / 2 + 5, y, steps=12)
    expect(part).to_have_attribute("data-at", str(traversals.FRAMES - 1))
    assert wires["sent"] == sent
    assert np.abs(levels(tiles.nth(0)) - swap[1]).max() <= 1
    page.mouse.up()
    page.wait_for_url(re.compile(f"place={traversals.FRAMES - 1}"))
    assert wires["sent"] == sent + 1
    fresh = browser.new_context(viewport={"width": 375, "height": 812})
    try:
        other = fresh.new_page()
        again = open_part(other, page.url)
        assert np.array_equal(levels(again.locator("canvas.tile").nth(0)), levels(tiles.nth(0)))
        assert other.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        fresh.close()
    sent = wires["sent"]
    part.get_by_role("button", name="Play").click()
    page.wait_for_timeout(600)
    assert int(part.get_attribute("data-at")) < traversals.FRAMES - 2
    assert wires["sent"] == sent
    part.get_by_role("button", name="Pause").click()


def test_z_is_dragged_through_the_flow_picture(page: Page, server, run, wires):
    """Equations: what lies downstream follows at once and is the model's own, and its edges glow; by key, too."""
    page.set_viewport_size({"width": 1440, "height": 900})
    part = open_part(page, f"{server}/equations?run={run.id}&image=-12")
    box = part.locator(".columns").bounding_box()
    assert box["y"] + box["height"] <= 900, "seen without scrolling"
    pad, tile = part.locator(".pad canvas"), part.locator(".picture canvas.tile").first
    mean = inference.encode(run, [-12])["z"][0]
    k = int(inference.q_y(run, [-12])[0].argmax())
    before, sent = levels(tile), wires["sent"]
    assert np.abs(before - torch_draws(run, mean)[k]).max() <= 1
    x, y, size = middle(page, pad)
    page.evaluate(CLOCK)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + size * 0.3, y - size * 0.2, steps=10)
    page.wait_for_function("delays.length > 0")
    assert sorted(page.evaluate("delays"))[0] < 300
    expect(part.locator("path.lit")).to_have_attribute("data-edge", "z-p")
    assert wires["sent"] == sent, "nothing goes to the server while one drags"
    page.mouse.up()
    until(page, lambda: np.abs(levels(tile) - before).max() > 5)
    part.get_by_role("button", name=f"Draw as {(k + 1) % 10}.").click()
    part.locator(".plane").get_by_role("button", name="Mean").click()
    drawn = torch_draws(run, mean)[(k + 1) % 10]
    until(page, lambda: np.abs(levels(tile) - drawn).max() <= 1)
    place = part.locator(".plane .figure").first.inner_text()
    pressed = part.locator(".plane button[aria-pressed=true]")
    expect(pressed).to_have_text("Mean")
    pad.press("Shift+ArrowUp")
    expect(part.locator(".plane .figure").first).not_to_have_text(place)
    part.locator(".plane").get_by_role("button", name="Sample").click()
    expect(pressed).to_have_text("Sample")
    page.wait_for_url(lambda url: f"as={(k + 1) % 10}" in url and "draw=" in url and "at=" not in url)
    settled(page)
    shown, place = levels(tile), part.locator(".plane .figure").first.inner_text()
    part = open_part(page, page.url)  # a link shows the same class, and the same draw of z
    assert part.locator(".plane .figure").first.inner_text() == place
    assert np.abs(levels(part.locator(".picture canvas.tile").first) - shown).max() <= 1
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
