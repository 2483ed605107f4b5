"""Draws the animated picture with which README opens: the exhibit, played in a real browser.

    python -m tests.browser.home_picture docs/home.webp     # or `make picture`

The same recordings give the same picture: the film is put from place to place and not waited for.
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from models.runs.files import replacing
from pages.parts.start import exhibit, standalone
from tests.browser.conftest import FLAGS, chromium

SCREEN = {"width": 1040, "height": 720}
STEPS = 40  # from the first picture of the film to the last
EACH, FIRST, LAST = 110, 900, 3000  # milliseconds that a picture stands
MOST_BYTES = 3 << 19  # 1.5 MiB: README is often read on a phone
SEEK = """epoch => {
  const slider = document.getElementById("bar").shadowRoot.querySelector("input");
  slider.value = epoch;
  slider.dispatchEvent(new Event("input"));
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def shown() -> tuple[int, ...]:
    """The epochs of the film with which the exhibit opens."""
    dataset, choices = next(iter(exhibit.every().items()))
    sides = exhibit.pair(dataset, *exhibit.usual(dataset, *choices))
    assert sides
    return exhibit.epochs_of(sides.both)


def pictures(page: Page) -> list[Image.Image]:
    """The screen at even steps through the film."""
    page.emulate_media(reduced_motion="reduce")  # it does not play by itself
    page.locator(".film").wait_for()
    page.wait_for_load_state("networkidle")
    page.emulate_media(reduced_motion="no-preference")  # the bar as most see it
    epochs, made = shown(), []
    for at in np.linspace(0, len(epochs) - 1, STEPS + 1):  # each picture of the film as long as any other
        page.evaluate(SEEK, float(np.interp(at, range(len(epochs)), epochs)))
        page.wait_for_timeout(300)  # the bars under the accuracies slide
        made.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    return made


def main(path: Path) -> int:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        file = Path(folder) / "exhibit.html"
        file.write_text(standalone.html(), encoding="utf-8")
        browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport=SCREEN, color_scheme="light")
        page.goto(file.as_uri())
        made = pictures(page)
        browser.close()
    times = [FIRST, *[EACH] * (len(made) - 2), LAST]
    with replacing(path) as draft:
        made[0].save(draft, "WEBP", save_all=True, append_images=made[1:], duration=times, loop=0, quality=75, method=6)
    size = path.stat().st_size
    print(f"{path}: {len(made)} pictures, {size / 2**20:.2f} MiB.")
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
