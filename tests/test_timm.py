"""Networks of timm as backbones, on the file of a small one laid where timm looks for it: `--on timm:NAME`."""

from importlib import util
from pathlib import Path

import huggingface_hub.constants
import pytest
import timm
import torch
from safetensors.torch import save_file

import data
from models import MODELS
from models.__main__ import main
from models.analysis import inference
from models.errors import RunError
from models.nn import pretrained, pretrained_weights
from models.results import estimate
from models.runs.run import Run, is_id, on_backbone
from models.runs.store import Folder
from models.training.worker import work

NETWORK = "test_resnet.r160_in1k"
ON = f"timm:{NETWORK}"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty cache of Hugging Face's, which may not ask the network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    pretrained.of_timm.cache_clear()
    pretrained.ready.cache_clear()
    yield tmp_path / "hub"
    pretrained.of_timm.cache_clear()
    pretrained.ready.cache_clear()


@pytest.fixture
def laid(hub) -> torch.nn.Module:
    """The network whose weights, its classes included, lie there."""
    torch.manual_seed(0)
    made = timm.create_model(NETWORK).eval()
    repository = hub / f"models--timm--{NETWORK}"
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    save_file(made.state_dict(), repository / "snapshots" / ("0" * 40) / "model.safetensors")
    return made


def test_its_features_are_timms_own(laid):
    """The same numbers as timm gives for an image that timm itself has prepared."""
    from PIL import Image

    x = torch.from_numpy(data.load("digits").x_test[:4].copy()).float() / 255
    prepare = timm.data.create_transform(**timm.data.resolve_model_data_config(laid) | {"crop_pct": 1.0})
    images = [Image.fromarray((255 * one[0]).round().byte().numpy()).convert("RGB") for one in x]
    with torch.no_grad():
        maps = laid.forward_features(torch.stack([prepare(image) for image in images]))
        expected = laid.forward_head(maps, pre_logits=True)
    found = pretrained.features(ON, x)
    assert found.shape == (4, laid.num_features)
    tolerance = 0.05 if next(pretrained.ready(ON, x.device).parameters()).dtype == torch.bfloat16 else 1e-2
    assert (found - expected).norm() < tolerance * expected.norm()


def test_a_method_learns_on_it(laid, tmp_path, capsys):
    line = ["train", "--dataset", "digits", "--model", "m2", "--labels", "50", "--epochs", "1", "--threads", "1"]
    assert main([*line, "--on", ON, "--runs", str(tmp_path / "runs")]) == 0
    (folder,) = (Folder(path) for path in (tmp_path / "runs").iterdir() if is_id(path.name))
    assert folder.run.model == f"m2-on-{ON}"
    assert MODELS[folder.run.model].title == f"M2 on timm's {NETWORK}"
    assert f"--model m2 --on {ON} " in folder.run.command()
    assert inference.q_y(folder, [0, -1]).shape == (2, 10)
    assert estimate.looking(folder.run) == 0
    joined = Folder.create(Run.make("digits", on_backbone("supervised", f"{ON}+{ON}2"), 50), tmp_path / "runs")
    assert is_id(joined.id)


def test_what_lacks_is_told_with_what_to_do(hub, monkeypatch, capsys, tmp_path):
    line = ["train", "--dataset", "digits", "--on", ON, "--runs", str(tmp_path / "runs")]
    assert main(line) == 1
    assert f"python -m models fetch {ON}" in capsys.readouterr().err
    assert main(["fetch", ON]) == 1
    assert f"timm's {NETWORK} could not be downloaded" in capsys.readouterr().err
    there = util.find_spec
    monkeypatch.setattr("models.nn.timm_weights.find_spec", lambda name: None if name == "timm" else there(name))
    assert pretrained_weights.why_not(f"m2-on-{ON}") == "", "a method's name is no backbone's"
    for call in (line, ["fetch", ON]):
        assert main(call) == 1
        assert "pip install timm" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_network_that_timm_does_not_know_fails_in_a_sentence(laid, hub, tmp_path):
    (hub / f"models--timm--{NETWORK}").rename(hub / "models--timm--no_such_net")
    folder = Folder.create(Run.make("digits", on_backbone("supervised", "timm:no_such_net"), 50), tmp_path)
    assert work(folder) == "failed"
    assert folder.status()["detail"] == "timm has no network named no_such_net."
    with pytest.raises(RunError, match="There is no backbone 'timm:'"):
        on_backbone("supervised", "timm:")
