"""The plane in a real browser: Play, a hand on the points, layers, and what hovering links."""

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import data
from models.jobs.processes import cores
from tests.browser.conftest import at_rest, no_trouble, settled, until

pytestmark = pytest.mark.browser
REACH = 3.0
SVG = "{http://www.w3.org/2000/svg}"
LONG = 240_000  # milliseconds until all have settled on a machine that is busy with other tests


@pytest.fixture
def view(page: Page, server: str):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/plane")
    settled(page)
    view = page.locator(".plane-view")
    expect(view).to_have_attribute("data-steps", "0 0 0 0")
    return view


def place(view, x: float, y: float, panel: int = 0) -> tuple[float, float]:
    """Where a point of the plane is on the screen."""
    box = view.locator("canvas.plane").nth(panel).bounding_box()
    return box["x"] + (x / REACH + 1) / 2 * box["width"], box["y"] + (1 - y / REACH) / 2 * box["height"]


def steps(view) -> list[int]:
    return [int(n) for n in view.get_attribute("data-steps").split()]


def test_play_moves_all_panels_and_reset_begins_anew(page: Page, view) -> None:
    before = view.locator("canvas.plane").nth(1).evaluate("(c) => c.toDataURL()")
    pen = view.get_by_role("radio", name="No label").element_handle()
    view.locator(".play").click()
    expect(view.locator(".play")).to_have_text("Pause")
    expect(view).to_have_attribute("data-steps", re.compile(r"^[1-9]\d* [1-9]\d* [1-9]\d* [1-9]\d*$"))
    until(page, lambda: view.locator("canvas.plane").nth(1).evaluate("(c) => c.toDataURL()") != before)
    assert pen.evaluate("(e) => e.isConnected"), "a frame leaves alone what one can press"
    view.get_by_role("button", name="Reset").click()
    expect(view).to_have_attribute("data-steps", "0 0 0 0")
    expect(view.locator(".play")).to_have_text("Play")
    view.get_by_role("button", name="One step").click()
    expect(view).to_have_attribute("data-steps", "1 1 1 1")
    no_trouble(page)


def test_it_plays_until_all_have_settled_and_says_what_came_out(page: Page, server: str) -> None:
    page.goto(f"{server}/plane?methods=supervised,label-spreading")  # the two that cost least
    view = page.locator(".plane-view")
    expect(view).to_have_attribute("data-steps", "0 0")
    view.locator(".play").click()
    expect(view.locator(".play")).to_have_text("Again", timeout=LONG)
    assert steps(view) == [1000, 1]
    shown = view.locator(".percent").all_inner_texts()
    assert all(re.fullmatch(r"\d+\.\d %", text) for text in shown)
    said = view.locator(".claim").inner_text()
    assert all(text in said for text in shown), "the sentence has the numbers shown"
    no_trouble(page)


def test_a_change_on_the_way_goes_on_and_pause_holds(page: Page, view) -> None:
    view.locator(".play").click()
    expect(view).to_have_attribute("data-steps", re.compile(r"^[1-9]\d"))
    page.locator(".st-key-each").get_by_role("radio", name="5", exact=True).click()
    expect(page).to_have_url(re.compile("each=5"))
    expect(view.locator(".play")).to_have_text("Pause")
    expect(view).to_have_attribute("data-steps", re.compile(r"^[1-9]"))
    view.locator(".play").click()
    expect(view.locator(".play")).to_have_text("Play")
    held = at_rest(page, lambda: steps(view))  # a busy machine takes a while to hear of it
    page.wait_for_timeout(2500)
    assert steps(view) == held
    no_trouble(page)


def test_a_hand_labels_a_point_and_drags_a_label(page: Page, view) -> None:
    images = data.load("moons")
    labelled = data.draw(images, 6, 0)[0].tolist()
    at = images.x.reshape(-1, 2)
    far = max(
        (i for i in range(len(at)) if i not in labelled), key=lambda i: ((at[labelled] - at[i]) ** 2).sum(1).min()
    )
    page.mouse.click(*place(view, *map(float, at[far])))
    expect(page).to_have_url(re.compile("own=moons~.*_A"))
    expect(page.get_by_text("Points changed by hand.")).to_be_visible()
    page.mouse.move(*place(view, *map(float, at[labelled[0]])))
    page.mouse.down()
    page.mouse.move(*place(view, 1.9, 1.9), steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"own=.*{labelled[0]}_1\.\d+_1\.\d+_"))
    url = page.url
    settled(page)
    page.goto(url)
    settled(page)
    expect(page.get_by_text("Points changed by hand.")).to_be_visible()
    page.get_by_role("button", name="Back to the figure").click()
    expect(page).not_to_have_url(re.compile("own="))
    no_trouble(page)


