"""A figure is shown as long as today's code would make it again: what makes it stale, and what does not."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fake_runs
import pytest
import torch
from torch import nn

from models import MODELS
from models.methods.adgm.model import ADGM
from models.methods.m1.model import M1
from models.methods.m2.model import M2
from models.nn import distributions, networks
from models.results import fingerprint as fingerprints
from models.results import outcome, table
from models.results.fingerprint import fingerprint
from models.results.outcome import TOLERANCE, fingerprint_key, outcome_of, same, todays_fingerprints
from models.results.reference import REFERENCE, counts, entries, entry_from, read_entries, reference_file
from models.runs.run import Run

ROOT = Path(__file__).parents[1]
M1_OF_DIGITS = ("digits", "m1", "tuned")


@pytest.mark.parametrize("of", [tuple(key.split()) for key in todays_fingerprints()], ids=" ".join)
def test_what_is_kept_is_what_todays_code_gives(of):
    """After a change of training call `python -m models.results.fingerprint`; older figures then no longer count."""
    assert same(fingerprint(*of), todays_fingerprints()[fingerprint_key(*of)])


def test_every_reference_figure_that_is_delivered_is_todays():
    """None is kept that is not shown, and each says which code trained it."""
    files = sorted(REFERENCE.glob("*.json"))
    assert files
    for file in files:
        for entry in read_entries(file):
            o = entry.outcome
            assert fingerprint_key(o.dataset, o.model, o.preset) in todays_fingerprints()
            assert counts(entry), f"{file.name}: {o.model}, {o.labels} labels, seed {o.seed} is stale"
            assert same(o.fingerprint, todays_fingerprints()[fingerprint_key(o.dataset, o.model, o.preset)])


def today(*of) -> dict:
    return todays_fingerprints()[fingerprint_key(*(of or M1_OF_DIGITS))]


def test_another_build_order_makes_figures_stale(monkeypatch):
    """That of M1 until 2026-11-26, when q(z|x) drew its weights before p(x|z); 21 figures of it were shown too long."""

    def build(cls, shape, n_y, s):
        q_z = distributions.ConditionalNormal(*networks.encoder(shape, s), s.n_z)
        return cls(q_z, distributions.ConditionalPixels(networks.decoder((s.n_z,), shape, s), shape), n_y, s.n_z, s)

    monkeypatch.setattr(M1, "build", classmethod(build))
    assert not same(fingerprint(*M1_OF_DIGITS), today())


@pytest.mark.parametrize(
    ("cls", "name", "of"),
    [
        (M1, "kl_z", M1_OF_DIGITS),
        (M2, "unlabelled/entropy", ("digits", "m2", "tuned")),
        (M2, "consistency", ("digits", "m2", "tuned")),
        (ADGM, "labelled/prior_y", ("digits", "adgm", "tuned")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("factor", [0.0, 1.1])
def test_another_term_of_J_makes_figures_stale(monkeypatch, cls, name, of, factor):
    """Left out, or weighed a tenth more."""
    terms = cls.terms

    def other(self, *batch):
        found = terms(self, *batch)
        return found | {name: factor * found[name]}

    monkeypatch.setattr(cls, "terms", other)
    assert not same(fingerprint(*of), today(*of))


def test_another_draw_of_noise_makes_figures_stale(monkeypatch):
    bound = M1.bound_terms

    def drawn_before(self, x):
        torch.rand(1)
        return bound(self, x)

    monkeypatch.setattr(M1, "bound_terms", drawn_before)
    assert not same(fingerprint(*M1_OF_DIGITS), today())


def test_a_mere_refactoring_leaves_figures_as_they_are(monkeypatch):
    """Layers of other names, in another order and inside another module; terms of other names, in another order."""
    build, terms = M1.build.__func__, M1.terms

    class Renamed(M1):
        def __init__(self, q_z, p_x, *more):
            super().__init__(q_z, p_x, *more)
            del self.q_z, self.p_x
            self.encoder_and_decoder = nn.ModuleDict({"likelihood": p_x, "posterior": q_z})

        q_z = property(lambda self: self.encoder_and_decoder["posterior"], lambda self, _: None, lambda self: None)
        p_x = property(lambda self: self.encoder_and_decoder["likelihood"], lambda self, _: None, lambda self: None)

        def terms(self, *batch):
            return {f"bound/{name}": t for name, t in reversed(terms(self, *batch).items())}

    monkeypatch.setattr(M1, "build", classmethod(lambda cls, *given: build(Renamed, *given)))
    names = [name for name, _ in M1.build((1, 16, 16), 10, Run.make(model="m1").settings).named_parameters()]
    assert all(name.startswith("encoder_and_decoder.") for name in names)
    assert same(fingerprint(*M1_OF_DIGITS), today())


def test_a_fingerprint_leaves_the_process_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    with_two = fingerprint("digits", "supervised", "tuned")
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads
    assert with_two == fingerprint("digits", "supervised", "tuned")  # whatever the state it began in


def test_another_processor_differs_by_far_less_than_the_tolerance():
    """Kernels for the oldest processors in place of this one's, another library's products, two threads."""
    code = """
