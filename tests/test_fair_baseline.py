"""A method is held against labels only with its own augmentation, decay, averaging, batches and epochs."""

import json

import fake_runs
import pytest

from data import DATASETS
from models import BASELINE, MODELS, baseline_of
from models.errors import RunError
from models.methods.presets import PRESETS
from models.methods.supervised.card import AUGMENTATION
from models.results import table
from models.results.outcome import fingerprint_key, todays_fingerprints
from models.runs.run import Run, is_todays

SHARED = ("augment", "flip", "cutout", "color_jitter", "mixup", "weight_decay", "ema", "schedule", "lr",
          "batch_l", "batch_u", "net", "hidden", "width", "dropout", "filters")  # fmt: skip
CASES = [(d, p) for d in ("digits", "mnist", "cifar10", "cifar100", "moons") for p in PRESETS]


@pytest.mark.parametrize(("dataset", "preset"), CASES)
def test_the_baseline_differs_from_the_method_in_what_it_learns_from_alone(dataset, preset):
    spec = DATASETS[dataset]
    for model, card in MODELS.items():
        if not card.suits(spec) or model == BASELINE or not card.labels_train_a_classifier:
            continue
        held, own = baseline_of(model, spec, preset)
        fair, theirs = Run.make(dataset, held, preset=own), Run.make(dataset, model, preset=preset)
        assert (held, fair.epochs) == (BASELINE, theirs.epochs), model
        strong = {"cutout", "color_jitter"} if "strong" in card.reads else set()  # its labelled images do not see them
        for name in set(SHARED) - strong:
            expected = getattr(theirs.settings, name) if name in card.reads else type(theirs.settings)().__dict__[name]
            if name in card.reads or name in AUGMENTATION:
                assert getattr(fair.settings, name) == expected, (model, name)
        assert is_todays(fair)
        assert own == preset or (fair.settings, fair.epochs) != (
            (usual := Run.make(dataset, held, preset=preset)).settings, usual.epochs
        )  # fmt: skip


def test_adgms_on_mnist_has_its_cutout_and_decay():
    assert baseline_of("adgm", DATASETS["mnist"], "tuned") == (BASELINE, "as-adgm")
    fair = Run.make("mnist", BASELINE, preset="as-adgm")
    assert (fair.settings.cutout, fair.settings.weight_decay, fair.epochs) == (0.4, 0.05, 13)
    assert "--preset as-adgm" in fair.command()
    assert Run.from_dict(json.loads(json.dumps(fair.to_dict()))) == fair
    fixmatch = Run.make("cifar10", BASELINE, preset="as-fixmatch").settings
    assert (fixmatch.cutout, fixmatch.color_jitter, fixmatch.shift, fixmatch.flip) == (0.0, 0.0, 0.125, True)


def test_methods_whose_labels_teach_no_such_classifier_keep_the_usual_one():
    for model in ("m1", "m1m2", "label-spreading"):
        assert baseline_of(model, DATASETS["mnist"], "tuned") == (BASELINE, "tuned")
    assert baseline_of("m2-on-efficientnet", DATASETS["cifar10"], "tuned") == ("efficientnet", "tuned")


@pytest.mark.parametrize(
    ("model", "preset", "says"),
    [("m2", "as-adgm", "is for labels only, not for M2"), (BASELINE, "as-m1", "There is no preset"),
     (BASELINE, "as-", "There is no preset"), (BASELINE, "as-as-m2", "There is no preset"),
     (BASELINE, "as-m2-on-efficientnet", "There is no preset")],
)  # fmt: skip
def test_other_names_are_refused_in_a_sentence(model, preset, says):
    with pytest.raises(RunError, match=says):
        Run.make("digits", model, preset=preset)


def test_a_table_trains_and_shows_the_fair_one(tmp_path):
    wanted = table.wanted(["digits"], ["m2", "adgm", BASELINE], 100, 2)
    assert [(r.model, r.preset) for r in wanted[::2]] == [
        ("m2", "tuned"), ("adgm", "tuned"), (BASELINE, "tuned"), (BASELINE, "as-adgm"),
    ]  # fmt: skip
    assert {r.model for r in table.wanted(["digits"], ["adgm"], 100, 1)} == {"adgm"}, "nobody asked for a baseline"
    fake_runs.make(tmp_path, "done", at=0, model="adgm")
    usual = fake_runs.make(tmp_path, "done", at=0, model=BASELINE)
    (row,) = table.rows(["digits"], ["adgm"], root=tmp_path, reference=None)
    assert row.baseline.outcomes[0].run == usual.id, "until the fair one was trained"
    fair = fake_runs.make(tmp_path, "done", at=0, model=BASELINE, preset="as-adgm")
    todays = todays_fingerprints()[fingerprint_key("digits", BASELINE, "as-adgm")]
    fair.append({**fair.result(), "fingerprint": todays})
    rows = table.rows(["digits"], ["adgm", BASELINE], root=tmp_path, reference=None)
    assert rows[0].baseline.outcomes[0].run == fair.id
    assert rows[1].outcomes[0].run == usual.id, "its own row keeps its usual preset"
    assert "`as-adgm`" in table.text(rows)
    table.merge([o for row in (rows[0], rows[0].baseline) for o in row.outcomes], tmp_path, tmp_path / "kept")
    shown = table.reference_rows(tmp_path / "kept")
    assert {r.preset for r in shown} == {"tuned"}
    assert next(r for r in shown if r.model == "adgm").baseline.preset == "as-adgm"
