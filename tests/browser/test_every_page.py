"""Every page in a real browser, in three widths, light and dark: no trouble, no overflow, nothing axe calls serious."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests import fake_runs
from tests.browser.conftest import no_trouble, remove, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    "", "data", "train", "latent", "generate", "draw", "uncertainty", "compare", "label", "results",
    "equations", "tour", "plane", "plane?lesson=lose",
)  # fmt: skip
SCREENS = ((1280, "light"), (960, "light"), (390, "dark"))  # what sticks out does so in both lights; 960: 150 % zoom
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# Shadow roots are looked into. Of the rules that are off unless asked for: controls of 24 pixels or with room around.
# The field for typing in Streamlit's multiselect is as wide as what is typed; the box around it takes the clicks.
FOUND = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } });
  const ours = (v) => v.nodes.filter((n) => v.id !== "target-size" || !/^<input[^>]*role="combobox"/.test(n.html));
  return found.violations.filter((v) => ["serious", "critical"].includes(v.impact) && ours(v).length).map((v) =>
    `${v.id}: ${ours(v).map((n) => `${n.target} ${n.failureSummary.split("\\n").slice(1, 2)}`).join("; ")}`);
}"""


@pytest.fixture
def stopped_run(runs_folder: Path):
    """Beside what other tests have left, whose order is drawn: a run in a state of its own colour."""
    folder = fake_runs.make(runs_folder, "stopped", model="m2", epochs=8, labels=20)
    yield
    remove(folder.path)


def complaints(page: Page) -> list[str]:
    """What axe calls serious. What fades in or out, or waits for its font, is judged when it stands still."""
    page.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    if page.evaluate(FOUND):
        page.wait_for_timeout(1000)
    return page.evaluate(FOUND)


@pytest.mark.usefixtures("stopped_run")
def test_every_page_opens_without_trouble(page: Page, server: str) -> None:
    for name in PAGES:
        for width, look in SCREENS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=look)
            if (width, look) == SCREENS[0]:
                page.goto(f"{server}/{name}")
            settled(page)
            no_trouble(page)
            expect(page.locator("h1")).to_have_count(1)
            # Nothing sticks out sideways, not on a phone either.
            fits = "document.documentElement.scrollWidth <= window.innerWidth + 1"
            assert page.evaluate(fits), (name, width, look)
            if width != 960:
                assert complaints(page) == [], (name, width, look)


@pytest.mark.parametrize("name", ["equations", "generate", "generate?show=walk", "latent"])
def test_what_waits_for_its_pictures_has_a_name_already(page: Page, server: str, name: str) -> None:
    page.route("**/media/**", lambda route: None if "/static/" not in route.request.url else route.continue_())
    page.goto(f"{server}/{name}")
    settled(page)
    page.locator("section.drawn canvas, section.map canvas").first.wait_for(state="attached")
    assert complaints(page) == []


def test_the_menu_says_where_one_is_after_a_change_of_page(page: Page, server: str) -> None:
    page.goto(f"{server}/label")
    settled(page)
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Maths", exact=True)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Maths")
    expect(link).to_have_attribute("aria-current", "page")
    expect(links).to_have_count(6)


@pytest.mark.parametrize(
    "address", ["latent?run=nothing-like-it", "generate?run=../../etc/passwd", "compare?runs=a,b,%00", "train?watch=x"]
)
def test_a_wrong_link_is_answered_in_a_sentence(page: Page, server: str, address: str) -> None:
    page.goto(f"{server}/{address}")
    settled(page)
    no_trouble(page)
    expect(page.locator("h1")).to_have_count(1)


def test_the_menu_and_the_bar_are_not_made_anew(page: Page, server: str) -> None:
    """What is made anew on a change of page blinks: the nodes stay, also past pages whose group has no bar."""
    page.goto(f"{server}/data")
    settled(page)
    own = "() => [...document.querySelectorAll('.st-key-menu, .st-key-page-bar, .st-key-page-head')]"
    page.evaluate(f"window.made = ({own})()")
    assert page.evaluate("window.made.length") == 3
    for entry, title in (("Label", "Label"), ("Compare", "Compare"), ("Maths", "Maths"), ("Inside", "Latent space")):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=entry, exact=True).click()
        expect(page.locator("h1")).to_contain_text(title)
        settled(page)
        assert page.evaluate(f"({own})().every((node, i) => node === window.made[i])"), title
        siblings = page.locator(".st-key-page-bar").get_by_role("link")
        expect(siblings).to_have_count({"Compare": 2, "Inside": 4}.get(entry, 0))
