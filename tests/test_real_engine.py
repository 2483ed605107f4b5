"""Pages and the real engine: what is asked for through a page is made by the real worker process, and shown.

Every analysis of `ANALYSES` takes this way once. All else about pages is tried with `FakeEngine`, which is held to the
real one in test_fakes.py.
"""

import re
import time

import pytest
from safetensors.numpy import load_file, save_file
from test_compare import drawn, make, open_page
from test_latent_page import open_page as open_latent
from test_latent_page import parts, said

from models import jobs
from models.analysis import ANALYSES, judge
from models.runs.store import Folder

PATIENCE = 240.0  # seconds; the worker imports umap and compiles it first, on a machine that may be busy


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A runs folder with a real engine that begins when a page asks for something."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEWLABELS_RUNS", str(root))
        patch.setenv("FEWLABELS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("FEWLABELS_FORK", "0")  # no warm process: nothing trains here
        patch.delenv("FEWLABELS_ANALYSES", raising=False)
        jobs.local.cache_clear()
        yield root
        jobs.engine().shutdown(patience=60.0)
        jobs.local.cache_clear()


@pytest.fixture
def run(root) -> Folder:
    """A finished run with weights and the snapshots of two epochs."""
    folder = make(root, "m2")
    latents = folder.path / "latents"
    arrays = load_file(latents / "0002.safetensors")
    save_file({**arrays, "z": arrays["z"] * 0.9}, latents / "0001.safetensors")
    return folder


def asked(folder: Folder, name: str, which: str = "z") -> tuple[str, str]:
    """(state, why it failed) of one analysis of the last epoch."""
    if ANALYSES[name].of_dataset:
        return jobs.engine().full_dataset_state(folder.id, 2)
    return jobs.engine().map_state(folder.id, 2, which, name)


def made(folder: Folder, name: str, which: str = "z") -> None:
    """Wait until what the page has asked for is there."""
    state, _ = asked(folder, name, which)
    assert state in ("pending", "ready"), f"the page has not asked for {name}: {state}"
    give_up = time.monotonic() + PATIENCE
    while (now := asked(folder, name, which))[0] == "pending":
        assert time.monotonic() < give_up, f"{name} was not made within {PATIENCE:g} s"
        time.sleep(0.1)
    assert now == ("ready", "")


def show_umap(run: Folder, name: str = "umap") -> None:
    open_latent("latent", run=run.id, projection=name)
    made(run, name)
    app = open_latent("latent", run=run.id, projection=name)
    assert parts(app, "map")[0]["version"].endswith(name)


def show_tsne(run: Folder) -> None:
    show_umap(run, "tsne")


def show_film(run: Folder) -> None:
    show_umap(run)
    made(run, "film")  # asked for by the page that showed the UMAP
    for page in ("latent", "compare"):
        app = open_latent(page, run=run.id, runs=run.id, projection="umap")
        (film,) = parts(app, "scrubber")
        assert film["epochs"] == [1, 2], page
        assert any(m.get("film") for m in parts(app, "map")), page
        assert "There is no film" not in said(app)


def show_separation(run: Folder) -> None:
    assert "Being measured." in drawn(open_page([run]))
    made(run, "separation")
    html = drawn(open_page([run]))
    assert "Being measured." not in html
    assert re.search(r"<b>\d+\.\d %</b>", html)


def show_usage(run: Folder) -> None:
    assert "How much of z is used" in subheaders(open_latent("latent", run=run.id))
    made(run, "usage")
    app = open_latent("latent", run=run.id)
    assert re.search(r"How much of z is used: \d of 3 dimensions active", subheaders(app))
    assert drawn(app).count("<i ") + drawn(app).count("<i>") >= 3


def show_samples(run: Folder) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(judge.EPOCHS, "small", 1)
        judge.make("digits")  # what makes the samples makes it, too, if there is none, but takes its time
    assert "Do the samples show their class?" in subheaders(open_latent("generate", run=run.id, show="classes"))
    made(run, "samples")
    page = open_latent("generate", run=run.id, show="classes")
    assert re.search(r"[\d.]+ % of 1,000 samples are taken for their class", subheaders(page))


def subheaders(app) -> str:
    return " ".join(s.value for s in app.subheader)


def show_likelihood(run: Folder) -> None:
    app = open_page([run])
    next(b for b in app.button if b.label == "Compute the likelihoods").click().run()
    made(run, "likelihood")
    assert re.search(r"<b>−[\d.]+ ± [\d.]+ nats</b> per image", drawn(open_page([run])))


def show_whole(run: Folder) -> None:
    assert len(parts(open_latent("latent", run=run.id, images="all"), "map")[0]["points"]["id"]) == 500
    made(run, "whole")
    app = open_latent("latent", run=run.id, images="all")
    assert len(parts(app, "map")[0]["points"]["id"]) == 1797
    assert "All 1,797 images" in said(app)


SHOWN = {
    "umap": show_umap,
    "tsne": show_tsne,
    "film": show_film,
    "separation": show_separation,
    "usage": show_usage,
    "samples": show_samples,
    "likelihood": show_likelihood,
    "whole": show_whole,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ANALYSES)
def test_what_a_page_asks_for_is_made_and_shown(run, name):
    SHOWN[name](run)


def test_every_page_test_here_is_of_the_list():
    """A new kind of analysis needs a way through a page here; one that was taken away takes its feature along."""
    assert set(SHOWN) == set(ANALYSES)
