"""What stands in for the real thing in more than one test is held to it: the same signatures, the same refusals."""

import inspect
from collections.abc import Callable
from dataclasses import replace

import fake_training
import pytest
from fake_engine import FakeEngine

from models import jobs
from models.analysis import ANALYSES
from models.jobs import Engine
from models.jobs.local import Local
from models.runs.run import Run
from models.runs.store import Folder

ABSENT = "m2-digits-100-s0-none"
METHODS = [name for name, f in vars(Engine).items() if inspect.isfunction(f) and not name.startswith("_")]


class Unserved(Local):
    """The real engine; only its supervisor is never started."""

    def ensure(self) -> None: ...


def shape(f: Callable) -> list[tuple]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()]


@pytest.mark.parametrize("name", METHODS)
def test_the_engine_pages_are_promised_the_real_one_and_the_fake_are_called_alike(name):
    assert shape(getattr(Local, name)) == shape(getattr(Engine, name))
    assert shape(getattr(FakeEngine, name)) == shape(getattr(Engine, name))


def snapshot(folder: Folder) -> None:
    next(iter(fake_training.mapped(folder)), None)


def made(root, state: str = "done") -> str:
    folder = Folder.create(Run.make("digits", "m2", epochs=2), root)
    snapshot(folder)
    folder.set_status(state)
    return folder.id


REFUSED = {
    "a run that is none": lambda e, id: e.map(ABSENT, 1, "z"),
    "a path for an id": lambda e, id: e.map("../x", 1, "z"),
    "an epoch without a snapshot": lambda e, id: e.map(id, 99, "z"),
    "an unknown latent variable": lambda e, id: e.map(id, 1, "y"),
    "a path for a latent variable": lambda e, id: e.map(id, 1, "../z"),
    "an unknown analysis": lambda e, id: e.map(id, 1, "z", "isomap"),
    "an analysis of the whole data set of one space": lambda e, id: e.map(id, 1, "z", "whole"),
    "the state of an unknown analysis": lambda e, id: e.map_state(id, 1, "z", "isomap"),
    "the state of an unknown latent variable": lambda e, id: e.map_state(id, 1, "y"),
    "an epoch that is no number": lambda e, id: e.map(id, "x", "z"),
    "all images of a run that is none": lambda e, id: e.full_dataset(ABSENT, 1),
    "all images after an epoch without a snapshot": lambda e, id: e.full_dataset(id, 99),
    "to continue a run that is none": lambda e, id: e.resubmit(ABSENT),
    "to continue with no epochs": lambda e, id: e.resubmit(id, epochs=0),
    "a method more": lambda e, id: e.film(id, 1),
    "an argument more": lambda e, id: e.map(id, 1, "z", kind="film"),
}
TAKEN = {
    **{f"a map: {n}": (lambda e, id, n=n: e.map(id, 1, "z", n)) for n, a in ANALYSES.items() if not a.of_dataset},
    "the state of a map": lambda e, id: e.map_state(id, 1, "z"),
    "the state of a map of a run that is none": lambda e, id: e.map_state(ABSENT, 1, "z"),
    "all images": lambda e, id: e.full_dataset(id, 1),
    "the state of all images": lambda e, id: e.full_dataset_state(id, 1),
    "to stop a run that is none": lambda e, id: e.stop(ABSENT),
    "to stop a run that has ended": lambda e, id: e.stop(id),
    "to continue a run that has ended": lambda e, id: e.resubmit(id, epochs=3),
    "to continue it twice": lambda e, id: (e.resubmit(id), e.resubmit(id)),
    "the states of runs": lambda e, id: {k: replace(v, since=0) for k, v in e.states([id, ABSENT, ""]).items()},
    "the records of a run that is none": lambda e, id: e.events(ABSENT, 5),
    "what the machine gives": lambda e, id: e.capacity(),
    "a warm process": lambda e, id: e.warm(),
    "to submit": lambda e, id: e.submit(Run.make("digits", "m2", seed=3)) and None,
}


