"""A run brought in and taken away in a real browser, and a link opened in a fresh one."""

import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from safetensors.numpy import save

from models.runs import archive
from models.runs.store import Folder

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_runs

from tests.browser.conftest import remove, settled

pytestmark = pytest.mark.browser


@pytest.fixture
def elsewhere(tmp_path: Path, runs_folder: Path) -> Folder:
    """A finished run on another machine; what came of it here is removed at the end."""
    folder = fake_runs.make(tmp_path / "elsewhere", "done", model="m2", epochs=3, seed=7)
    yield folder
    remove(runs_folder / folder.id)


def bring(page: Page, server: str, file: Path) -> None:
    page.goto(server)
    settled(page)
    page.get_by_text("Import a run from another machine").click()
    page.locator("input[type=file]").set_input_files(str(file))


def test_a_run_comes_in_and_goes_out_again(page: Page, server: str, elsewhere, runs_folder, tmp_path, browser) -> None:
    bring(page, server, archive.export(elsewhere, tmp_path / "run.zip"))
    expect(page.get_by_text("It is here as")).to_be_visible()
    came = Folder(runs_folder / elsewhere.id)
    assert came.result() == elsewhere.result()

    page.get_by_role("link", name="Look inside").first.click()
    page.wait_for_url("**/latent?run=*")
    page.locator("[data-points]").first.wait_for()
    page.get_by_role("button", name="Share and export").click()
    page.get_by_role("button", name="Run as zip").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Run as zip").click()
    saved.value.save_as(tmp_path / "again.zip")
    assert archive.bring(tmp_path / "again.zip", tmp_path / "third").result() == elsewhere.result()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Metrics as CSV").click()
    saved.value.save_as(tmp_path / "metrics.csv")
    lines = (tmp_path / "metrics.csv").read_text().splitlines()
    assert len(lines) == 1 + 4  # epochs 0 to 3
    assert all(line.startswith(f"{elsewhere.id},m2,digits,100,0,7,tuned,") for line in lines[1:])

    # What the link says, a fresh browser shows.
    link = page.get_by_test_id("stCode").first.inner_text().strip()
    assert link.startswith(server)
    context = browser.new_context()
    fresh = context.new_page()
    fresh.goto(link)
    fresh.locator("[data-points]").first.wait_for()
    expect(fresh.get_by_text("seed 7").first).to_be_visible()
    context.close()


def test_a_run_with_its_checkpoint_comes_in_whole(page: Page, server: str, elsewhere, runs_folder, tmp_path) -> None:
    """As large as one of MNIST is with what it takes to train on; the server has a limit of its own."""
    (elsewhere.path / archive.CHECKPOINT).write_bytes(save({"w": np.random.default_rng(0).random(34 << 17)}))
    file = archive.export(elsewhere, tmp_path / "run.zip")
    assert file.stat().st_size > 34 << 20
    bring(page, server, file)
    expect(page.get_by_text("It is here as")).to_be_visible(timeout=60_000)
    assert (runs_folder / elsewhere.id / archive.CHECKPOINT).stat().st_size > 34 << 20


def test_what_is_no_run_is_refused_in_a_sentence(page: Page, server: str, runs_folder, tmp_path) -> None:
    before = sorted(p.name for p in runs_folder.iterdir())
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 nothing of ours")
    bring(page, server, tmp_path / "bad.zip")
    expect(page.get_by_text("is no run that was taken away from here")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert sorted(p.name for p in runs_folder.iterdir()) == before
