"""Points of the plane by keys and by mouse in a real browser; and what is changed while the methods learn."""

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import no_trouble, settled
from tests.browser.test_plane import place, steps, view  # noqa: F401 (a fixture)

pytestmark = pytest.mark.browser
LEARNS = re.compile(r"^[1-9]\d* [1-9]\d* [1-9]\d* [1-9]\d*$")


def own(page: Page) -> list[str]:
    """The points of the address, those of a figure changed by hand after its name."""
    return parse_qs(urlparse(page.url).query).get("own", [""])[0].split("~")


def choose(page: Page, popover: str, key: str, option: str) -> None:
    """Choose in a popover, which is then closed."""
    page.get_by_role("button", name=popover, exact=False).last.click()
    page.locator(f".st-key-{key}").get_by_role("radio", name=option, exact=True).click()
    expect(page).to_have_url(re.compile(f"{key}="))
    page.keyboard.press("Escape")


def drag(page: Page, view, *way: tuple[float, float]) -> None:  # noqa: F811
    page.mouse.move(*place(view, *way[0]))
    page.mouse.down()
    for at in way[1:]:
        page.mouse.move(*place(view, *at), steps=6)
    page.mouse.up()


@pytest.mark.parametrize(("popover", "key", "option"), [("Model", "beta", "10"), ("Points", "noise", "0.2")])
def test_what_is_changed_while_it_plays_goes_on_from_where_it_stands(page, view, popover, key, option):  # noqa: F811
    page.evaluate("window.same = 'yes'")
    view.locator(".play").click()
    expect(view).to_have_attribute("data-steps", LEARNS)
    choose(page, popover, key, option)
    expect(view.locator(".play")).to_have_text("Pause")
    before = steps(view) if re.match(LEARNS, view.get_attribute("data-steps")) else [0] * 4
    page.wait_for_function(
        """([view, before]) =>
        view.dataset.steps.split(" ").every((n, i) => Number(n) > 0 && Number(n) !== before[i])""",
        arg=[view.element_handle(), before],
    )
    assert page.evaluate("window.same") == "yes", "the page was not loaded anew"
    expect(view.locator(".play")).to_have_text("Pause")
    no_trouble(page)


def test_keys_move_a_cursor_label_move_and_remove_and_undo(page: Page, view) -> None:  # noqa: F811
    canvas, spoken = view.locator("canvas.plane").nth(1), view.locator(".spoken")
    view.get_by_role("radio", name="No label").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(canvas).to_be_focused()
    assert canvas.evaluate("(c) => getComputedStyle(c).outlineStyle") == "solid", "the focus can be seen"
    expect(spoken).to_contain_text(re.compile(r"nearest: point labelled [AB], M2 says class [AB]$"))
    expect(view).to_have_attribute("data-hovered", re.compile(r"^\d+$"))
    shown = canvas.evaluate("(c) => c.toDataURL()")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowUp")
    page.wait_for_function("([c, before]) => c.toDataURL() !== before", arg=[canvas.element_handle(), shown])
    expect(spoken).to_contain_text("no point near")
    expect(view).to_have_attribute("data-hovered", "-1")
    page.keyboard.press("2")
    expect(view.get_by_role("radio", name="Class B")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"own=moons.*_B$"))
    expect(view).to_have_attribute("data-labelled", "7")
    expect(canvas).to_be_focused()
    added = own(page)[-1]
    page.keyboard.press("m")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("m")
    page.wait_for_function("(old) => !decodeURIComponent(location.search).endsWith(old)", arg=added)
    x, y, _ = own(page)[-1].split("_")
    assert float(x) == pytest.approx(float(added.split("_")[0]) - 0.3, abs=1e-3)
    assert float(y) == pytest.approx(float(added.split("_")[1]), abs=1e-3)
    expect(view).to_have_attribute("data-undo", "2")
    expect(canvas).to_be_focused()
    page.keyboard.press("Delete")
    expect(view).to_have_attribute("data-labelled", "6")
    page.keyboard.press("Control+z")
    expect(page).to_have_url(re.compile(f"{x}_{y}_B$"))
    expect(view).to_have_attribute("data-undo", "2")
    for left in ("1", "0"):
        expect(canvas).to_be_focused()
        page.keyboard.press("Control+z")
        expect(view).to_have_attribute("data-undo", left)
    expect(page).not_to_have_url(re.compile("own="))
    canvas.focus()
    page.keyboard.press("]")
    expect(spoken).to_contain_text("nearest: point labelled")
    first = spoken.text_content()
    page.keyboard.press("]")
    expect(spoken).not_to_have_text(first)
    page.keyboard.press("[")
    expect(spoken).to_have_text(first)
    no_trouble(page)


