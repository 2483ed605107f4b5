"""The one list of background analyses: each is made, asked for and refused by its line in `ANALYSES` alone."""

import ast
import inspect
from pathlib import Path

import pytest

from models import MODELS
from models.analysis import ANALYSES, FULL_DATASET, LATENTS
from models.jobs import JobsError
from models.jobs.local import Local
from models.jobs.queue import MapRequest, Queue
from models.jobs.queue_paths import QueuePaths
from models.jobs.supervisor import Supervisor

ROOT = Path(__file__).parents[1]
ASKING = {"map", "map_state"}  # the engine's methods that take the name of an analysis, as their fourth argument


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
def test_what_makes_an_analysis_is_there_and_takes_what_it_is_given(analysis, monkeypatch):
    monkeypatch.delenv("FEWLABELS_ANALYSES", raising=False)
    given = ("folder", "epoch") if analysis.of_dataset else ("folder", "latent variable", "epoch")
    inspect.signature(analysis.function()).bind(*given)
    assert analysis.title


def test_every_latent_variable_of_every_method_can_be_analysed():
    for method in MODELS.values():
        assert set(method.latents) <= set(LATENTS)
    assert FULL_DATASET not in LATENTS


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
def test_the_engine_takes_every_analysis_and_no_other(analysis, tmp_path):
    engine = Local(tmp_path)
    if analysis.of_dataset:
        assert engine.full_dataset_state("m2-digits-100-s0-aaaa", 1) == ("absent", "")
        with pytest.raises(JobsError, match="choose one of"):
            engine.map_state("m2-digits-100-s0-aaaa", 1, FULL_DATASET, analysis.name)
        return
    for which in analysis.latents:
        assert engine.map_state("m2-digits-100-s0-aaaa", 1, which, analysis.name) == ("absent", "")
    for bad in (("y", analysis.name), (FULL_DATASET, analysis.name), ("z", analysis.name + "s")):
        with pytest.raises(JobsError, match="choose one of"):
            engine.map_state("m2-digits-100-s0-aaaa", 1, *bad)


def test_a_request_of_another_version_is_answered_and_does_not_hold_up_the_next(tmp_path):
    paths = QueuePaths(tmp_path)
    queue = Queue(paths.queue)
    unknown = MapRequest("m2-digits-100-s0-aaaa", "z", 1, "isomap")
    queue.ask_map(unknown)
    supervisor = Supervisor(paths, 1, 1.0, False)
    supervisor._maps()
    assert "no analysis 'isomap'" in queue.map_request(unknown)[1]
    assert queue.next_map() is None
    supervisor.queue.close()
    queue.close()


def test_no_second_list():
    """Outside `models/analysis` the queue's side knows no name of an analysis, and pages take it from the list.

    `Folder.map_path` and the engine's methods name "umap" as what is asked for where nothing is said.
    """
    names = set(ANALYSES) - {"whole"}  # the engine has methods of its own for it, whose names are that word
    for path in (ROOT / "models" / "jobs").glob("*.py"):
        tree = ast.parse(path.read_text())
        defaults = {id(d) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for d in f.args.defaults}
        typed = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in defaults]
        assert not names & {v for v in typed if isinstance(v, str)}, path.name
    for path in (ROOT / "pages").rglob("*.py"):
        for call in (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr in ASKING and len(call.args) > 3:
                assert not isinstance(call.args[3], ast.Constant), f"{path.name}:{call.lineno}: take it from ANALYSES"
