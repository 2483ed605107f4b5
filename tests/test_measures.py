"""Figures that a job makes once a run: Compare asks for them by a button, says how far they are, and shows them."""

import numpy as np
import pytest
from test_compare import drawn, make, open_page, quiet, root, said  # noqa: F401  # a fixture

from models.__main__ import main
from models.analysis import kept_figures, likelihood
from models.runs.store import Folder


def keep_likelihood(folder: Folder, bound: float) -> None:
    each = bound + np.array([-1.0, 1.0])
    arrays = {"bound": each, "one": each - 3, "samples": np.array([100])}
    kept_figures.keep(folder, 2, likelihood.OF, likelihood.METHOD, arrays)


def labels(app) -> list[str]:
    return [b.label for b in app.button]


@pytest.fixture
def three(root, engine) -> list[Folder]:  # noqa: F811
    return [make(root, m, weighed=False) for m in ("m2", "adgm", "supervised")]


def test_likelihoods_are_asked_for_by_a_button_and_no_sooner(three, engine):
    app = open_page(three)
    html = drawn(app)
    assert html.count("Not measured yet.") == 2
    assert "has no p(x|.), so there is no likelihood" in html
    assert not [a for a in engine.asked if a[3] == "likelihood"]
    button = next(b for b in app.button if b.label == "Compute the likelihoods")
    quiet(button.click().run())
    assert [a for a in engine.asked if a[3] == "likelihood"] == [(f.id, 2, "z", "likelihood") for f in three[:2]]
    app = open_page(three)
    assert "Compute the likelihoods" not in labels(app)
    assert "Waiting." in said(app)
    path = kept_figures.progress_path(three[0], 2, "z", "likelihood")
    path.parent.mkdir(exist_ok=True)
    path.write_text("0.4")
    assert "M2: 40 % done." in said(open_page(three))


def test_kept_likelihoods_are_shown_with_their_error_and_samples(three, engine):
    keep_likelihood(three[0], -90)
    keep_likelihood(three[1], -120)
    app = open_page(three)
    html = drawn(app)
    assert "<b>−90.0 ± 1.0 nats</b> per image" in html
    assert "100 samples for each of 2 test images; by one sample −93.0" in html
    assert "highest for M2" in " ".join(s.value for s in app.subheader)
    assert "over grey levels it is not" in said(app)
    assert "Compute the likelihoods" not in labels(app)
    keep_likelihood(three[1], -91)  # within the error
    assert "highest" not in " ".join(s.value for s in open_page(three).subheader)


def test_what_could_not_be_made_says_why_and_can_be_tried_again(three, engine):
    engine.fails("It diverged.", three[0].id, 2, "z", "likelihood")
    app = open_page(three)
    assert "It diverged." in drawn(app)
    assert "Compute the likelihoods" in labels(app)


def test_the_shell_prints_what_it_measures_and_keeps_the_usual(root, capsys):  # noqa: F811
    folder = make(root)
    assert main(["measure", folder.id, "--runs", str(root), "--samples", "2", "--images", "3", "--json"]) == 0
    out = capsys.readouterr().out
    assert '"samples": 2, "images": 3' in out
    assert not folder.map_path(2, "z", "likelihood").exists()
    keep_likelihood(folder, -90)
    assert main(["measure", folder.id, "--runs", str(root)]) == 0
    assert "log p(x) ≥ −90.0 ± 1.0 nats per image, by 100 samples for each of 2" in capsys.readouterr().out
    assert main(["measure", "no-such-run", "--runs", str(root)]) == 2
    other = make(root, "supervised")
    assert main(["measure", other.id, "--runs", str(root)]) == 0
    assert "has no p(x|.)" in capsys.readouterr().out
