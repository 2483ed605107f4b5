"""The film in a real browser: it plays there, the server hears of it at the end, and a link opens where it stood."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from safetensors.numpy import save_file

import data
from models.runs.run import Run
from models.runs.store import Folder
from tests.browser.conftest import at_rest, remove, settled

pytestmark = pytest.mark.browser
EPOCHS = (0, 1, 2, 3, 4)


def made(runs_folder, seed: int) -> Folder:
    """A finished run on the digits whose codes grow epoch by epoch; two fours become nines in the third."""
    images = data.load("digits")
    folder = Folder.create(Run.make(dataset="digits", model="m2", labels=50, epochs=4, seed=seed), runs_folder)
    folder.set_status("done")  # first of all: a supervisor begins what stands queued for ten seconds
    ids = np.arange(600, dtype=np.int32)
    x = images.x[:600].reshape(600, -1) / 255.0
    z = (x - x.mean(0)) @ np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:8].T
    fours = np.flatnonzero(images.y[:600] == 4)[:2]
    (folder.path / "latents").mkdir()
    for epoch in EPOCHS:
        said = images.y[:600].copy()
        said[fours] = 4 if epoch < 3 else 9
        q = np.full((600, 10), 0.02)
        q[np.arange(600), said] = 0.2 + 0.15 * epoch
        q /= q.sum(1, keepdims=True)
        arrays = {"id": ids, "z": (z * (1 + epoch)).astype(np.float16), "q_y": q.astype(np.float16)}
        save_file(arrays, folder.path / "latents" / f"{epoch:04d}.safetensors")
    folder.append({"kind": "epoch", "step": 1, "epoch": 4, "J": 1.0, "terms": {}, "test_accuracy": 0.86,
                   "labelled_accuracy": 1.0, "seconds": 1.0})  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def runs(runs_folder):
    folders = [made(runs_folder, seed) for seed in (0, 1)]
    yield folders
    for folder in folders:
        remove(folder.path)


def ready(page: Page) -> None:
    page.locator("[data-points]").first.wait_for()
    page.locator(".film input").wait_for()
    settled(page)
    page.wait_for_timeout(800)


def pixels(page: Page, nth: int = 0) -> str:
    return page.locator("canvas.points").nth(nth).evaluate("(c) => c.toDataURL()")


def scrub(page: Page, epoch: float, let_go: bool = False) -> None:
    script = "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }"
    page.locator(".film input").evaluate(script, epoch)
    if let_go:
        page.locator(".film input").evaluate("(e) => e.dispatchEvent(new Event('change', { bubbles: true }))")
    page.wait_for_timeout(300)


def test_scrubbing_moves_the_points_and_tells_the_server_only_at_the_end(
    page: Page, server, runs, browser, sent
) -> None:
    page.goto(f"{server}/latent?run={runs[0].id}")
    ready(page)
    heard = at_rest(page, lambda: len(sent))
    before = pixels(page)
    seen = {before}
    for epoch in (3.5, 3, 2.5, 2, 1, 0.5, 0):
        scrub(page, epoch)
        seen.add(pixels(page))
    assert len(seen) == 8, "some positions of the slider show the same picture"
    expect(page.locator(".film")).to_have_attribute("data-epoch", "0")
    expect(page.get_by_text("After epoch 0")).to_be_visible()
    assert len(sent) == heard, "scrubbing sent a message to the server"

    scrub(page, 2.2, let_go=True)
    page.wait_for_url("**epoch=2*")
    assert len(sent) == heard + 1
    settled(page)
    expect(page.locator(".film")).to_have_attribute("data-epoch", "2")
    at_two = pixels(page)

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    fresh = context.new_page()
    fresh.goto(page.url)
    ready(fresh)
    expect(fresh.locator(".film")).to_have_attribute("data-epoch", "2")
    expect(fresh.get_by_text("after epoch 2 of 4")).to_be_visible()  # the figures, too, are of that epoch
    assert pixels(fresh) == at_two
    context.close()

    scrub(page, 4, let_go=True)
    page.wait_for_function("!location.search.includes('epoch')")
    settled(page)
    assert pixels(page) == before, "back at the end the picture is the one it began with"


def test_a_point_looked_at_while_the_film_goes_on_says_what_was_known_then(page: Page, server, runs) -> None:
    page.goto(f"{server}/latent?run={runs[0].id}")
    ready(page)
    box, tip = page.locator("canvas.front").bounding_box(), page.locator(".tip")
    spots = ((0.2 + 0.04 * i, 0.2 + 0.06 * j) for i in range(14) for j in range(10))
    for across, down in spots:
        page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        page.wait_for_timeout(20)
        if tip.is_visible():
            break
    id, latest = tip.get_attribute("data-id"), tip.inner_text()
    scrub(page, 0)
    assert tip.get_attribute("data-id") == id
    assert tip.inner_text() != latest, "the tip says what was known at the end"
    assert "52.5 %" in tip.inner_text()
    scrub(page, 4)
    assert tip.inner_text() == latest


def test_it_plays_by_itself_and_leaves_the_colours_as_they_are(page: Page, server, runs) -> None:
    page.goto(f"{server}/latent?run={runs[0].id}")
    ready(page)
    page.get_by_role("button", name="Play the epochs").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".film")).to_have_attribute("data-epoch", "4")
    expect(page.get_by_role("button", name="Play the epochs")).to_be_visible()
    expect(page.locator("[data-mode=class]")).to_have_attribute("aria-checked", "true")


def test_who_changed_class_can_be_selected(page: Page, server, runs, sent) -> None:
    page.goto(f"{server}/latent?run={runs[0].id}&epoch=3")
    ready(page)
    heard = at_rest(page, lambda: len(sent))
    expect(page.get_by_text("2 of 600 changed class since epoch 2")).to_be_visible()
    page.locator("[data-flow='4 9']").click()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="lasso", exact=False).last).to_be_visible()
    expect(page.locator("[data-images]")).to_have_attribute("data-images", "2")
    assert len(sent) == heard


def test_the_arrows_step_from_epoch_to_epoch(page: Page, server, runs) -> None:
    page.goto(f"{server}/latent?run={runs[0].id}")
    ready(page)
    page.locator(".film input").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".film")).to_have_attribute("data-epoch", "3")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".film")).to_have_attribute("data-epoch", "2")
    page.wait_for_url("**epoch=2*")


def test_one_slider_moves_all_maps_of_a_comparison(page: Page, server, runs, sent) -> None:
    page.goto(f"{server}/compare?runs={runs[0].id},{runs[1].id}")
    ready(page)
    heard = at_rest(page, lambda: len(sent))
    before = [pixels(page, i) for i in (0, 1)]
    scrub(page, 1)
    after = [pixels(page, i) for i in (0, 1)]
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert len(sent) == heard


def test_the_film_as_gif_shows_what_the_map_shows(page: Page, server, runs, tmp_path) -> None:
    page.goto(f"{server}/latent?run={runs[0].id}&projection=axes")
    ready(page)
    shown = {}
    for epoch in (0, 2, 3):  # the last one is drawn larger on the map: there is room when no other follows
        scrub(page, epoch)
        url = pixels(page)
        shown[epoch] = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"))
    page.get_by_role("button", name="Save the map as a picture").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="GIF", exact=True).click()
    assert saved.value.suggested_filename.startswith("z1-against-z2-of-m2")
    saved.value.save_as(tmp_path / "film.gif")
    assert (tmp_path / "film.gif").stat().st_size <= 3_000_000
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 61
        heads = set()
        for epoch, canvas in shown.items():
            film.seek(15 * epoch)
            frame = np.asarray(film.convert("RGB")).astype(int)
            height, width = canvas.shape[:2]
            assert frame.shape[1] == max(width, 480) + 24, "as large as on the page"
            apart = {top: np.abs(frame[top : top + height, 12 : 12 + width] - canvas).mean() for top in range(50, 150)}
            top = min(apart, key=apart.__getitem__)
            assert apart[top] < 0.5, "but for the palette the same pixels"
            assert sorted(apart.values())[1] > 4 * apart[top]
            heads.add(frame[:top].tobytes())
        assert len(heads) == 3, "each says its epoch"
    expect(page.locator(".busy")).to_be_hidden()
