"""A visitor of a server that others can reach is known again after a reload, and is nobody else."""

import json
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pages.parts.shared import owner

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_runs

from tests.browser.conftest import remove, settled

pytestmark = pytest.mark.browser


def test_a_run_is_ones_own_after_a_reload_and_in_no_other_browser(browser: Browser, server: str, runs_folder: Path):
    run = fake_runs.make(runs_folder, "stopped", model="m2", epochs=2)
    come = {"extra_http_headers": {"X-Forwarded-For": "203.0.113.5"}}  # as by a proxy
    mine, theirs = browser.new_context(**come), browser.new_context(**come)
    try:
        page = mine.new_page()
        page.goto(f"{server}/train?watch={run.id}")
        expect(page.get_by_text("Not yours")).to_be_visible()
        page.wait_for_function(f"document.cookie.includes('{owner.COOKIE}=')")
        [token] = [c["value"] for c in mine.cookies() if c["name"] == owner.COOKIE]
        told = json.loads((run.path / "run.json").read_text())
        told["made"]["owner"] = owner.hashed(token)
        (run.path / "run.json").write_text(json.dumps(told))
        page.reload()
        expect(page.get_by_role("button", name="Continue")).to_be_visible()
        page = theirs.new_page()
        page.goto(f"{server}/train?watch={run.id}")
        expect(page.get_by_text("Not yours")).to_be_visible()
        settled(page)
        expect(page.get_by_role("button", name="Continue")).to_have_count(0)
    finally:
        mine.close()
        theirs.close()
        remove(run.path)