def test_a_plane_is_painted_from_nothing_and_learned(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/plane")
    settled(page)
    view = page.locator(".plane-view")  # noqa: F811
    page.get_by_role("button", name="Points", exact=False).last.click()
    page.get_by_role("button", name="Empty plane").click()
    page.keyboard.press("Escape")
    expect(view.locator(".claim")).to_contain_text("An empty plane. Drag on a panel")
    expect(view.locator(".play")).to_be_disabled()
    drag(page, view, (-2, 1), (0, 1.5), (2, 1))
    expect(view.locator(".claim")).to_contain_text("All labels are of class A.")
    page.keyboard.press("2")
    drag(page, view, (-2, -1), (2, -1))
    expect(view.locator(".claim")).to_contain_text("Every point has a label.")
    view.get_by_role("radio", name="No label").click()
    drag(page, view, (-2, 0.6), (2, 0.6))
    expect(view).to_have_attribute("data-steps", "0 0 0 0")
    kept = own(page)[1:]
    assert [sum(text.endswith(k) for text in kept) for k in "AB_"] == [14, 14, 27], "each .1 of the half side, or .05"
    view.locator(".play").click()
    expect(view).to_have_attribute("data-steps", LEARNS)
    for left, says in (
        ("3", "Every point has a label."),
        ("2", "All labels are of class A."),
        ("1", "An empty plane."),
    ):
        view.get_by_role("button", name="Undo").click()
        expect(view).to_have_attribute("data-undo", left)
        expect(view.locator(".claim")).to_contain_text(says)
    view.get_by_role("button", name="Undo").click()
    expect(page).not_to_have_url(re.compile("own="))
    expect(view).to_have_attribute("data-steps", re.compile(r"^\d"))
    no_trouble(page)


def test_too_many_points_are_a_sentence_and_the_page_goes_on(page: Page, server: str) -> None:
    page.goto(f"{server}/plane?own=~0_0_A~1_1_B~2_2_")
    view = page.locator(".plane-view")  # noqa: F811
    expect(view).to_have_attribute("data-steps", "0 0 0 0")
    view.evaluate(
        """(e) => {
          const c = e.querySelector("canvas.plane"), box = c.getBoundingClientRect();
          const at = (type, i) => c.dispatchEvent(new PointerEvent(type, { pointerId: 1, button: 0, bubbles: true,
            clientX: box.left + (i % 2 ? 4 : box.width - 4), clientY: box.top + 9 + (i % 9) }));
          c.setPointerCapture = () => {};
          at("pointerdown", 0);
          for (let i = 0; i < 400; i += 1) at("pointermove", i);
          at("pointerup", 0);
        }"""
    )
    expect(page.get_by_text("points are too many. Give at most 5,000.")).to_be_visible()
    expect(view.locator(".play")).to_be_enabled()
    no_trouble(page)


def test_controls_are_one_row_and_the_class_can_be_chosen_with_a_thumb(page: Page, server: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server}/plane")
    settled(page)
    view = page.locator(".plane-view")  # noqa: F811
    expect(view).to_have_attribute("data-steps", "0 0 0 0")
    assert page.locator(".st-key-plane-controls").bounding_box()["height"] < 80
    assert view.locator("canvas.plane").first.bounding_box()["y"] <= 505
    page.get_by_role("combobox", name="More methods").click()
    page.get_by_role("option", name="Mean Teacher").click()
    expect(page.get_by_role("button", name="Mean Teacher")).to_be_visible()
    assert page.locator(".st-key-plane-controls").bounding_box()["height"] < 80, "with a method more"
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("Class A", "Class B", "No label"):
        button = view.get_by_role("radio", name=name)
        expect(button).to_be_in_viewport(ratio=1)
        assert button.bounding_box()["height"] >= 24