def outcome(engine: Local, call: Callable, id: str) -> tuple:
    """What a call gives, or the exception's type and sentence; without the folder, which differs."""
    try:
        result = call(engine, id)
    except (TypeError, AttributeError) as e:
        return type(e), "a call that no engine has"
    except ValueError as e:  # StoreError, RunError and JobsError are
        return type(e), str(e).replace(str(engine.root), "ROOT").replace(id, "ID")
    finally:
        waiting = engine.queue.rows()
        asked = engine.queue.next_map()
        engine.queue.close()
    left = (asked.which, asked.epoch, asked.method) if asked else None
    return repr(result).replace(id, "ID"), len(waiting), left, Folder(engine.root / id).status()["state"]


@pytest.mark.parametrize("what", [*REFUSED, *TAKEN])
def test_the_fake_engine_takes_and_refuses_what_the_real_one_does(what, tmp_path):
    call, seen = {**REFUSED, **TAKEN}[what], []
    for kind in (Unserved, FakeEngine):
        root = tmp_path / kind.__name__
        seen.append(outcome(kind(root), call, made(root)))
    assert seen[0] == seen[1]
    assert (isinstance(seen[0][0], type) and issubclass(seen[0][0], Exception)) == (what in REFUSED), seen[0]


def test_one_engine_stands_in_for_all_tests(engine_sources):
    """A second one would be held to nothing. (`Lab` of lab.py is the real engine, with questions.)"""
    assert engine_sources == {"fake_engine.py": ["FakeEngine"], "lab.py": ["Lab"], "test_fakes.py": ["Unserved"]}


@pytest.fixture
def engine_sources() -> dict[str, list[str]]:
    """Classes in tests that have a method which only engines have, or are one."""
    import ast
    from pathlib import Path

    found: dict[str, list[str]] = {}
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                methods = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
                heir = {b.id for b in node.bases if isinstance(b, ast.Name)} & {"Local", "FakeEngine"}
                if heir or methods & {"map_state", "whole_state", "submit", "resubmit", "capacity"}:
                    found.setdefault(path.name, []).append(node.name)
    return found


# --- the stand-ins for training and for what makes analyses


def test_the_fake_training_is_called_as_the_real_one():
    from models.training.loop import train

    real, fake = shape(train), shape(fake_training.train)
    assert [p[:2] for p in fake] == [p[:2] for p in real]


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
def test_the_fake_analyses_are_called_as_the_real_ones(analysis, monkeypatch):
    monkeypatch.delenv("FEWLABELS_ANALYSES", raising=False)
    real = shape(analysis.function())
    monkeypatch.setenv("FEWLABELS_ANALYSES", "fake_training")
    assert [p[1:] for p in shape(analysis.function())] == [p[1:] for p in real]


def test_an_analysis_without_a_stand_in_is_refused(monkeypatch):
    monkeypatch.setenv("FEWLABELS_ANALYSES", "fake_training")
    with pytest.raises(AttributeError):
        replace(ANALYSES["umap"], name="isomap").function()


def test_jobs_engine_is_the_real_one_unless_a_test_says_otherwise(tmp_path):
    assert type(jobs.engine(tmp_path)) is Local


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_the_fake_runs_leave_what_real_runs_leave(model, tmp_path):
    """Kinds of records, their keys and the terms of J: all that a fake run has, a real one has too."""
    import fake_runs
    from test_train import small

    from models.training.worker import work

    def left(folder: Folder) -> dict[str, set[str]]:
        keys: dict[str, set[str]] = {}
        for record in folder.records(0)[0]:
            keys.setdefault(record["kind"], set()).update(record)
            keys.setdefault("terms", set()).update(record.get("terms") or ())
        files = {p.relative_to(folder.path).parts[0] for p in folder.path.rglob("*") if p.is_file()}
        return keys | {"files": files}

    real = Folder.create(small(model, epochs=1), tmp_path)
    assert work(real) == "done", real.status()["detail"]
    fake = left(fake_runs.make(tmp_path, "done", dataset="digits", model=model, epochs=1))
    for kind, keys in left(real).items():
        # A result has a fingerprint where a table may hold the run, which none as short as this one is.
        assert fake.get(kind, set()) - {"fingerprint"} <= keys, kind
