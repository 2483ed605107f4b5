"""Compare in a real browser: an entry of a confusion matrix, the image behind it through every model, a shared link."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from safetensors.numpy import save_file

import data
from models.analysis import separability
from models.runs.run import Run
from models.runs.store import Folder

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_inside import SMALL, weights

from tests.browser.conftest import at_rest, remove, settled

pytestmark = pytest.mark.browser
ENTRY = (3, 4)


def made(root: Path, model: str, wrong: int) -> Folder:
    """A finished run on the digits that takes every `wrong`-th image for the class after its own."""
    images = data.load("digits")
    folder = Folder.create(replace(Run.make(dataset="digits", model=model, epochs=2), settings=SMALL), root)
    folder.set_status("done")  # first of all: a supervisor begins what stands queued for ten seconds
    ids = np.concatenate([np.arange(600), -1 - np.arange(400)]).astype(np.int32)
    x = np.concatenate([images.x[:600], images.x_test[:400]]).reshape(1000, -1) / 255.0
    true = np.concatenate([images.y[:600], images.y_test[:400]])
    q = np.full((1000, 10), 0.02)
    q[np.arange(1000), np.where(ids % wrong == 0, (true + 1) % 10, true)] = 0.82
    z = (x - x.mean(0)) @ np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:8].T
    (folder.path / "latents").mkdir()
    spaces = dict.fromkeys(("z", "a") if model == "adgm" else ("z",), z.astype(np.float16))
    save_file({"id": ids, "q_y": q.astype(np.float16), **spaces}, folder.path / "latents" / "0002.safetensors")
    weights(folder, seed=0)
    folder.append({"kind": "epoch", "step": 1, "epoch": 2, "J": 1.0, "terms": {}, "test_accuracy": 0.8,
                   "labelled_accuracy": 1.0, "seconds": 1.0})  # fmt: skip
    for space in spaces:
        separability.make(folder.path, space, 2)
    return folder


@pytest.fixture(scope="module")
def runs(runs_folder):
    """Two runs, M2 and ADGM."""
    folders = [made(runs_folder, "m2", 4), made(runs_folder, "adgm", 6)]
    yield folders
    for folder in folders:
        remove(folder.path)


def open_page(page: Page, server: str, runs, **address: object) -> None:
    query = "&".join(
        ["projection=pca", f"runs={','.join(f.id for f in runs)}", *(f"{k}={v}" for k, v in address.items())]
    )
    page.goto(f"{server}/compare?{query}")
    page.locator(".th-row").nth(len(runs) - 1).wait_for()
    page.locator(".through").wait_for()
    page.locator(".told").wait_for()
    settled(page)
    page.wait_for_timeout(500)


def behind(wrong: int) -> set[int]:
    """Ids of the test images of the entry."""
    y, ids = data.load("digits").y_test[:400], -1 - np.arange(400)
    return {int(i) for i in ids[(y == ENTRY[0]) & (ids % wrong == 0)]}


def shown(page: Page, k: int) -> set[int]:
    return {int(b.get_attribute("data-id")) for b in page.locator(".sheet section").nth(k).locator("button").all()}


def test_an_entry_of_a_matrix_shows_its_images_and_an_image_goes_through_every_model(page: Page, server, runs, sent):
    open_page(page, server, runs)
    entries = page.locator(f'[data-cell="{ENTRY[0]}-{ENTRY[1]}"]')
    expect(entries).to_have_count(3)
    assert int(entries.nth(0).inner_text()) == len(behind(4))
    assert int(entries.nth(1).inner_text()) == len(behind(6))
    assert entries.nth(2).inner_text() == f"+{len(behind(4)) - len(behind(6))}"

    # Pointing reads the entry in all matrices and sends nothing.
    before = at_rest(page, lambda: len(sent))
    entries.nth(1).hover()
    expect(page.locator(".told")).to_contain_text(f"M2: 3 predicted as 4, {len(behind(4))} of")
    expect(page.locator(".told")).to_contain_text(f"{len(behind(4)) - len(behind(6))} more by M2")
    assert page.locator(".cell.over").count() == 3
    page.wait_for_timeout(200)
    assert len(sent) == before

    entries.nth(0).click()
    page.wait_for_url(re.compile(r"cell=3-4(&|$)"))
    expect(page.locator(".sheet")).to_contain_text("3, predicted as 4")
    assert shown(page, 0) == behind(4)
    assert shown(page, 1) == behind(6)

    # An image of the entry is pinned in the maps, and goes through every model, as one clicked in a map does.
    image = sorted(behind(4) - behind(6))[1]
    page.locator(f'.sheet [data-id="{image}"]').click()
    page.wait_for_url(re.compile(rf"image={image}(&|$)"))
    expect(page.locator(".through")).to_contain_text(f"Test image {-1 - image}")
    expect(page.locator(".card").first).to_contain_text(f"Test image {-1 - image}")
    expect(page.get_by_label("Number, 0 to 499")).to_have_value(str(-1 - image))

    # What is chosen by number is pinned in the maps. A page that is still being drawn writes its own number once more.
    settled(page)
    page.get_by_label("Number, 0 to 499").fill("9")
    page.keyboard.press("Enter")
    expect(page.locator(".through")).to_contain_text("Test image 9")
    expect(page.locator(".card").first).to_contain_text("Test image 9")
    page.wait_for_url(re.compile(r"image=-10(&|$)"))

    page.get_by_role("button", name="Close").click()
    expect(page.locator(".sheet")).to_have_count(0)
    page.wait_for_function("!location.search.includes('cell=')")


def test_a_link_shows_the_same_image_and_entry_in_a_fresh_browser(page: Page, server, runs):
    open_page(page, server, runs, image=7, cell="3-4", pair="1-2")
    expect(page.locator(".through")).to_contain_text("Training image 7")
    rows = page.locator(".th-row")
    expect(rows).to_have_count(2)
    for k in range(2):
        expect(rows.nth(k).locator(".th-bar")).to_have_count(10)
        expect(rows.nth(k).locator(".th-classes i b")).to_have_count(10)
        expect(rows.nth(k).locator(".th-pair i")).to_have_count(2)
    assert shown(page, 0) == behind(4)
    expect(page.locator(".card").first).to_contain_text("Training image 7")
    expect(page.locator(".sp-cell")).to_have_count(3 * 4)


def test_the_keyboard_walks_through_a_matrix(page: Page, server, runs):
    open_page(page, server, runs)
    first = page.locator('[data-at="0-0-0"]')
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", *["ArrowRight"] * 4):
        page.keyboard.press(key)
    expect(page.locator('[data-at="0-3-4"]')).to_be_focused()
    expect(page.locator(".told")).to_contain_text("3 predicted as 4")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"cell=3-4(&|$)"))
    expect(page.locator(".sheet")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_can_read_it(browser, server, runs, scheme):
    context = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        open_page(page, server, runs, cell="3-4")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for cell in page.locator('[data-at^="0-"]').all()[:40]:
            assert cell.evaluate("(c) => c.scrollWidth <= c.clientWidth && c.clientWidth >= 24")
        page.locator('[data-at="1-3-4"]').tap()
        expect(page.locator(".sheet")).to_have_count(0)
    finally:
        context.close()


def test_what_can_be_taken_away(page: Page, server, runs, tmp_path):
    open_page(page, server, runs)
    for name, begins in (
        ("Metrics as CSV", b"run,model,dataset"),
        ("Confusions as CSV", b"run,model,dataset"),
        ("Figures as CSV", b"run,space,epoch"),
        ("Chart as HTML", b"<!doctype html>"),
    ):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.read_bytes().startswith(begins)
    alone = page.context.browser.new_context(offline=True)
    chart, asked = alone.new_page(), []
    chart.on("request", lambda r: asked.append(r.url))
    chart.goto(path.as_uri())  # the last one: it draws itself and asks nobody
    chart.locator(".js-plotly-plot .main-svg").first.wait_for()
    alone.close()
    assert [url for url in asked if url.startswith("http")] == []


def test_the_maps_come_first_and_the_runs_are_chosen_beside_the_title(page: Page, server, runs):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, server, runs)
    maps = [m.bounding_box() for m in page.locator("[data-points] .stage").all()]
    assert len(maps) == 2
    assert all(m["y"] < 270 for m in maps)
    assert sum(m["width"] * m["height"] for m in maps) > 0.3 * 1440 * 900
    assert len({m["y"] for m in maps}) == 1, "they stand level"
    page.locator("nav.sections:visible").get_by_text("Accuracy", exact=True).click()
    expect(page.locator("#accuracy")).to_be_in_viewport()
    page.get_by_role("button", name="Choose runs").click()
    expect(page.locator(".st-key-runs [data-tag]")).to_have_count(2)  # not empty, though the list was not there before
