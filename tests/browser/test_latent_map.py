"""The latent map in a real browser: what one sees, and what the server hears of it."""

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from safetensors.numpy import save_file

import data
from models.runs.run import Run
from models.runs.store import Folder

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.conftest import at_rest, ink, remove, settled, until

pytestmark = pytest.mark.browser
N = 1797


@pytest.fixture(scope="module")
def run(runs_folder):
    """A finished run of M2 on the digits whose codes are the images' own principal components, with a UMAP."""
    images = data.load("digits")
    folder = Folder.create(Run.make(dataset="digits", model="m2", labels=50, epochs=3), runs_folder)
    folder.set_status("done")  # first of all: what stands queued for ten seconds, a supervisor begins to train
    ids = np.concatenate([np.arange(1297), -1 - np.arange(500)]).astype(np.int32)
    x = np.concatenate([images.x, images.x_test]).reshape(N, -1) / 255.0
    true = np.concatenate([images.y, images.y_test])
    z = (x - x.mean(0)) @ np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:16].T
    q = np.full((N, 10), 0.02)
    q[np.arange(N), np.where(ids % 7 == 0, (true + 1) % 10, true)] = 0.82
    (folder.path / "latents").mkdir()
    for epoch in (1, 3):
        arrays = {"id": ids, "z": (z * epoch).astype(np.float16), "q_y": q.astype(np.float16)}
        save_file(arrays, folder.path / "latents" / f"{epoch:04d}.safetensors")
    (folder.path / "maps").mkdir()
    xy = (z[:, :2] + 30 * np.stack([true % 4, true // 4], 1)).astype(np.float32)
    save_file({"id": ids, "xy": xy}, folder.map_path(3, "z"))
    folder.append({"kind": "epoch", "step": 1, "epoch": 3, "J": 1.0, "terms": {}, "test_accuracy": 0.86,
                   "labelled_accuracy": 1.0, "seconds": 1.0})  # fmt: skip
    yield folder
    remove(folder.path)


@pytest.fixture
def wires(page):
    """What goes over the wire: messages to the server, and pictures fetched."""
    seen = {"sent": 0, "media": []}

    def count(_: object) -> None:
        seen["sent"] += 1

    page.on("websocket", lambda ws: ws.on("framesent", count))
    page.on("request", lambda r: seen["media"].append(r.url) if "/media/" in r.url else None)
    return seen


def open_map(page: Page, address: str):
    if "?" in address and "projection=" not in address:
        address += "&projection=pca"  # else a UMAP, as soon as an engine has laid one out: its middle may be empty
    page.goto(address)
    drawn = page.locator(f'[data-points="{N}"]').first
    drawn.wait_for()
    settled(page)
    page.wait_for_timeout(1200)  # the sheets of images arrive after the points
    return drawn


def find_point(page: Page, drawn):
    """Move over the map until a point answers: where it was, and its id."""
    box = drawn.locator("canvas.front").bounding_box()
    tip = drawn.locator(".tip")
    for i in range(14):
        for j in range(10):
            x, y = box["x"] + box["width"] * (0.2 + 0.04 * i), box["y"] + box["height"] * (0.2 + 0.06 * j)
            page.mouse.move(x, y)
            if tip.is_visible():
                return x, y, int(tip.get_attribute("data-id"))
    raise AssertionError("no point showed its image")


def middle_of(drawn) -> tuple[float, float]:
    """Where the middle of the map is in the window: asked anew, as a click may have scrolled the page."""
    drawn.locator("canvas.front").scroll_into_view_if_needed()
    box = drawn.locator("canvas.front").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def colours(drawn) -> int:
    """How many pixels of the map are clearly coloured."""
    return drawn.locator("canvas.points").evaluate(
        """(c) => { const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
            for (let i = 0; i < p.length; i += 4) {
              n += Math.max(p[i], p[i+1], p[i+2]) - Math.min(p[i], p[i+1], p[i+2]) > 60 } return n }"""
    )


def test_looking_shows_the_image_itself_and_the_server_hears_nothing(page: Page, server, run, wires):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    sent = wires["sent"]
    _, _, id = find_point(page, drawn)
    until(page, lambda: ink(drawn.locator(".tip canvas")).any())
    shown, fetched = ink(drawn.locator(".tip canvas")), len(wires["media"])
    images = data.load("digits")
    image = (images.x[id] if id >= 0 else images.x_test[-1 - id])[0].astype(int)
    assert np.abs(shown - image).mean() < 3, "as much ink as the pixel is bright"
    expect(drawn.locator(".tip")).to_contain_text(f"Training image {id}" if id >= 0 else f"Test image {-1 - id}")

    # Zooming, panning, colouring, filtering and choosing with a lasso: still not a word, and no picture again.
    full = colours(drawn)
    assert full > 2000
    for mode in ("predicted", "right", "kind", "entropy", "class"):
        drawn.locator(".narrow select").select_option(mode)  # the column is too narrow for them side by side
        expect(drawn.locator(f"[data-mode={mode}]")).to_have_attribute("aria-checked", "true")
    drawn.locator(".legend button").nth(4).click()
    until(page, lambda: colours(drawn) < 0.25 * full)
    expect(drawn.locator(".status")).to_contain_text("181 of 1,797 images in colour")
    drawn.locator(".legend button").nth(4).click()
    expect(drawn.locator(".status")).to_contain_text("50 labelled, 1,247 unlabelled, 500 test")
    drawn.get_by_label("Filter").fill("wrong and test and class = 4")
    wrong = int((images.y_test[(-1 - np.arange(500)) % 7 == 0] == 4).sum())
    expect(drawn.locator(".status")).to_contain_text(f"0 of the {wrong} test images shown correct")
    until(page, lambda: colours(drawn) < 0.1 * full)
    drawn.get_by_role("button", name="Save the map").click()
    with page.expect_download() as saved:
        drawn.get_by_role("button", name="SVG", exact=True).click()
    every = ElementTree.parse(saved.value.path()).getroot().findall(".//{*}svg/{*}circle")
    circles = [c for c in every if c.get("fill") != "none"]
    assert len(every) == len(circles) + 1, "and the ring around the pinned image"
    assert (len(circles), len({c.get("fill") for c in circles})) == (N, 2), "all of them, all but one class grey"
    drawn.get_by_label("Filter").press("Escape")
    drawn.get_by_role("button", name="Select with a lasso").click()
    middle = middle_of(drawn)
    page.mouse.move(middle[0] - 80, middle[1] - 80)
    page.mouse.down()
    for dx, dy in ((80, -80), (80, 80), (-80, 80)):
        page.mouse.move(middle[0] + dx, middle[1] + dy, steps=5)
    page.mouse.up()
    expect(drawn.locator(".chip")).to_contain_text("lasso")
    drawn.locator(".chip").click()
    drawn.get_by_role("button", name="Select with a lasso").click()
    middle = middle_of(drawn)
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 40, steps=4)
    page.mouse.up()
    drawn.get_by_role("button", name="Show all").click()
    assert wires["sent"] == sent
    assert len(wires["media"]) == fetched
    assert fetched <= 2 + 6, "the images come as two sheets (and the fonts of the page)"


def test_a_click_pins_the_image_and_stands_in_the_address(page: Page, server, run, wires):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    x, y, id = find_point(page, drawn)
    sent = wires["sent"]
    page.mouse.click(x, y)
    card = page.locator(".card:not(.grid)")
    name = f"Training image {id}" if id >= 0 else f"Test image {-1 - id}"
    expect(card).to_contain_text(name, timeout=20_000)  # a busy machine's first card comes late
    assert wires["sent"] == sent + 1
    expect(card.locator("tr")).to_have_count(10)
    page.wait_for_url(re.compile(rf"image={id}(&|$)"))
    page.mouse.move(0, 0)

    # A neighbour looked at lights up in the map without a word, and is pinned by a click.
    near = card.locator(".near button").first
    neighbour = int(near.get_attribute("data-id"))
    sent = wires["sent"]
    near.hover()
    expect(drawn.locator(".tip")).to_have_attribute("data-id", str(neighbour))
    assert wires["sent"] == sent
    near.click()
    page.wait_for_url(re.compile(rf"image={neighbour}(&|$)"))

    # The bar takes run and image to another page and back, though nothing has drawn it anew; so it does in a new tab.
    bar = page.get_by_role("navigation", name="Inside")
    there = bar.get_by_role("link", name="Uncertainty")
    there.focus()
    assert there.get_attribute("href") == f"uncertainty?run={run.id}&image={neighbour}"
    there.press("Enter")
    page.wait_for_url(f"**/uncertainty?run={run.id}&image={neighbour}")
    expect(bar.locator("[aria-current=page]")).to_have_text("Uncertainty")
    settled(page)
    bar.get_by_role("link", name="Latent space").click()
    page.wait_for_url(f"**/latent?run={run.id}&image={neighbour}")

    # The link shows it in a fresh page; full screen has the card and the play bar, too; the cross takes it away.
    page.reload()
    expect(page.locator(".card .bars")).to_be_visible()
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function(
        "['canvas', '.film', '.card'].every((part) => [...document.fullscreenElement?.querySelectorAll('*') ?? []]"
        ".some((e) => e.shadowRoot?.querySelector(part)))"
    )
    expect(drawn.locator(".title")).to_contain_text(" of z of M2")
    page.evaluate("document.exitFullscreen()")
    expect(drawn.locator(".title")).to_be_hidden()
    page.get_by_role("button", name="Unpin").click()
    expect(page.locator(".card:not(.grid)")).to_contain_text("Pin an image")
    page.wait_for_function("!location.search.includes('image=')")


def test_the_wheel_scrolls_the_page_and_zooms_with_control_or_once_pressed_in(page: Page, server, run):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    front, hint = drawn.locator("canvas.front"), drawn.locator(".hint")
    zoomed = "(c) => c.style.touchAction === 'none'"
    scrolled = page.locator("[data-testid=stMain]")
    box = front.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, 150)
    expect(hint).to_have_text("Ctrl + scroll to zoom")
    page.wait_for_function("(m) => m.scrollTop === 150", arg=scrolled.element_handle())
    assert not front.evaluate(zoomed)
    page.wait_for_timeout(300)
    page.mouse.wheel(0, -300)
    page.wait_for_function("(m) => m.scrollTop === 0", arg=scrolled.element_handle())
    expect(hint).to_be_hidden()

    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.wait_for_function(zoomed, arg=front.element_handle())
    page.mouse.dblclick(x, y)
    page.wait_for_function("(c) => c.style.touchAction === 'pan-y'", arg=front.element_handle())

    page.mouse.wheel(0, -400)  # pressed in, by the double click
    page.wait_for_function(zoomed, arg=front.element_handle())
    page.mouse.wheel(0, 4000)
    page.wait_for_function("(c) => c.style.touchAction === 'pan-y'", arg=front.element_handle())
    page.wait_for_timeout(300)
    page.mouse.wheel(0, 150)  # there is nothing left to zoom out of
    page.wait_for_function("(m) => m.scrollTop === 150", arg=scrolled.element_handle())
    page.mouse.move(5, 5)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -150)
    page.wait_for_function("(m) => m.scrollTop === 0", arg=scrolled.element_handle())
    assert not front.evaluate(zoomed)


