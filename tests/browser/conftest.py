"""A served explorer and a real browser. Without Chromium these tests are skipped; with CI=true that is a failure."""

import os
import shutil
import time
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest

from tests.serving import served

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IDLE = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"


# Notes in the browser, which misses nothing while this process waits for a busy machine: every epoch that the film
# shows and every accuracy. Components live in shadow roots, so these are watched as they are made.
NOTES = """
window.seen = { epochs: [], scores: [] };
const note = (list, value) => { if (value && list.at(-1) !== value) list.push(value); };
const watch = (root) => new MutationObserver(() => {
  for (const film of root.querySelectorAll(".film")) note(seen.epochs, film.dataset.epoch);
  for (const score of root.querySelectorAll(".score b")) note(seen.scores, score.textContent);
}).observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
watch(document);
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (how) {
  const root = attach.call(this, how);
  watch(root);
  return root;
};
"""
PLAYED = "seen.epochs.length > 3 && seen.epochs.at(-1) === '50'"  # the film of 50 epochs has moved, and has ended

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the first that is installed


def chromium() -> str | None:
    """Chromium's headless shell draws pages as Chromium does, without a window around them: a third of the work."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("No Chromium was found, and CI may not skip the browser tests. Install chromium.")
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium-headless-shell"))


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def server(runs_folder: Path):
    """The address of an explorer with an empty runs folder of its own; its supervisor is stopped at the end."""
    env = {"FEWLABELS_RUNS": str(runs_folder), "FEWLABELS_SLOTS": str(os.cpu_count())}  # a thread a run
    with served(runs_folder / ".server.log", **env) as (address, _):
        yield address
    from models import jobs

    before = os.environ.get("FEWLABELS_RUNS")
    os.environ["FEWLABELS_RUNS"] = str(runs_folder)
    try:
        jobs.engine().shutdown()
    finally:
        os.environ.pop("FEWLABELS_RUNS")
        if before is not None:
            os.environ["FEWLABELS_RUNS"] = before


def settled(page) -> None:
    """The page has been drawn once to its end; a page that ticks is never idle for long, but is so between ticks."""
    page.wait_for_selector(IDLE)


def until(page, true, every: int = 100) -> None:
    """Wait for `true()`, asked so often (ms). What a page had before it was drawn anew may stay on, without a size."""
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends, "waited a minute in vain"
        page.wait_for_timeout(every)


def ink(canvas) -> np.ndarray:
    """How opaque the middle of each pixel of an image of 16 x 16 is on a canvas, 0 to 255."""
    alpha = canvas.evaluate(
        """(c) => { const s = c.width / 16, p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            const at = (i) => Math.floor((i + .5) * s);
            return Array.from({length: 256}, (_, i) => p[4 * (at(i >> 4) * c.width + at(i % 16)) + 3]) }"""
    )
    return np.array(alpha).reshape(16, 16)


def remove(folder: Path) -> None:
    """Delete a run's folder, into which the served explorer may be writing at this moment."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{folder} does not go away")


def no_trouble(page) -> None:
    from playwright.sync_api import expect

    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("Traceback")).to_have_count(0)


def at_rest(page, count):
    """`count()`, such as the number of messages sent, once it has stood still for longer than a page's ticks."""
    n = None
    for _ in range(80):
        if n == (n := count()):
            return n
        page.wait_for_timeout(2500)
    raise AssertionError(f"it still changes after 200 s: {n}")


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # as long as for a click; a machine may be busy with other tests
    with sync_playwright() as p:
        running = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def context(browser):
    """One profile for all pages of a session: the explorer's scripts are fetched and compiled once, not in each."""
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


@pytest.fixture
def page(context):
    """A fresh tab that fails its test if a request leaves the machine or the console holds an error."""
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    left, errors = [], []

    def requested(request):
        url = urlparse(request.url)
        if url.scheme not in ("data", "blob") and url.hostname not in ("127.0.0.1", "localhost"):
            left.append(request.url)

    tab.on("request", requested)

    def complained(message):
        # On a link to a page, Streamlit looks for its server below that page's path first, and then at the root.
        probe = urlparse(message.location.get("url", "")).path.split("/")[2:3] == ["_stcore"]
        if message.type == "error" and not probe:
            errors.append(f"{message.text} {message.location.get('url', '')}")

    tab.on("console", complained)
    tab.on("pageerror", lambda e: errors.append(str(e)))
    yield tab
    if tab.url.startswith("http"):
        tab.evaluate("localStorage.clear()")
    tab.close()
    assert not left, f"requests left the machine: {left}"
    assert not errors, f"errors in the console: {errors}"


@pytest.fixture
def sent(page) -> list:
    """The messages that have gone to the server."""
    seen = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: seen.append(frame)))
    return seen
