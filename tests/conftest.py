"""What every test needs: the project importable, and few threads on a shared machine."""

import os
import sys
from pathlib import Path

# Before numpy or torch are imported, which read them once.
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pytest
from jaxtyping import install_import_hook

# The shapes that the methods' signatures name are checked wherever a test calls them (loads no torch by itself).
METHODS = ("m1", "m2", "adgm", "supervised", "inception", "classes", "nets", "kl", "vary")
install_import_hook([f"models.{name}" for name in METHODS], "beartype.beartype")


@pytest.fixture
def small_backbones(monkeypatch, tmp_path):
    """Pretrained networks are stood in for by the mean of 4x4 patches; what is kept of them lies in `tmp_path`."""
    import torch.nn.functional as F

    from models import backbones, weights

    def features(name, x):
        size = backbones.BACKBONES[name].features
        return F.adaptive_avg_pool2d(x, 4).flatten(1).repeat(1, -(-size // 16))[:, :size]

    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(backbones, "features", features)
    monkeypatch.setattr(backbones, "ready", lambda name, device: None)
    monkeypatch.setattr(weights, "path", lambda name: tmp_path / f"{name}-00000000.pth")


@pytest.fixture
def exactly():
    """Double precision and a fixed seed, for proofs; both are put back afterwards."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_default_dtype(before)
