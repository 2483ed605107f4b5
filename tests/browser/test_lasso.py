"""Selecting in a real browser: a lasso and its grid, two maps that light up together, and the map of all images."""

import csv
import io
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from safetensors.numpy import save_file

import data
from data import files, sheets
from models.analysis import full_dataset
from models.runs.run import Run
from models.runs.store import Folder

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.conftest import at_rest, ink, settled, until
from tests.serving import served
from tests.test_inside import weights

pytestmark = pytest.mark.browser
N, IN_SNAPSHOT = 1797, 1200
WORK = 2.0  # seconds the browser may compute for a page of 70,000 points: what it waits for depends on the machine


@pytest.fixture(scope="module")
def runs_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("selecting")


@pytest.fixture(scope="module")
def settings(runs_folder):
    """Runs and a cache of this file's own: the sheets of all images are drawn into it."""
    env = {"FEWLABELS_RUNS": str(runs_folder), "FEWLABELS_CACHE": str(runs_folder / "cache")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield env
        from models import jobs

        jobs.engine().shutdown()


@pytest.fixture(scope="module")
def server(settings, runs_folder):
    with served(runs_folder / ".server.log", **settings) as (address, _):
        yield address


def known(n: int = N) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ids of the digits, their principal components, their classes, and a q(y|x) that is wrong for every seventh."""
    images = data.load("digits")
    ids = sheets.every(images)
    x = data.pixels(images, ids).reshape(N, -1) / 255.0
    true = np.concatenate([images.y, images.y_test])
    z = (x - x.mean(0)) @ np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:16].T
    q = np.full((N, 10), 0.02)
    q[np.arange(N), np.where(ids % 7 == 0, (true + 1) % 10, true)] = 0.82
    some = np.linspace(0, N - 1, n).astype(int)
    return ids[some], z[some], true[some], q[some]


def finished(root: Path, seed: int = 0, n: int = IN_SNAPSHOT, shift: int = 0) -> Folder:
    """A finished run on the digits that kept the codes of `n` images."""
    folder = Folder.create(Run.make(dataset="digits", model="m2", labels=50, epochs=3, seed=seed), root)
    folder.set_status("done")  # first of all: what stands queued for ten seconds, a supervisor begins to train
    ids, z, _, q = known(n)
    (folder.path / "latents").mkdir()
    arrays = {"id": ids, "z": np.roll(z, shift, 1).astype(np.float16), "q_y": np.roll(q, shift, 1).astype(np.float16)}
    save_file(arrays, folder.path / "latents" / "0003.safetensors")
    return folder


@pytest.fixture(scope="module")
def run(runs_folder, settings):
    return finished(runs_folder)


@pytest.fixture(scope="module")
def twin(runs_folder, settings):
    """Another run: the same codes, but every q(y|x) is of the class after."""
    return finished(runs_folder, seed=1, shift=1)


def open_maps(page: Page, address: str, points: int = IN_SNAPSHOT, maps: int = 1):
    if "?" in address and "projection=" not in address:
        address += "&projection=pca"  # else a UMAP, as soon as an engine has laid one out: its middle may be empty
    page.goto(address)
    drawn = page.locator(f'[data-points="{points}"]')
    drawn.nth(maps - 1).wait_for(timeout=60_000)
    settled(page)
    page.wait_for_timeout(700)  # the sheets of images arrive after the points
    return drawn.first


def middle_of(drawn) -> tuple[float, float]:
    drawn.locator("canvas.front").scroll_into_view_if_needed()
    box = drawn.locator("canvas.front").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def lasso(page: Page, drawn, reach: float = 60) -> None:
    """Draw a square around the middle of a map, with Shift held down."""
    x, y = middle_of(drawn)
    page.keyboard.down("Shift")
    page.mouse.move(x - reach, y - reach)
    page.mouse.down()
    for dx, dy in ((reach, -reach), (reach, reach), (-reach, reach)):
        page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")


def coloured(drawn) -> int:
    return drawn.locator("canvas.points").evaluate(
        """(c) => { const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
            for (let i = 0; i < p.length; i += 4) {
              n += Math.max(p[i], p[i+1], p[i+2]) - Math.min(p[i], p[i+1], p[i+2]) > 60 } return n }"""
    )


def ids_of(grid) -> list[int]:
    return [int(i) for i in grid.locator(".tile").evaluate_all("(all) => all.map((t) => t.dataset.id)")]


def table_of(page: Page, grid) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        grid.get_by_role("button", name="CSV").click()
    text = Path(waiting.value.path()).read_text()
    assert waiting.value.suggested_filename.endswith("-selection.csv")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_lasso_shows_its_images_as_a_grid_and_the_server_hears_nothing(page: Page, server, run, sent):
    drawn = open_maps(page, f"{server}/latent?run={run.id}")
    grid = page.locator(".grid")
    expect(grid).to_contain_text("with the lasso button of the map, or with Shift held down; on a touch screen")
    before = at_rest(page, lambda: len(sent))
    lasso(page, drawn)
    expect(grid.locator(".tile").first).to_be_visible()
    n = int(grid.get_attribute("data-images"))
    assert 20 < n < IN_SNAPSHOT
    expect(drawn.locator(".status")).to_contain_text(f"{n} of 1,200 images in colour")

    # Every image of the lasso, the right one, framed in its class, and a cross where q(y|x) is wrong.
    ids, _, true, _ = known(IN_SNAPSHOT)
    class_of = dict(zip(ids.tolist(), true.tolist(), strict=True))
    shown = ids_of(grid)
    assert shown == sorted(shown, key=lambda i: i if i >= 0 else 10**6 - i)
    assert len(shown) == min(n, 240)
    for id in (shown[0], shown[len(shown) // 2], shown[-1]):
        found = grid.locator(f'.tile[data-id="{id}"]')
        until(page, lambda found=found: ink(found.locator("canvas")).any())
        pixels = ink(found.locator("canvas"))
        image = data.pixels(data.load("digits"), np.array([id]))[0, 0].astype(int)
        assert np.abs(pixels - image).mean() < 12
        expect(found).to_have_class(re.compile(r"\bwrong\b") if id % 7 == 0 else re.compile(r"^tile$"))
    table = table_of(page, grid)
    assert [int(r["id"]) for r in table][: len(shown)] == shown
    assert len(table) == n
    right = [r for r in table if r["kind"] == "test" and int(r["id"]) % 7]
    tested = [r for r in table if r["kind"] == "test"]
    expect(grid.locator(".facts")).to_contain_text(
        f"{len(right)} of the {len(tested)} test images selected correct (50 labels, seed 0)"
    )
    expect(grid.locator(".facts")).to_contain_text("mean entropy 0.87 nats")
    truth = "true class (of unlabelled images for looking only)"
    of = "(q(y|x), 50 labels, seed 0)"
    for row in table:
        id, k = int(row["id"]), class_of[int(row["id"])]
        assert row[truth] == str(k)
        assert row[f"predicted {of}"] == str((k + 1) % 10 if id % 7 == 0 else k)
        assert float(row[f"probability {of}"]) == pytest.approx(0.82, abs=2e-3)
        assert float(row[f"entropy in nats {of}"]) == pytest.approx(0.867, abs=5e-3)
    expect(grid.locator(".foot")).to_contain_text("for looking only")

    # In the other orders.
    grid.get_by_label("Order").select_option("wrong")
    wrong = [i % 7 == 0 for i in ids_of(grid)]
    assert wrong == sorted(wrong, reverse=True)
    assert any(wrong)
    grid.get_by_label("Order").select_option("class")
    classes = [class_of[i] for i in ids_of(grid)]
    assert classes == sorted(classes)

    # A contact sheet of all of them.
    with page.expect_download() as waiting:
        grid.get_by_role("button", name="PNG").click()
    picture = np.asarray(Image.open(waiting.value.path()).convert("RGB"))
    assert waiting.value.suggested_filename == f"{run.id}-selection.png"
    assert picture.size > n * 64 * 64
    assert picture.std() > 30

    # Clear, and once more by the keyboard.
    grid.get_by_role("button", name="Clear").click()
    expect(grid).to_contain_text("Draw around points")
    expect(drawn.locator(".chip")).to_have_count(0)
    grid.get_by_role("button", name="Select the 1,200 images in colour").click()
    expect(grid.locator(".tile")).to_have_count(240)
    grid.get_by_role("button", name="Show 240 more of 1,200").click()
    expect(grid.locator(".tile")).to_have_count(480)
    drawn.locator(".legend button").nth(3).click()  # the map's filters count here, too
    expect(grid.locator(".facts")).to_contain_text(f"{int((true == 3).sum())} images")
    drawn.locator(".legend button").nth(3).click()
    assert len(sent) == before


def test_grid_and_map_light_each_other_and_the_server_hears_nothing(page: Page, server, run, sent):
    drawn = open_maps(page, f"{server}/latent?run={run.id}")
    grid = page.locator(".grid")
    before = at_rest(page, lambda: len(sent))
    lasso(page, drawn, 90)
    third = grid.locator(".tile").nth(2)
    third.hover()
    id = third.get_attribute("data-id")
    expect(drawn.locator(".tip")).to_have_attribute("data-id", id)
    expect(grid.locator(".line")).to_contain_text("class")
    expect(grid.locator(".line")).to_contain_text(re.compile(r"q\(y\|x\): \d, 82.0 %.* · entropy 0.87 nats"))

    # And the other way: a point looked at lights its tile.
    x, y = middle_of(drawn)
    lit = None
    for dx, dy in ((dx, dy) for dx in range(-60, 61, 12) for dy in range(-60, 61, 12)):
        page.mouse.move(x + dx, y + dy)
        looked = drawn.locator(".tip").get_attribute("data-id")
        if drawn.locator(".tip").is_visible() and int(looked) in ids_of(grid):
            lit = looked
            break
    assert lit, "no point of the lasso was found"
    expect(grid.locator(".tile.lit")).to_have_attribute("data-id", lit)
    assert len(sent) == before

    # The keyboard walks and lights, Enter pins: one message, and the card shows the image.
    page.mouse.move(2, 2)  # else, as the page scrolls, the pointer would come to lie on another image
    first = grid.locator(".tile").first
    first.focus()
    seen = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "End", "Home", "ArrowRight"):
        page.keyboard.press(key)
        seen.append(grid.locator(".tile.lit").get_attribute("data-id"))
        expect(drawn.locator(".tip")).to_have_attribute("data-id", seen[-1])
    assert len(set(seen)) >= 4
    assert len(sent) == before
    page.keyboard.press("Enter")
    expect(page.locator(".card .bars")).to_be_visible()
    page.wait_for_url(re.compile(rf"image={seen[-1]}(&|$)"))
    expect(grid.locator(".tile.pinned")).to_have_attribute("data-id", seen[-1])
    assert len(sent) == before + 1
    grid.locator(".tile").nth(4).click()
    page.wait_for_url(re.compile(rf"image={grid.locator('.tile').nth(4).get_attribute('data-id')}(&|$)"))
    grid.locator(".tile").nth(4).focus()
    page.keyboard.press("Escape")
    expect(grid).to_contain_text("Draw around points")


def test_a_lasso_in_one_map_lights_the_same_images_in_the_others(page: Page, server, run, twin, sent):
    first = open_maps(page, f"{server}/compare?runs={run.id},{twin.id}", maps=2)
    second = page.locator("[data-points]").nth(1)
    full = coloured(second)
    before = at_rest(page, lambda: len(sent))
    lasso(page, first, 40)
    for drawn in (first, second):
        expect(drawn.locator(".chip")).to_contain_text("lasso")
    held = [re.search(r"([\d,]+) of 1,200 images", d.locator(".status").inner_text())[1] for d in (first, second)]
    assert held[0] == held[1]
    until(page, lambda: 0 < coloured(second) < 0.6 * full)
    second.locator(".chip").click()
    expect(first.locator(".chip")).to_have_count(0)
    until(page, lambda: coloured(second) == full)
    assert len(sent) == before


TWO = """
from models.runs.store import Folder
import streamlit as st
from pages.parts.components import latent_map as map_component
from pages.parts.shared import latent_map

st.set_page_config(layout="wide")
names = {{}}
for column, (name, path) in zip(st.columns(2), (("One", {one!r}), ("Two", {two!r})), strict=True):
    folder = Folder(path)
    snapshot = latent_map.look(folder)
    names[f"map-{{name}}"] = name
    with column:
        positions = latent_map.lay(folder, snapshot, "z", "pca")
        note = f"{{folder.run.labels}} labels, seed {{folder.run.seed}}"
        map_component.show(snapshot, positions, key=f"map-{{name}}", group="two", label=name, note=note, height=310)
map_component.grid(snapshot, key="grid", group="two", file="two", maps=names)
"""


def test_a_grid_of_two_maps_says_what_each_run_says(browser, runs_folder, settings, run, twin):
    script = runs_folder / "two.py"
    script.write_text(TWO.format(one=str(run.path), two=str(twin.path)))
    with served(runs_folder / ".two.log", str(script), **settings) as (address, _):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        page = context.new_page()
        try:
            first = open_maps(page, address, maps=2)
            grid = page.locator(".grid")
            lasso(page, first, 40)
            expect(grid.locator(".tile").first).to_be_visible()
            facts = grid.locator(".facts")
            expect(facts).to_contain_text(
                re.compile(r"One: \d+ of the \d+ test images selected correct \(50 labels, seed 0\)")
            )
            expect(facts).to_contain_text(
                re.compile(r"Two: 0 of the \d+ test images selected correct \(50 labels, seed 1\)")
            )
            ids, _, true, _ = known(IN_SNAPSHOT)
            class_of = dict(zip(ids.tolist(), true.tolist(), strict=True))
            for row in table_of(page, grid):
                id, k = int(row["id"]), class_of[int(row["id"])]
                said = (k + 1) % 10 if id % 7 == 0 else k
                assert row["predicted (One, q(y|x), 50 labels, seed 0)"] == str(said)
                assert row["predicted (Two, q(y|x), 50 labels, seed 1)"] == str((said + 1) % 10)
            right_by_one = next(i for i in ids_of(grid) if i % 7)
            shown = grid.locator(f'.tile[data-id="{right_by_one}"]')
            expect(shown.locator(".strip i")).to_have_count(2)
            shown.hover()
            expect(grid.locator(".line")).to_contain_text(
                re.compile(r"One: \d, 82.0 %, 0.87 nats · Two: \d, 82.0 %, wrong")
            )
            expect(page.locator(".tip:visible")).to_have_count(2)
        finally:
            context.close()


def test_a_phone_can_lasso(browser, server, run):
    context = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, device_scale_factor=2)
    page = context.new_page()
    page.set_default_timeout(60_000)
    try:
        drawn = open_maps(page, f"{server}/latent?run={run.id}")
        drawn.get_by_role("button", name="Select with a lasso").tap()
        x, y = middle_of(drawn)
        client = context.new_cdp_session(page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            given = [{"x": px, "y": py, "id": 1} for px, py in points]
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

        # Not a gesture to the browser: after what it takes for a fling, it may drop the tap that follows.
        page.evaluate("addEventListener('touchmove', (e) => { window.held = e.defaultPrevented })")
        touch("touchStart", (x - 50, y - 50))
        for dx, dy in ((0, -50), (50, -50), (50, 0), (50, 50), (0, 50), (-50, 50), (-50, 0)):
            touch("touchMove", (x + dx, y + dy))
        touch("touchEnd")
        assert page.evaluate("window.held")
        grid = page.locator(".grid")
        expect(grid.locator(".tile").first).to_be_visible()
        grid.locator(".tile").nth(1).tap()
        expect(page.locator(".card .bars")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        context.close()


def test_all_images_are_encoded_on_asking_and_the_points_follow(page: Page, server, run):
    """By the real job, with real weights: from 1,200 snapshot images to 1,797 images, in the same canvas."""
    weights(run, seed=0)
    try:
        drawn = open_maps(page, f"{server}/latent?run={run.id}")
        canvas = drawn.locator("canvas.front")
        canvas.evaluate("(c) => (c.dataset.mine = 'yes')")
        page.get_by_role("button", name="Unpin").click()
        expect(page.locator(".card").first).to_contain_text("Pin an image")  # whose card would ask for pictures
        page.get_by_test_id("stButtonGroup").get_by_text("All images", exact=True).click()
        page.wait_for_url(re.compile(r"images=all(&|$)"))
        every = page.locator(f'[data-points="{N}"]')
        every.wait_for(timeout=120_000)
        expect(page.get_by_text("All 1,797 images: 1,297 training and 500 test images")).to_be_visible()
        expect(every.locator("canvas.front")).to_have_attribute("data-mine", "yes")
        assert run.full_dataset(3)

        # Pictures come when one looks, each sheet once.
        fetched = []
        page.on("request", lambda r: fetched.append(r.url) if "/component/" in r.url else None)
        page.wait_for_timeout(800)
        assert fetched == []
        lasso(page, every, 120)
        page.locator(".grid .tile").first.hover()
        until(page, lambda: fetched)
        page.wait_for_timeout(500)
        assert len(fetched) <= 2
        assert len(set(fetched)) == len(fetched)
        id = int(page.locator(".grid .tile").first.get_attribute("data-id"))
        shown = ink(page.locator(".grid .tile canvas").first)
        image = data.pixels(data.load("digits"), np.array([id]))[0, 0].astype(int)
        assert np.abs(shown - image).mean() < 12
    finally:
        shutil.rmtree(run.path / "whole", ignore_errors=True)
        (run.path / "model.safetensors").unlink()


@pytest.fixture(scope="module")
def large(runs_folder, settings):
    """A run on a stand-in for MNIST, of its size, with 10,000 snapshot images and all 70,000 images encoded."""
    rng = np.random.default_rng(0)
    spec = data.DATASETS["mnist"]
    y = rng.integers(0, 10, spec.n_train + spec.n_test)
    x = np.zeros((len(y), 1, 28, 28), np.uint8)
    for k in range(10):  # a bar whose place tells the class, of a height of its own: little to pack
        x[y == k, 0, 4:24, 2 * k + 3 : 2 * k + 6] = 200
    n = spec.n_train
    images = data.Images("mnist", x[:n], y[:n], x[n:], y[n:], tuple("0123456789"))
    files.save_arrays(images)
    folder = Folder.create(Run.make(dataset="mnist", model="m2", labels=100, epochs=2), runs_folder)
    folder.set_status("done")  # first of all: a supervisor begins what stands queued for ten seconds
    z = (3 * rng.normal(size=(10, 50))[y] + rng.normal(size=(len(y), 50))).astype(np.float16)
    q = np.full((len(y), 10), 0.01, np.float16)
    q[np.arange(len(y)), np.where(rng.random(len(y)) < 0.05, (y + 1) % 10, y)] = 0.91
    arrays = {"id": sheets.every(images), "z": z, "q_y": q}
    (folder.path / "latents").mkdir()
    some = np.r_[0:5000, n : n + 5000]
    save_file({k: v[some] for k, v in arrays.items()}, folder.path / "latents" / "0002.safetensors")
    full_dataset.keep(folder, 2, arrays, images)
    sheets.make(images)
    return folder


@pytest.mark.parametrize(("points", "address"), [(10_000, ""), (70_000, "&images=all")])
def test_thousands_of_points_are_visible_soon(page: Page, server, large, points, address, capsys):
    received = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(len(data))))
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        return {m["name"]: m["value"] for m in client.send("Performance.getMetrics")["metrics"]}["TaskDuration"]

    for visit in ("first", "second"):  # the first one of a server also reads what is then kept for all
        received.clear()
        page.goto(f"{server}/latent?run={large.id}{address}")
        drawn = page.locator(f'[data-points="{points}"]')
        drawn.wait_for()
        seconds = int(drawn.get_attribute("data-drawn")) / 1000
        settled(page)
        computed = worked()
        with capsys.disabled():
            print(f"\n{points:,} points, {visit} visit: visible after {seconds:.2f} s ({computed:.2f} s computing), "
                  f"{sum(received) / 2**20:.2f} MiB received, {max(received) / 2**20:.2f} MiB the largest")  # fmt: skip
        assert computed < WORK
        assert max(received) < 34 * points + 2**17
    if points == 70_000:  # and they can be walked: the picture of a point comes when one looks at it
        fetched = []
        page.on("request", lambda r: fetched.append(r.url) if "/component/" in r.url else None)
        drawn.locator("canvas.front").focus()
        page.keyboard.press("ArrowRight")
        expect(drawn.locator(".tip")).to_be_visible()
        until(page, lambda: fetched)
        page.wait_for_timeout(500)
        assert len(fetched) == 1
