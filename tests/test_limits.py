"""A run asks for nothing that this explorer could not build or begin, whoever wrote it; and every preset may."""

import json
from dataclasses import fields, replace

import pytest

from models import errors, limits, load_class
from models.__main__ import main
from models.errors import RunError
from models.limits import MOST_EPOCHS, MOST_THREADS
from models.methods.presets import PRESETS
from models.nn.settings import Settings
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder
from tests.kinds import PAIRS

BEYOND = {
    "width": (4000, 0, 257, 32.0, True, None, "32"),
    "n_z": (10**9, 0, -1),
    "n_a": (10**9, 0),
    "hidden": ((10**9,), (), (8,) * 5, (0,), ("8",), 8),
    "filters": (10**6, -1),
    "batch_l": (10**8, -1),
    "batch_u": (10**8, 0),
    "bound_u": (10**8, -1),
    "classes_exact": (10**8, -1),
    "classes_drawn": (10**8, 0),
    "svm_copies": (10**9, -1),
    "svm_c": (0.0, -1.0, float("inf")),
    "beta": (float("nan"), float("inf"), -1.0, "1"),
    "lr": (float("nan"), -1e-3, 1e9),
    "dropout": (1.0, -0.1),
    "ema": (1.5, -0.1),
    "net": ("huge", 1, None),
    "schedule": ("", 0),
    "bf16": (1, "yes", None),
}

SETTINGS = {f.name: f.metadata["range"] for f in fields(Settings)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BEYOND.items() for v in values])
def test_a_setting_out_of_its_range_is_named_with_the_range(name, value):
    run = Run.make()
    with pytest.raises(RunError) as said:
        replace(run, settings=replace(run.settings, **{name: value}))
    assert f"setting {name} = " in str(said.value)
    assert f"Choose {SETTINGS[name]}." in str(said.value)
    assert "\n" not in str(said.value)
    assert len(str(said.value)) < 250


@pytest.mark.parametrize(
    ("field", "value", "most"),
    [("threads", 2**31, MOST_THREADS), ("threads", MOST_THREADS + 1, MOST_THREADS), ("epochs", 2**31, MOST_EPOCHS),
     ("validation", 10**9, 1000), ("seed", 2**31 + 1, 2**31), ("labels", 10**100, 2**31)],
)  # fmt: skip
def test_a_number_of_a_run_has_a_stated_limit(field, value, most):
    with pytest.raises(RunError, match=f"is not a possible number of {field}.* to {most:,}") as said:
        Run.make(**{field: value})
    assert len(str(said.value)) < 250


def test_the_shell_refuses_threads_that_no_machine_can_start(capsys, tmp_path):
    """OpenMP ends the process when it is asked for so many, and leaves a run that is "running"."""
    assert main(["train", "--threads", str(2**31), "--runs", str(tmp_path)]) == 2
    assert "Choose a whole number from 0 to 512." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("odd", [{"threads": 2**31}, {"settings": {"width": 4000}}, {"settings": {"lr": float("nan")}}])
def test_a_run_read_from_a_folder_is_held_to_the_same(odd, tmp_path):
    folder = Folder.create(Run.make(), tmp_path)
    whole = json.loads((folder.path / "run.json").read_text())
    whole["run"] |= {**odd, "settings": whole["run"]["settings"] | odd.get("settings", {})}
    (folder.path / "run.json").write_text(json.dumps(whole))
    with pytest.raises(errors.StoreError, match="Choose a "):
        _ = folder.run
    assert store.runs(tmp_path) == []


def test_every_setting_has_a_range_that_its_default_and_every_preset_fit():
    assert limits.trouble(Settings()) == ""
    for model, dataset in PAIRS:
        for preset in PRESETS:
            assert limits.trouble(Run.make(dataset, model, preset=preset).settings) == ""


def test_the_largest_networks_within_the_ranges_fit_into_memory():
    """Every size at its most at once; built without memory, and their weights counted."""
    import torch

    sizes = {
        n: r.most for n, r in SETTINGS.items() if isinstance(r, limits.Number) and r.whole and n != "classes_exact"
    }
    hidden = (SETTINGS["hidden"].size.most,) * SETTINGS["hidden"].most
    for model in ("m1", "m2", "adgm", "supervised"):
        for net in SETTINGS["net"].of:
            s = Settings(**sizes, net=net, hidden=hidden, conv_encoder=True, encoder_sees_y=True)
            with torch.device("meta"):
                built = load_class(model).build((3, 32, 32), 100, s)
            weights = sum(t.numel() * t.element_size() for t in built.state_dict().values())
            assert weights < 2**30, (model, net, weights)
