"""The exhibit as one HTML file, opened from the disk in a real browser that has no network."""

import base64
import gzip
import io
import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from models.results import plane_recordings, recorded_images, recordings
from pages.parts.start import exhibit, standalone
from tests.browser.conftest import NOTES, PLAYED, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("exhibit") / "few labels.html"
    assert standalone.main([str(path)]) == 0
    return path


@pytest.fixture
def tab(browser):
    """A tab without a network, which fails its test at any request or error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    context.set_default_timeout(60_000)
    made, trouble = context.new_page(), []
    made.on("console", lambda m: trouble.append(m.text) if m.type in ("error", "warning") else None)
    made.on("pageerror", lambda e: trouble.append(str(e)))
    made.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else trouble.append(r.url))
    yield made
    context.close()
    assert not trouble


def ends(labels: int, model: str, dataset: str = "digits") -> list[str]:
    return [exhibit.accuracy(r) for r in exhibit.pair(dataset, labels, model).both]


def points(tab) -> list[int]:
    return [int(n) for n in tab.locator("[data-points]").evaluate_all("all => all.map(e => e.dataset.points)")]


def points_at_one(tab) -> None:
    """Point at an image on the right until it is shown."""
    front = tab.locator("[data-points] canvas").last
    box, tip = front.bounding_box(), tab.locator(".tip[data-id]").last
    for k in range(400):
        tab.mouse.move(box["x"] + box["width"] * (0.2 + 0.03 * (k % 20)), box["y"] + box["height"] * 0.05 * (k // 20))
        if tip.count() and tip.is_visible():
            break
    assert tip.get_attribute("data-id"), "no point showed its image"


def test_it_plays_by_itself_and_every_choice_is_its_own(tab, file):
    tab.add_init_script(NOTES)
    tab.goto(file.as_uri())
    film = tab.locator(".film")
    tab.wait_for_function(PLAYED)
    assert tab.locator(".score b").all_inner_texts() == ends(20, "m2")
    expect(tab.get_by_role("heading", name=exhibit.headline(exhibit.pair("digits", 20, "m2")))).to_be_visible()

    choices = tab.locator("#choices")
    choices.get_by_text("M1", exact=True).click()
    choices.get_by_text("500", exact=True).click()
    expect(tab.get_by_role("heading", name=exhibit.headline(exhibit.pair("digits", 500, "m1")))).to_be_visible()
    expect(film).to_have_attribute("data-epoch", "50")
    assert tab.locator(".score b").all_inner_texts() == ends(500, "m1")
    assert points(tab) == [len(recordings.read("digits", 500, m).ids) for m in ("supervised", "m1")]
    bar = tab.locator(".film .line").bounding_box()
    assert bar["y"] + bar["height"] <= 900  # the first screen

    points_at_one(tab)
    choices.get_by_text("M2", exact=True).click()
    choices.get_by_text("MNIST", exact=True).click()
    expect(tab.get_by_role("heading", name=exhibit.headline(exhibit.pair("mnist", 100, "m2")))).to_be_visible()
    expect(film).to_have_attribute("data-epoch", str(exhibit.epochs_of(exhibit.pair("mnist", 100, "m2").both)[-1]))
    assert tab.locator(".score b").all_inner_texts() == ends(100, "m2", "mnist")
    assert points(tab) == [1000, 1000]
    assert tab.locator("#choices input:checked").evaluate_all("all => all.map(e => e.value)") == ["mnist", "100", "m2"]
    points_at_one(tab)


def test_it_fits_a_phone_in_both_looks(tab, file):
    tab.set_viewport_size({"width": 375, "height": 800})
    for look in ("light", "dark"):
        tab.emulate_media(color_scheme=look, reduced_motion="reduce")
        tab.goto(file.as_uri())
        expect(tab.locator(".film")).to_have_attribute("data-epoch", "50")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
        ground = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (sum(map(int, ground.strip("rgb()").split(","))) > 384) == (look == "light")


def percents(name: str, frame: int) -> list[str]:
    """What stands above the panels of a recorded session."""
    return [f"{100 * seen.accuracy:.1f} %" for seen in plane_recordings.read(name).frames[frame].values()]


def test_the_plane_plays_its_recorded_sessions(tab, file):
    tab.goto(file.as_uri())
    player, view = tab.locator(".plane-player"), tab.locator(".plane-view")
    player.scroll_into_view_if_needed()
    expect(player).to_have_attribute("data-frame", str(plane_recordings.FRAMES - 1))  # by itself, to its end
    expect(view.locator(".play")).to_have_text("Again")
    expect(view.locator(".percent")).to_have_text(percents("moons", -1))
    picture = view.locator("canvas.plane").nth(1).evaluate("(c) => c.toDataURL()")

    view.get_by_role("button", name="Reset").press("Enter")
    expect(player).to_have_attribute("data-frame", "0")
    expect(view.locator(".percent")).to_have_text(percents("moons", 0))
    view.get_by_role("button", name="One step").press("Enter")
    expect(view.locator(".percent")).to_have_text(percents("moons", 1))
    until(tab, lambda: view.locator("canvas.plane").nth(1).evaluate("(c) => c.toDataURL()") != picture)
    view.locator(".play").press("Enter")
    expect(view.locator(".play")).to_have_text("Pause")
    view.locator(".play").press("Enter")
    expect(view.locator(".play")).to_have_text("Play")

    tab.get_by_label("Moons").press("ArrowRight")
    expect(player).to_contain_text("Recorded with 6 labels, seed 0")
    bar = tab.get_by_role("slider", name="Where in the session")
    bar.press("End")
    expect(view.locator(".percent")).to_have_text(percents("circles", -1))
    expect(view.locator(".brushes")).to_be_hidden()
    plane = view.locator("canvas.plane").nth(1)
    for layer in ("log p(x)", "p(y|x)"):
        before = plane.evaluate("(c) => c.toDataURL()")
        view.get_by_label(layer).press("Space")
        tab.wait_for_function("([c, before]) => c.toDataURL() !== before", arg=[plane.element_handle(), before])


def test_its_numbers_are_those_of_the_recordings(file):
    text = file.read_text(encoding="utf-8")
    assert len(text) < 7.5 * (1 << 20)  # small enough to mail: a fifth of it are the sessions in the plane
    start = text.index('id="given">') + len('id="given">')
    whole = gzip.decompress(base64.b64decode(text[start : text.index("</script>", start)]))
    length = int.from_bytes(whole[:4], "little")
    given, numbers = json.loads(whole[4 : 4 + length]), whole[4 + length :]
    seen = 0
    for dataset, labels, model in ((d, *of) for d in exhibit.every() for of in recordings.there(d)):
        kept = recordings.read(dataset, labels, model)
        run = given["runs"][f"{dataset} {model} {labels}"]

        def column(table: str, name: str, run: dict = run) -> np.ndarray:
            kind, begin, n = run["map"][table]["columns"][name]
            return np.frombuffer(numbers, kind, n, begin)

        assert np.array_equal(column("points", "id"), kept.ids)
        assert np.array_equal(column("film_ids", "id"), kept.ids)
        assert np.array_equal(column("film_frames", "predicted"), kept.predicted.ravel())
        last = np.stack([column("points", "x"), column("points", "y")], 1)
        np.testing.assert_allclose(last, exhibit.lying(kept)[-1], atol=1e-6, err_msg="as on Start")
        np.testing.assert_allclose(
            np.hypot(*last.T), np.hypot(*kept.xy[-1].T.astype(float)), atol=1e-4
        )  # turned, no more
        assert run["score"]["accuracy"] == list(kept.accuracy)
        assert np.array_equal(np.sort(kept.ids)[column("points", "tile")], kept.ids)  # its picture on the sheet
        seen += 1
    assert seen == len(given["runs"]) >= 8
    assert [tuple(sheets["tile"]) for sheets in given["sheets"].values()] == [(16, 16), (28, 28)]
    _, mnist = given["sheets"].values()
    images = recorded_images.read("mnist", recordings.RECORDINGS)
    whole = np.asarray(Image.open(io.BytesIO(base64.b64decode(mnist["urls"][0].partition(",")[2]))))
    for id, pixels in list(zip(images.ids, images.pixels[:, 0], strict=True))[::333]:
        tile = np.searchsorted(np.sort(images.ids), id)
        y, x = 28 * (tile // mnist["columns"]), 28 * (tile % mnist["columns"])
        assert (whole[y : y + 28, x : x + 28] == pixels).all()


def test_where_it_cannot_be_written_a_sentence_says_so(tmp_path, capsys):
    assert standalone.main([str(tmp_path / "nowhere" / "x.html")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert standalone.main([]) == 2
    assert "standalone FILE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
