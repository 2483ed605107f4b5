"""Looking inside a run: what pages get is what the model draws, whoever asks, and bad luck is told in a sentence."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import data
from data import DataError
from models import IMAGE_MODELS, MODELS, load_class
from models.analysis import inference
from models.errors import StoreError
from models.nn.settings import Settings
from models.runs.run import Run
from models.runs.store import Folder
from models.training import snapshot
from models.training.checkpoint import save_tensors

SMALL = Settings(net="dense", n_z=3, n_a=2, hidden=(16,), width=4, bf16=False)
IDS = [0, 5, -1, -500]
DRAWING = [name for name, card in IMAGE_MODELS.items() if card.draws]


def make(root: Path, model: str, dataset: str = "digits", seed: int = 0, settings: Settings = SMALL) -> Folder:
    """A run folder with the weights of a model that learned nothing yet."""
    run = replace(Run.make(dataset, model), settings=settings)
    folder = Folder.create(run, root)
    weights(folder, seed)
    return folder


def with_snapshot(root: Path, model: str) -> Folder:
    """The same, finished, with the file of a snapshot, which says of which epoch the weights are."""
    made = make(root, model)
    (made.path / "latents").mkdir(exist_ok=True)
    save_file({"z": np.zeros((1, 2), np.float16)}, made.path / "latents" / "0001.safetensors")
    made.set_status("done")
    return made


def weights(folder: Folder, seed: int) -> torch.nn.Module:
    run, spec = folder.run, data.DATASETS[folder.run.dataset]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = load_class(run.model).build(spec.shape, spec.n_classes, run.settings).eval()
    if run.model == "m1":
        rng = np.random.default_rng(seed)
        z = rng.standard_normal((run.labels, run.settings.n_z)).astype(np.float32)
        y = np.arange(run.labels) % spec.n_classes
        model.set_svm(z, y)
        kept = {"z": z, "y": y, "originals": len(y)}
        save_tensors(folder.path / "svm.safetensors", {name: torch.as_tensor(t) for name, t in kept.items()})
    save_tensors(folder.path / "model.safetensors", model.state_dict())
    return model


@pytest.fixture(params=DRAWING)
def folder(request, tmp_path) -> Folder:
    return make(tmp_path, request.param)


def test_rows_are_classes_and_columns_share_a_style(folder):
    grid = inference.class_grid(folder, columns=4, seed=3)
    assert grid.shape == (10, 4, 16, 16, 1)
    assert grid.dtype == np.uint8
    model = weights(folder, seed=0)
    z = snapshot.styles(model, 4, seed=3)
    with torch.inference_mode():
        for k in range(10):
            for j in range(4):
                alone = snapshot.to_uint8(model.generate(torch.tensor([k]), z[j : j + 1]))[0]
                assert np.abs(alone.astype(int) - grid[k, j]).max() <= 1


def test_a_seed_names_its_styles(folder):
    grid = inference.class_grid(folder, columns=4, seed=3)
    assert np.array_equal(grid, inference.class_grid(folder, columns=4, seed=3))
    assert np.array_equal(grid, inference.class_grid(folder, columns=9, seed=3)[:, :4])
    assert not np.array_equal(grid, inference.class_grid(folder, columns=4, seed=4))
    assert np.array_equal(grid[[7, 2]], inference.class_grid(folder, columns=4, seed=3, classes=[7, 2]))


def test_the_first_styles_of_seed_0_are_those_of_the_samples_kept_while_training(folder):
    images = data.load("digits")
    with torch.inference_mode():
        kept = snapshot.class_sheet(inference.load(folder), data.split(images, 100, 0), torch.device("cpu"))
    assert np.array_equal(kept, snapshot.sheet(inference.class_grid(folder, columns=snapshot.COLUMNS)))


def test_no_spread_is_the_middle_of_each_class(folder):
    grid = inference.class_grid(folder, columns=3, spread=0.0)
    assert (grid == grid[:, :1]).all()
    assert not (grid == grid[:1]).all()


def test_a_walk_goes_from_the_first_style_to_the_second(folder):
    ends = inference.class_grid(folder, columns=2, seed=5).astype(int)
    walk = inference.class_grid(folder, columns=7, seed=5, between=True).astype(int)
    assert np.abs(walk[:, [0, -1]] - ends).max() <= 1
    steps = np.abs(np.diff(walk, axis=1)).mean((0, 2, 3, 4))
    assert steps.max() < np.abs(ends[:, 1] - ends[:, 0]).mean()


def test_an_arc_stays_as_far_from_the_middle_as_its_ends():
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    assert torch.allclose(inference.walk(a, b, 5).norm(dim=1), torch.tensor(3.0))
    assert torch.isfinite(inference.walk(a, a, 5)).all()
    assert torch.isfinite(inference.walk(a, -a, 5)).all()


def test_a_swap_keeps_the_style_and_changes_the_class(folder):
    swap = inference.swap(folder, IDS)
    images = data.load("digits")
    shown = np.stack([images.x[0], images.x[5], images.x_test[0], images.x_test[499]])
    assert np.array_equal(swap["image"], np.moveaxis(shown, 1, -1))
    assert swap["classes"].shape == (4, 10, 16, 16, 1)
    likeliest = swap["q_y"].argmax(1)
    own = swap["classes"][np.arange(4), likeliest].astype(int)
    assert np.abs(own - swap["reconstruction"]).max() <= 1
    assert len({picture.tobytes() for picture in swap["classes"][0]}) > 1


def test_m1_reconstructs_from_the_code_itself(tmp_path):
    """Into the Gaussian of a class and out of it again must be no way at all."""
    folder = make(tmp_path, "m1")
    model = inference.load(folder)
    with torch.inference_mode():
        straight = snapshot.to_uint8(model.decode(torch.as_tensor(inference.encode(folder, IDS)["z"]))).astype(int)
    assert np.abs(straight - inference.swap(folder, IDS)["reconstruction"]).max() <= 1


@pytest.mark.parametrize("model", [*DRAWING, "supervised"])
def test_codes_and_classes_of_images(tmp_path, model):
    folder = make(tmp_path, model)
    q_y = inference.q_y(folder, IDS)
    assert q_y.shape == (4, 10)
    assert np.allclose(q_y.sum(1), 1, atol=1e-5)
    assert np.array_equal(q_y, inference.q_y(folder, IDS)), "ADGM's draws must be the same"
    codes = inference.encode(folder, IDS)
    sizes = {"z": 3, "h": 16}  # all other latents have the size of a
    assert {name: code.shape for name, code in codes.items()} == {
        name: (4, sizes.get(name, 2)) for name in MODELS[model].latents
    }
    if model != "supervised":
        assert np.array_equal(q_y, inference.swap(folder, IDS)["q_y"])


def test_looking_leaves_no_trace(folder):
    threads, rng_state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        inference.class_grid(folder)
        inference.swap(folder, IDS)
        with pytest.raises(StoreError):
            inference.class_grid(folder, classes=[10])
        assert torch.get_num_threads() == 2
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert torch.equal(torch.get_rng_state(), rng_state)
    finally:
        torch.set_num_threads(threads)


def test_many_at_once_see_what_one_alone_sees(tmp_path):
    folders = [make(tmp_path, model) for model in DRAWING]
    alone = [(inference.class_grid(f, seed=s), inference.q_y(f, [s])) for f in folders for s in range(4)]
    inference._kept.clear()
    seen: dict[int, tuple] = {}

    def look(i: int) -> None:
        f, s = folders[i // 4], i % 4
        seen[i] = inference.class_grid(f, seed=s), inference.q_y(f, [s])

    threads = [threading.Thread(target=look, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(np.array_equal(a, b) for i in range(12) for a, b in zip(alone[i], seen[i], strict=True))


def test_weights_are_read_once_and_again_when_they_change(folder):
    first = inference.load(folder)
    assert inference.load(folder) is first
    before = inference.class_grid(folder)
    weights(folder, seed=1)
    assert inference.load(folder) is not first
    assert not np.array_equal(inference.class_grid(folder), before)
    assert sum(key[0] == str(folder.path) for key in inference._kept) == 1


def test_an_svm_of_a_later_epoch_is_seen_too(tmp_path):
    """It is written after the weights: who looks in between must not keep the new weights with the old machine."""
    folder, other = make(tmp_path, "m1"), make(tmp_path, "m1", seed=1)
    before = inference.class_grid(folder)
    (folder.path / "svm.safetensors").write_bytes((other.path / "svm.safetensors").read_bytes())
    assert not np.array_equal(inference.class_grid(folder), before)


def test_models_are_kept_up_to_a_bound_and_the_one_used_last_stays(tmp_path):
    folders = [make(tmp_path, "m2", seed=i) for i in range(inference.MODELS_KEPT + 1)]
    first = inference.load(folders[0])
    for f in folders[1:-1]:
        inference.load(f)
    inference.load(folders[0])
    inference.load(folders[-1])
    assert len(inference._kept) == inference.MODELS_KEPT
    assert inference.load(folders[0]) is first


def test_a_hundred_classes_in_colour_need_no_data_set(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    folder = make(tmp_path, "m2", "cifar100")
    assert inference.class_grid(folder, columns=2, classes=[99, 0]).shape == (2, 2, 32, 32, 3)
    with pytest.raises(DataError, match="CIFAR-100 is not on this machine"):
        inference.swap(folder, [0])


def test_what_cannot_be_seen_is_told_in_a_sentence(tmp_path):
    folder = make(tmp_path, "m1")
    for ids in ([1297], [-501], []):
        with pytest.raises(StoreError, match="no such image"):
            inference.q_y(folder, ids)
    with pytest.raises(StoreError, match="too many"):
        inference.encode(folder, range(1001))
    with pytest.raises(StoreError, match="not classes of Digits"):
        inference.swap(folder, [0], classes=[-1])
    for columns in (0, snapshot.MOST_COLUMNS + 1):
        with pytest.raises(StoreError, match=f"cannot have {columns} columns"):
            inference.class_grid(folder, columns)
    with pytest.raises(StoreError, match="cannot draw"):
        inference.class_grid(make(tmp_path, "supervised"))


@pytest.mark.parametrize("name", ["model.safetensors", "svm.safetensors"])
def test_absent_and_damaged_weights(tmp_path, name):
    folder = make(tmp_path, "m1")
    path = folder.path / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match=f"{name} is damaged"):
        inference.class_grid(folder)
    path.unlink()
    with pytest.raises(StoreError, match="its weights come with its first epoch"):
        inference.class_grid(folder)


def test_weights_of_another_version(tmp_path):
    folder, other = make(tmp_path, "m2"), make(tmp_path, "m2", settings=replace(SMALL, n_z=5))
    (folder.path / "model.safetensors").write_bytes((other.path / "model.safetensors").read_bytes())
    with pytest.raises(StoreError, match="another version of M2"):
        inference.class_grid(folder)
