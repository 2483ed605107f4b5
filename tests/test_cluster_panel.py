"""The Cluster panel of Lab is there where a cluster is named, and nowhere else."""

import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parent))

import fake_runs

from data.locks import NODE
from models.jobs.states import Node
from models.runs.run import Run

ROOT = Path(__file__).parents[1]
NODES = [
    Node("1", "head", 0, 0, 0, 0),
    Node("2", "east", 16, 2, 12.5, 1.5),
    Node("3", "west", 8, 0, 8, 0, "The node west does not see /runs: give all nodes the same folder."),
]


@pytest.fixture
def root(tmp_path, monkeypatch, no_supervisor):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def lab() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page("pages/train.py")
    app.run()
    assert not app.exception
    return app


def test_without_a_cluster_there_is_no_panel(root):
    app = lab()
    assert "Cluster" not in [s.value for s in app.subheader]
    assert not app.table


def test_the_nodes_what_they_are_at_and_what_is_wrong_with_one(root, monkeypatch, engine):
    monkeypatch.setenv("FEWLABELS_CLUSTER", "10.0.0.1:6379")
    about = {"cluster": "10.0.0.1:6379", "address": "10.0.0.1:6379", "nodes": [asdict(n) for n in NODES]}
    monkeypatch.setattr(type(engine), "_about", lambda self: about)
    with monkeypatch.context() as there:
        there.setenv(NODE, "east")
        fake_runs.make(root, "running")
    engine.submit(Run.make("digits", "m2", 20, 7))
    app = lab()
    assert "Cluster" in [s.value for s in app.subheader]
    (table,) = app.table
    assert list(table.value["Node"]) == ["head", "east", "west"]
    assert list(table.value["CPUs in use"]) == ["none", "3.5 of 16", "0 of 8"]
    assert list(table.value["GPUs in use"]) == ["none", "0.5 of 2", "none"]
    assert list(table.value["Runs of ours"]) == ["0", "1", "0"]
    assert list(table.value["State"]) == ["runs nothing itself", "takes runs", NODES[2].trouble]
    assert "Next in the queue: M2, 20 labels, seed 7." in [c.value for c in app.caption]
    assert any("3 nodes at 10.0.0.1:6379" in c.value.replace("\\", "") for c in app.caption)


def test_a_cluster_that_is_not_there_is_said_once(root, monkeypatch, engine):
    monkeypatch.setenv("FEWLABELS_CLUSTER", "10.0.0.1:6379")
    why = "There is no Ray cluster at 10.0.0.1:6379 (Connection refused): runs wait until there is."
    monkeypatch.setattr(type(engine), "_about", lambda self: {"cluster": "10.0.0.1:6379", "trouble": why})
    monkeypatch.setattr(sys.modules["models.jobs.local"], "held", lambda path: True)
    app = lab()
    assert not app.table
    assert any("on the cluster, once it is there" in c.value for c in app.caption)
    said = " ".join(e.value for e in (*app.caption, *app.markdown, *app.warning, *app.error))
    assert said.replace("\\", "").count("no Ray cluster at 10.0.0.1:6379") == 1