@pytest.mark.parametrize("projection", ["axes", "classes", "pca"])
def test_map_legend_and_play_bar_stand_on_a_laptop_below_each_other(page: Page, server, run, projection):
    page.set_viewport_size({"width": 1440, "height": 900})
    drawn = open_map(page, f"{server}/latent?run={run.id}&projection={projection}")
    expect(page.get_by_text("Each point is an image, placed by what the model has learned of it")).to_be_visible()
    legend, film = drawn.locator(".legend").bounding_box(), page.locator(".film").bounding_box()
    assert legend["y"] + legend["height"] <= film["y"]
    assert drawn.locator(".stage").bounding_box()["height"] >= 340


def test_points_travel_to_the_umap_in_the_same_canvas(page: Page, server, run):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    canvas = drawn.locator("canvas.front")
    canvas.evaluate("(c) => (c.dataset.mine = 'yes')")
    page.get_by_test_id("stButtonGroup").get_by_text("UMAP", exact=True).click()
    expect(drawn).to_have_attribute("data-version", re.compile("umap$"))
    expect(canvas).to_have_attribute("data-mine", "yes")
    expect(canvas).to_have_attribute("aria-label", re.compile("^UMAP of z"))


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until what `wanted` selects has the focus."""
    has_it = """(wanted) => {
      let at = document.activeElement;
      while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      return at.matches(wanted);
    }"""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(has_it, wanted):
            return
    raise AssertionError(f"60 steps with Tab do not reach {wanted}")


def test_a_wrong_image_is_found_and_pinned_by_the_keyboard_alone(page: Page, server, run):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    tab_to(page, "input.words")
    page.keyboard.type("wrong and test")
    page.keyboard.press("Enter")
    expect(drawn.locator(".status")).to_contain_text("0 of the")  # test images shown are correct
    tab_to(page, "canvas.front")
    for key in ("ArrowRight", "+", "ArrowUp", "-", "Home", "ArrowLeft"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    expect(drawn.locator(".spoken")).to_have_text(re.compile(r"Test image \d+\. Class \d.*wrong"))
    page.keyboard.press("Enter")
    expect(page.locator(".card .verdict.wrong")).to_be_visible()
    page.wait_for_url(re.compile(r"image=-\d+"))
    page.keyboard.press("Escape")  # lets go of the filter, and then of the image
    expect(drawn.locator(".status")).to_contain_text(re.compile(r"^1,797 images"))
    page.keyboard.press("Escape")
    expect(page.locator(".card").first).to_contain_text("Pin an image")
    tab_to(page, ".film .play")
    tab_to(page, ".film input")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".film")).to_have_attribute("data-epoch", "1")


def test_the_keyboard_walks_from_point_to_point_and_pins(page: Page, server, run):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    drawn.locator("canvas.front").focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "+", "ArrowLeft", "0"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
        seen.append(drawn.locator(".tip").get_attribute("data-id"))
    assert len(set(seen)) >= 3
    assert re.search(r"image \d+.*Class \d", drawn.locator(".spoken").inner_text())
    page.keyboard.press("Enter")
    expect(page.locator(".card .bars")).to_be_visible()


def test_the_map_follows_the_theme(page: Page, server, run):
    drawn = open_map(page, f"{server}/latent?run={run.id}")
    corner = "(c) => c.getContext('2d').getImageData(5, 300, 1, 1).data[0]"
    until(page, lambda: drawn.locator("canvas.points").evaluate(corner) > 240)
    page.emulate_media(color_scheme="dark")
    until(page, lambda: drawn.locator("canvas.points").evaluate(corner) < 40)


def test_a_phone_can_pinch_tap_and_scroll_past(browser, server, run):
    context = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, device_scale_factor=2)
    page = context.new_page()
    try:
        drawn = open_map(page, f"{server}/latent?run={run.id}&projection=umap")
        front = drawn.locator("canvas.front")
        front.scroll_into_view_if_needed()
        box = front.bounding_box()
        assert front.evaluate("(c) => c.width") == round(2 * box["width"])  # crisp
        assert front.evaluate("(c) => c.style.touchAction") == "pan-y"  # the page can be scrolled
        x, y = middle_of(drawn)
        tx, ty, _ = find_point(page, drawn)  # where a point is: a UMAP may have none in its middle
        client = context.new_cdp_session(page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            given = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

        touch("touchStart", (x - 20, y), (x + 20, y))
        for d in range(25, 100, 8):
            touch("touchMove", (x - d, y), (x + d, y))
        touch("touchEnd")
        assert front.evaluate("(c) => c.style.touchAction") == "none"  # zoomed in, a finger moves the map
        page.wait_for_timeout(400)  # right after what the browser takes for a fling it may drop a tap
        drawn.get_by_role("button", name="Show all").tap()
        page.wait_for_function("(c) => c.style.touchAction === 'pan-y'", arg=front.element_handle())
        page.wait_for_timeout(400)  # nor is this the second tap of two
        nx, ny = middle_of(drawn)
        page.touchscreen.tap(tx + nx - x, ty + ny - y)
        expect(page.locator(".card .bars")).to_be_visible()
        page.wait_for_url(re.compile(r"image=-?\d+(&|$)"))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        context.close()


def test_maps_side_by_side_look_at_the_same_image(page: Page, server, run, wires, runs_folder):
    twin = runs_folder / "m2-digits-50-s0-twin"
    shutil.copytree(run.path, twin)
    try:
        drawn = open_map(page, f"{server}/compare?runs={run.id},{twin.name}")
        drawn.scroll_into_view_if_needed()
        sent = at_rest(page, lambda: wires["sent"])
        _, _, id = find_point(page, drawn)
        tips = page.locator(".tip:visible")
        expect(tips).to_have_count(2)
        assert {tips.nth(i).get_attribute("data-id") for i in (0, 1)} == {str(id)}
        page.locator(".together .narrow select").select_option("right")
        page.locator(".together .legend button").nth(1).click()
        for k in (0, 1):
            expect(page.locator("[data-points]").nth(k).locator(".chip")).to_contain_text("right or wrong: wrong")
        assert wires["sent"] == sent
    finally:
        remove(twin)