def test_layers_are_switched_and_the_truth_is_had_when_it_is_asked_for(page: Page, view) -> None:
    canvas = view.locator("canvas.plane").nth(1)
    picture = canvas.evaluate("(c) => c.toDataURL()")
    for name in ("Unlabelled points", "Samples of p(x|y,z)", "log p(x)"):
        view.get_by_label(name).click()
        page.wait_for_function("([c, before]) => c.toDataURL() !== before", arg=[canvas.element_handle(), picture])
        picture = canvas.evaluate("(c) => c.toDataURL()")
    for name in ("Unlabelled points", "Samples of p(x|y,z)", "log p(x)"):
        view.get_by_label(name).click()  # kept from page to page: as they were
    no_trouble(page)


def test_the_truth_stands_beside_the_approximation_and_j_in_its_terms(page: Page, server: str) -> None:
    page.goto(f"{server}/plane?methods=m2,supervised")
    view = page.locator(".plane-view")
    expect(view).to_have_attribute("data-steps", "0 0", timeout=LONG)
    layer = view.locator(".switches").get_by_label
    space, readout = view.locator("canvas.space"), view.locator(".readout")
    layer("p(z|x,y)").click()
    both = re.compile(r"q\(z\|x,y\) filled, p\(z\|x,y\) as a line")
    expect(space.first).to_have_attribute("aria-label", both, timeout=LONG)
    expect(space.last).not_to_have_attribute("aria-label", both)
    picture = space.first.evaluate("(c) => c.toDataURL()")
    x = data.load("moons").x.reshape(-1, 2)
    far = x[:, 0].argmax()
    page.mouse.move(*place(view, *map(float, x[far])))
    expect(readout.first).to_contain_text(re.compile(r"x \(.+\), class [AB]"))
    expect(view).to_have_attribute("data-point", str(far), timeout=LONG)
    page.mouse.move(5, 5)  # it stays when the mouse is gone
    until(page, lambda: space.first.evaluate("(c) => c.toDataURL()") != picture)
    layer("p(z|x,y)").click()
    layer("log p(x)").click()
    expect(view).to_have_attribute("data-truth", "true", timeout=LONG)
    view.evaluate(  # one off and another on before the page has heard of the first
        """(e) => { for (const words of ["log p(x)", "gap of the bound"])
        [...e.querySelectorAll(".switches label")].find((label) => label.textContent === words).click() }"""
    )
    page.mouse.move(*place(view, *map(float, x[0])))  # the first point has a gap
    expect(readout.first).to_contain_text(re.compile(r"log p\(x\) −?[\d.]+, gap [\d.]+ nats"), timeout=LONG)
    expect(readout.last).not_to_contain_text("gap")
    layer("J in its terms").click()
    view.get_by_role("button", name="One step").click()
    expect(view).to_have_attribute("data-steps", "1 1", timeout=LONG)
    expect(space.first).to_have_attribute(
        "aria-label", re.compile(r"J [\d.]+ nats per point.*−log p\(x\|·\), labelled [\d.]+")
    )
    expect(view.locator(".objective").first).to_have_text(re.compile(r"J [\d.]+"))
    for name in ("gap of the bound", "J in its terms"):
        layer(name).click()  # kept from page to page: as they were
    no_trouble(page)


