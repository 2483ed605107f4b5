"""Every method, really trained for an epoch on the digits, on every page: what it has is shown, what it lacks said."""

import pytest
from test_draw_page import DRAWN
from test_pages import check, open_page

from data import preprocess_drawing
from models import IMAGE_MODELS, MODELS
from models.runs.run import Run
from models.runs.store import Folder
from models.training.worker import work

PAGES = {  # by how their address names a run; tests/test_equations_page.py has Maths
    "train": "watch", "latent": "run", "generate": "run", "draw": "runs", "uncertainty": "run", "compare": "runs",
}  # fmt: skip
OWN = [name for name, card in IMAGE_MODELS.items() if not card.frozen]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run of each method, made when it is asked for."""
    root, made = tmp_path_factory.mktemp("every") / "runs", {}

    def run_of(model: str) -> Folder:
        if model not in made:
            usual = MODELS[model].reads
            few = {"batch_u": 400, "hidden": (32, 32), "width": 8}
            run = Run.make(
                "digits", model, 50, epochs=1, threads=1, custom={k: v for k, v in few.items() if k in usual}
            )
            made[model] = folder = Folder.create(run, root)
            assert work(folder) == "done", folder.status()["detail"]
        return made[model]

    return run_of


@pytest.mark.parametrize("model", OWN)
def test_every_page_opens_with_a_run_of_every_method(model, trained, monkeypatch, no_supervisor):
    folder = trained(model)
    monkeypatch.setenv("FEWLABELS_RUNS", str(folder.path.parent))
    for page, key in PAGES.items():
        more = {"drawing": preprocess_drawing.to_text(DRAWN)} if page == "draw" else {}
        check(open_page(f"pages/{page}.py", **{key: folder.id}, **more))


def test_every_page_opens_with_a_run_that_was_stopped_before_its_first_step_down_j(
    tmp_path, monkeypatch, no_supervisor
):
    """Contrastive pretraining has a term that is none of J's, and none of J's has a value yet."""
    few = {"batch_u": 400, "hidden": (32, 32), "width": 8, "contrastive_epochs": 2}
    folder = Folder.create(Run.make("digits", "m2", 50, epochs=3, threads=1, custom=few), tmp_path)

    def stop(record: dict) -> None:
        if record["kind"] == "epoch" and record["epoch"] == 1:
            folder.request_stop()

    assert work(folder, on_record=stop) == "stopped"
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    for page, key in (PAGES | {"equations": "run"}).items():
        more = {"drawing": preprocess_drawing.to_text(DRAWN)} if page == "draw" else {}
        check(open_page(f"pages/{page}.py", **{key: folder.id}, **more))