import json, sys, torch
from models.results.fingerprint import fingerprint
torch.backends.mkldnn.enabled = False
json.dump([fingerprint("digits", m, "tuned") for m in ("m1", "m2", "adgm", "supervised")], sys.stdout)
"""
    other = {**os.environ, "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=other, capture_output=True, text=True, check=True)
    for model, found in zip(("m1", "m2", "adgm", "supervised"), json.loads(done.stdout), strict=True):
        assert same(found, today("digits", model, "tuned"), TOLERANCE / 4), model


# What follows from it


@pytest.fixture
def figure(tmp_path):
    """A reference figure of M1 on the digits as its file holds it, and that file."""
    folder = fake_runs.make(tmp_path / "runs", at=0, model="m1")
    found = table.rows(["digits"], ["m1"], root=tmp_path / "runs", reference=None)
    readme = tmp_path / "README.md"
    readme.write_text(f"{table.BEGIN}\n{table.END}\n")
    table.keep_as_reference(found, folder.path.parent, tmp_path / "results", readme)
    file = reference_file("digits", "tuned", tmp_path / "results")
    (kept_figure,) = json.loads(file.read_text())["outcomes"]
    return kept_figure, file


@pytest.mark.parametrize(
    ("part", "at", "change", "counts_still"),
    [
        ("J", 0, 1 + 2e-4, False),
        ("J", 2, 1 - 2e-4, False),
        ("J", 1, 1 + 5e-5, True),
        ("weights", 0, 1 + 2e-4, False),
        ("weights", 1, 1 + 2e-4, False),
        ("weights", 0, 1 + 5e-5, True),
    ],
)
def test_a_reference_figure_whose_fingerprint_is_another_is_dropped(figure, part, at, change, counts_still):
    d, file = figure
    d["fingerprint"][part][at] *= change
    file.write_text(json.dumps({"outcomes": [d]}))
    found, troubles = entries(file.parent)
    assert (len(found), troubles) == (counts_still, [])


def test_a_reference_figure_without_a_fingerprint_is_stale(figure):
    d, _ = figure
    assert counts(entry_from(d))
    del d["fingerprint"]
    assert not counts(entry_from(d))


@pytest.mark.parametrize(
    "wrong",
    [
        3, [], {}, {"weights": [1, 2, 3]}, {"weights": [1, 2, 3], "J": [1, 2]},
        {"weights": [1, 2, 3], "J": [1, 2, "3"]}, {"weights": [1, 2, 3], "J": [1, 2, float("nan")]},
        {"weights": [1, 2, 3], "J": [1, 2, True]}, {"weights": [1, 2, 3], "J": [1, 2, 3], "more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_fingerprint_of_the_wrong_kind_is_told_and_breaks_nothing(figure, wrong, tmp_path):
    d, file = figure
    file.write_text(json.dumps({"outcomes": [d | {"fingerprint": wrong}]}))
    found, (trouble,) = entries(file.parent)
    assert found == []
    assert str(file) in trouble
    folder = fake_runs.make(tmp_path / "others", at=0, model="m1")
    folder.append({**folder.result(), "fingerprint": wrong})
    assert outcome_of(folder) is None


def test_ones_own_run_of_other_code_counts_no_more_and_is_trained_again(tmp_path, monkeypatch):
    folder = fake_runs.make(tmp_path, at=0, model="m1")
    assert outcome_of(folder).fingerprint == today()
    assert table.missing([folder.run], tmp_path, None) == []
    changed = {**todays_fingerprints(), fingerprint_key(*M1_OF_DIGITS): {"weights": [1, 2, 3], "J": [4, 5, 6]}}
    monkeypatch.setattr(outcome, "todays_fingerprints", lambda: changed)
    assert outcome_of(folder) is None
    assert table.missing([folder.run], tmp_path, None) == [folder.run]


def test_training_keeps_the_fingerprint_of_a_run_that_a_table_may_hold():
    from tiny import small_data

    from models.training.loop import train

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.load", lambda name: small_data())
        patch.setitem(MODELS, "supervised", replace(MODELS["supervised"], epochs=lambda *_: 1))
        today_run = Run.make("digits", "supervised", 10, threads=1)
        for run, kept_it in ((today_run, True), (replace(today_run, epochs=2), False)):
            *_, result = train(run)
            assert ("fingerprint" in result) == kept_it
            if kept_it:
                assert same(result["fingerprint"], today("digits", "supervised", "tuned"))


def test_the_command_writes_what_it_gives(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "FINGERPRINTS", tmp_path / "fingerprints.json")
    monkeypatch.setattr(fingerprints, "kept", lambda: [("digits", "supervised", "tuned")])
    assert fingerprints.main() == 0
    (value,) = json.loads((tmp_path / "fingerprints.json").read_text()).values()
    assert same(value, today("digits", "supervised", "tuned"))