def test_hovering_links_the_plane_and_the_space_below_it_both_ways(page: Page, view) -> None:
    x, y = map(float, data.load("moons").x[7].ravel())
    page.mouse.move(*place(view, x, y, panel=3))
    expect(view).to_have_attribute("data-hovered", re.compile(r"^\d+$"))
    page.mouse.move(5, 5)
    expect(view).to_have_attribute("data-hovered", "-1")
    space = view.locator("canvas.space").nth(1)
    plane = view.locator("canvas.plane").nth(1)
    before, box = plane.evaluate("(c) => c.toDataURL()"), space.bounding_box()
    for i in range(120):  # the codes of the two classes lie one above the other
        across, down = 0.2 + 0.01 * (i // 2), (0.25, 0.75)[i % 2]
        page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        if view.get_attribute("data-hovered") != "-1":
            break
    expect(view).to_have_attribute("data-hovered", re.compile(r"^\d+$"))
    page.wait_for_function("([c, before]) => c.toDataURL() !== before", arg=[plane.element_handle(), before])


def test_a_lesson_by_link_plays_and_the_panels_are_saved_as_a_picture(page: Page, server: str) -> None:
    page.goto(f"{server}/plane?lesson=two")
    view = page.locator(".plane-view")
    expect(view).to_have_attribute("data-steps", re.compile(r"^[1-9]"))
    expect(page).to_have_url(re.compile("figure=clusters"))
    expect(view.locator(".claim")).to_contain_text("2 labels are")
    assert save(page, view, "PNG").read_bytes().startswith(b"\x89PNG")
    view.locator(".play").click()


def save(page: Page, view, kind: str) -> Path:
    """Where the file lies."""
    view.get_by_role("button", name="Save").click()
    with page.expect_download(timeout=LONG) as saved:
        view.get_by_role("button", name=kind, exact=True).click()
    return saved.value.path()


def test_what_was_learned_is_taken_away_as_shapes_as_a_film_and_as_a_page(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/plane?methods=supervised,m2")
    view = page.locator(".plane-view")
    expect(view).to_have_attribute("data-steps", "0 0")
    view.locator(".play").click()
    expect(view).to_have_attribute("data-steps", re.compile(r"^[1-9]\d{2}|\d+ [1-9]\d{2}"))
    view.locator(".play").click()
    expect(view.locator(".play")).to_have_text("Play")
    at_rest(page, lambda: steps(view))
    shown = view.locator(".percent").all_inner_texts()

    root = ElementTree.parse(save(page, view, "SVG")).getroot()
    width = view.locator("canvas.plane").first.evaluate("(c) => c.width")
    rimmed = [c for c in root.iter(f"{SVG}circle") if c.get("stroke-width") and float(c.get("r")) > 4]
    images = data.load("moons")
    marks = images.x.reshape(-1, 2)[data.draw(images, 6, 0)[0]]
    assert len(rimmed) == 2 * len(marks)
    first = np.array([[float(c.get("cx")), float(c.get("cy"))] for c in rimmed[: len(marks)]])
    wanted = np.stack([marks[:, 0] / REACH + 1, 1 - marks[:, 1] / REACH], 1) / 2 * width
    corner = first[np.lexsort(first.T)] - wanted[np.lexsort(wanted.T)]
    assert np.ptp(corner, axis=0).max() < 0.05, "each where its point is"
    assert len(list(root.iter(f"{SVG}circle"))) >= 2 * 2000, "of both panels the points, and their codes"
    assert len(list(root.iter(f"{SVG}image"))) == 2, "the grounds"
    told = [text.text for text in root.iter(f"{SVG}text")]
    assert [percent for percent in shown if any(percent in text for text in told)] == shown

    with Image.open(save(page, view, "GIF")) as film:
        assert film.n_frames > 2
        frames = [np.asarray(film.convert("RGB")) for i in range(film.n_frames) if film.seek(i) is None]
        assert all((a != b).any() for a, b in itertools.pairwise(frames))
        assert film.size[0] <= 960

    file = save(page, view, "HTML")
    expect(view.locator(".keep > [role=status]")).to_be_empty()
    no_trouble(page)
    copy = file.with_suffix(".html")
    copy.write_bytes(file.read_bytes())
    context = page.context.browser.new_context(offline=True, reduced_motion="reduce")
    tab, trouble = context.new_page(), []
    tab.on("pageerror", lambda e: trouble.append(str(e)))
    tab.goto(copy.as_uri())
    again = tab.locator(".plane-view")
    expect(again).to_have_attribute("data-steps", "0 0")
    bar = tab.get_by_role("slider", name="Where in the session")
    bar.focus()
    bar.press("End")
    expect(again.locator(".percent")).to_have_text(shown)
    expect(again.locator(".play")).to_have_text("Again")
    assert not trouble
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_play_and_the_panels_are_on_the_first_screen(page: Page, server: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844 if width == 390 else 900})
    page.goto(f"{server}/plane")
    settled(page)
    view = page.locator(".plane-view")
    expect(view).to_have_attribute("data-steps", "0 0 0 0")
    expect(view.locator(".play")).to_be_in_viewport(ratio=1)
    tops = [view.locator("canvas.plane").nth(i).bounding_box()["y"] for i in range(4)]
    assert tops[0] == tops[1], "two beside each other"
    if width == 1440:
        assert len(set(tops)) == 1
        expect(view.locator("canvas.space").first).to_be_in_viewport(ratio=1)
        expect(view.locator(".switches")).to_be_in_viewport(ratio=0.9)


@pytest.mark.skipif(cores() > 4, reason="a page more than cores, and these would be many")
def test_a_visitor_more_than_cores_sees_a_place_in_the_queue_and_has_a_turn(context, page: Page, server: str) -> None:
    others = [context.new_page() for _ in range(cores())]
    try:
        views = []
        for tab in (*others, page):
            tab.goto(f"{server}/plane")
            views.append(tab.locator(".plane-view"))
        for view in views:
            expect(view).to_have_attribute("data-steps", "0 0 0 0")
        for view in views:
            view.locator(".play").click()
        for view in views[:-1]:
            expect(view).to_have_attribute("data-steps", re.compile(r"^[1-9]"))
        expect(views[-1].locator(".acts > [role=status]")).to_contain_text("Place 1 in the queue")
        expect(views[-1].get_by_label("Unlabelled points")).to_be_enabled()
        views[0].locator(".play").click()
        expect(views[0].locator(".play")).to_have_text("Play")
        expect(views[-1]).to_have_attribute("data-steps", re.compile(r"^[1-9]"))
        expect(views[-1].locator(".acts > [role=status]")).not_to_contain_text("queue")
        no_trouble(page)
    finally:
        for tab in others:
            tab.close()
