"""The data room: what is loaded is right, what is written is whole, what is hidden stays hidden, errors are clear."""

import contextlib
import dataclasses
import errno
import functools
import gzip
import hashlib
import http.server
import io
import json
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import data
from data import cifar, digits, download, files, mnist
from data.images import draw_order

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
WORK = ("digits", "mnist", "fashion-mnist", "cifar10", "cifar100")


def quiet(done, what):
    """A progress that nobody watches."""


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Every test has an empty cache of its own and no further folders."""
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    data.opened.cache_clear()
    yield
    data.opened.cache_clear()


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing in this process may look for a server; a test that runs one on this machine asks for `real_sockets`."""

    def refuse(*args, **more):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def small(monkeypatch, name, n_train=40, n_test=20):
    """Let the data set have few images, so that a test can write all of it."""
    spec = dataclasses.replace(data.DATASETS[name], n_train=n_train, n_test=n_test)
    monkeypatch.setitem(data.DATASETS, name, spec)
    return spec


def left_over(name="*"):
    """Everything in the cache but locks, array files and finished folders: must be nothing."""
    if not files.cache().exists():
        return []
    return [p.name for p in files.cache().iterdir() if p.name.startswith(".") and not p.name.endswith(".lock")]


def is_a_sentence(error):
    text = str(error.value if hasattr(error, "value") else error)
    assert re.fullmatch(r"[A-Z/`F\"0-9-].*[.]", text), text
    assert "\n" not in text
    assert "Traceback" not in text
    assert len(text) < 400, text
    return True


def same(a, b):
    for key in files.ARRAYS:
        np.testing.assert_array_equal(getattr(a, key), getattr(b, key))
    assert a.classes == b.classes
    return True


# The registry


def test_the_registry_says_what_there_is():
    assert tuple(data.IMAGE_SETS) == WORK
    assert tuple(data.DATASETS) == WORK + tuple(data.POINT_SETS)
    for name, spec in data.DATASETS.items():
        assert spec.name == name
        assert spec.kind == ("images" if name in WORK else "points")
    for name, spec in data.IMAGE_SETS.items():
        assert spec.grey == (spec.shape[0] == 1)
        assert spec.source.endswith(".")
        assert spec.default_labels == (100 if name == "digits" else 1000)
        assert spec.few_labels == (20 if name == "digits" else 0)
        assert (spec.size == 0) == (name == "digits")


def test_loading_imports_neither_torch_nor_scikit_learn():
    code = (
        "import sys, data; data.split(data.load('digits'), 100, seed=0); data.availability('cifar10');"
        "print(sorted({'torch', 'torchvision', 'sklearn', 'streamlit', 'models', 'pages'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_answered_with_the_known_ones():
    for ask in (data.load, data.availability, lambda name: data.fetch(name, quiet)):
        with pytest.raises(data.DataError, match=r"There is no data set '\.\./x'\. Choose one of digits, mnist, ") as e:
            ask("../x")
        assert is_a_sentence(e)


@pytest.mark.parametrize("name", [name for name in WORK if name != "digits"])
def test_an_absent_data_set_is_a_sentence_and_no_download(name):
    assert data.availability(name) == "absent"
    with pytest.raises(data.DataError, match=r"is not on this machine yet\. Download it on the Data page") as e:
        data.load(name)
    assert is_a_sentence(e)


def test_a_folder_that_does_not_exist_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / "typo"))
    with pytest.raises(data.DataError, match=r"FEWLABELS_DATA names .*/typo, which is no folder") as e:
        data.load("mnist")
    assert is_a_sentence(e)


# Digits


def test_digits_are_whole_and_their_test_set_is_fixed():
    images = data.load("digits")
    assert images.shape == (1, 16, 16)
    assert images.x.shape == (1297, 1, 16, 16)
    assert images.x_test.shape == (500, 1, 16, 16)
    assert images.x.dtype == images.x_test.dtype == np.uint8
    assert images.y.dtype == images.y_test.dtype == np.int64
    assert images.classes == tuple("0123456789")
    assert np.bincount(images.y_test).tolist() == [50] * 10
    assert images.y_test[:10].tolist() == [1, 2, 3, 1, 3, 5, 0, 1, 5, 5]  # published results depend on it
    # No image twice, none lost: all 1,797 come back, class by class.
    assert np.bincount(np.r_[images.y, images.y_test]).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert len(np.unique(np.r_[images.x, images.x_test].reshape(1797, -1), axis=0)) == 1797


def test_digits_are_resized_smoothly_and_use_the_whole_range():
    images = data.load("digits")
    assert (images.x.min(), images.x.max()) == (0, 255)
    assert len(np.unique(images.x)) > 200  # repeating pixels would leave 17 grey levels
    steps = np.abs(np.diff(images.x[:, 0].astype(int), axis=2))
    assert steps[:, :, 0::2].mean() < 2 * steps[:, :, 1::2].mean()  # nor are there 2x2 blocks
    assert 0.300 < images.x.mean() / 255 < 0.315  # as bright as the 8x8 originals: 4.88 of 16


def test_digits_are_those_of_scikit_learn_wherever_it_keeps_them(tmp_path):
    from sklearn.datasets import load_digits

    pixels, y = load_digits(return_X_y=True)
    spec = data.DATASETS["digits"]
    for path in (digits.find(spec, tmp_path).path, tmp_path / "moved.csv.gz"):
        found, classes = digits.read(path)
        np.testing.assert_array_equal(found, pixels)
        np.testing.assert_array_equal(classes, y)
    assert digits.find(spec, tmp_path).path.is_file(), "slow, though right: scikit-learn has moved its file"


# The array cache


def test_an_id_names_a_training_or_a_test_image():
    images = data.load("digits")
    shown = data.pixels(images, [-1, 0, 1296, -500])
    assert shown.dtype == np.uint8
    assert np.array_equal(shown, [images.x_test[0], images.x[0], images.x[1296], images.x_test[499]])


def test_arrays_are_read_only_and_kept_in_memory():
    images = data.load("digits")
    assert data.load("digits") is images
    for key in files.ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(images, key)[0] = 0


def test_the_second_load_maps_the_file_and_decodes_nothing(monkeypatch):
    first = data.load("digits")
    assert data.availability("digits") == "ready"
    data.opened.cache_clear()
    monkeypatch.setattr(digits, "load", None)
    second = data.load("digits")
    assert same(first, second)
    base = second.x
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert type(second.x) is np.ndarray  # plain: a memmap would pass its kind on to whatever is computed from it


def cut(n):
    return lambda whole: whole[:n]


def flip(at):
    return lambda whole: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [cut(0), cut(4), cut(100), cut(200_000), cut(-1), flip(0), flip(7), flip(20), flip(70_000), flip(-2),
     lambda whole: whole + b"0", lambda whole: b"\0" * len(whole), lambda whole: b"\xff" * len(whole),
     lambda whole: (2).to_bytes(8, "little") + b"{}", lambda whole: (2).to_bytes(8, "little") + b"[]" + whole],
)  # fmt: skip
def test_a_damaged_array_file_is_made_anew(damage, caplog):
    first = data.load("digits")
    whole = files.array_file("digits").read_bytes()
    # Replaced, not overwritten: `first` is a map of the old file.
    files.array_file("digits").unlink()
    files.array_file("digits").write_bytes(damage(whole))
    data.opened.cache_clear()
    assert same(data.load("digits"), first)
    assert "is damaged" in caplog.text
    data.opened.cache_clear()
    caplog.clear()
    assert same(data.load("digits"), first)
    assert not caplog.text
    assert left_over() == []


def test_everything_is_under_the_checksum():
    images = data.load("digits")
    arrays = {key: getattr(images, key) for key in files.ARRAYS}
    sums = {files.checksum(arrays, "a b"), files.checksum(arrays, "a c")}
    for key in files.ARRAYS:
        changed = arrays[key].copy()
        changed.flat[-1] ^= 1
        sums.add(files.checksum({**arrays, key: changed}, "a b"))
    assert len(sums) == 2 + len(files.ARRAYS)


def test_writing_again_does_not_change_what_others_have_open():
    first = data.load("digits")
    before = first.x.copy()
    files.save_arrays(dataclasses.replace(first, x=255 - first.x))
    np.testing.assert_array_equal(first.x, before)
    data.opened.cache_clear()
    np.testing.assert_array_equal(data.load("digits").x, 255 - before)


def test_another_version_or_another_data_set_is_not_taken_for_this_one(monkeypatch):
    data.load("digits")
    small(monkeypatch, "mnist")
    shutil.copy(files.array_file("digits"), files.array_file("mnist"))
    assert data.availability("mnist") == "absent"
    monkeypatch.setattr(files, "VERSION", files.VERSION + 1)
    assert not files.has_arrays(data.DATASETS["digits"])


def test_another_folder_is_not_answered_from_memory(monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    write_idx(tmp_path / "a", spec)
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / "a"))
    data.load("mnist")
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "elsewhere"))
    data.load("mnist")
    assert files.has_arrays(spec)
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nowhere"))
    monkeypatch.delenv("FEWLABELS_DATA")
    with pytest.raises(data.DataError):
        data.load("mnist")


SLOW_DECODE = """
import logging, sys, time, data
from data import digits, files
logging.basicConfig(level=logging.ERROR)
decode = digits.load
def slow(*args):
    print("decoding", flush=True)
    time.sleep(0.5)
    return decode(*args)
digits.load = slow
{before}
print(files.checksum({{key: getattr(data.load("digits"), key) for key in files.ARRAYS}}, ""))
"""


def together(code, n=3):
    """The words that `n` processes print which run the same code at once."""
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(n)
    ]
    said = [process.communicate(timeout=280)[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * n
    return said


def test_processes_that_want_the_same_data_decode_it_once():
    said = together(SLOW_DECODE.format(before=""))
    assert sum(words.count("decoding") for words in said) == 1
    assert len({words[-1] for words in said}) == 1
    assert left_over() == []


def test_without_locks_the_work_is_done_twice_but_nothing_is_torn():
    no_lock = "import contextlib; files.locked = lambda name: contextlib.nullcontext(False)"
    said = together(SLOW_DECODE.format(before=no_lock))
    assert sum(words.count("decoding") for words in said) > 1
    assert len({words[-1] for words in said}) == 1
    assert left_over() == []
    assert files.open_arrays(data.DATASETS["digits"])


def test_what_a_killed_process_left_is_cleared_away():
    killed = subprocess.Popen(
        [sys.executable, "-c", "import safetensors.numpy, time, data\n"
         "def save_file(arrays, path, metadata): open(path, 'w'); print('now', flush=True); time.sleep(60)\n"
         "safetensors.numpy.save_file = save_file\n"
         "data.load('digits')"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with killed:
        killed.stdout.readline()
        killed.kill()
    assert len(left_over()) == 1
    assert not files.has_arrays(data.DATASETS["digits"])
    data.load("digits")  # and its lock is free
    assert left_over() == []


def test_progress_that_raises_ends_the_work_and_leaves_nothing(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    write_classes(files.cache() / "cifar10", spec)

    class TurnedAway(Exception):
        pass

    def stop(done, what):
        raise TurnedAway

    with pytest.raises(TurnedAway):
        data.fetch("cifar10", stop)
    assert left_over() == []
    assert data.availability("cifar10") == "local"


# Trouble with the disk


def unwritable(tmp_path):
    (tmp_path / "file").write_text("a file, so that no folder can be made below it")
    return str(tmp_path / "file" / "cache")


def test_a_cache_that_cannot_be_written_does_not_keep_digits_from_loading(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("FEWLABELS_CACHE", unwritable(tmp_path))
    images = data.load("digits")
    assert images.x.shape == (1297, 1, 16, 16)
    assert not any(getattr(images, key).flags.writeable for key in files.ARRAYS)
    assert "could not be prepared" in caplog.text


def test_fetch_says_when_the_cache_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_CACHE", unwritable(tmp_path))
    with pytest.raises(data.DataError, match=r"Digits could not be prepared .*Not a directory") as e:
        data.fetch("digits", quiet)
    assert is_a_sentence(e)


def test_a_disk_that_fills_up_is_a_sentence_and_leaves_nothing(monkeypatch):
    def full(arrays, path, metadata):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(data.DataError, match=r"The disk of .*cache is full: Digits does not fit\. Free some") as e:
        data.fetch("digits", quiet)
    assert is_a_sentence(e)
    assert left_over() == []
    assert data.load("digits").x.shape == (1297, 1, 16, 16)


def test_a_disk_without_room_is_seen_before_anything_is_written(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 3 * 2**20))
    for name, needed in (("mnist", "117"), ("cifar10", "515")):
        with pytest.raises(data.DataError, match=rf"needs {needed} MiB in .*cache, where 3 MiB are free\. Free") as e:
            data.fetch(name, quiet)
        assert is_a_sentence(e)
        assert left_over() == []


# MNIST


def idx(array):
    return np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes() + array.tobytes()


def random_images(spec, n, seed=0):
    """Images of noise, as many of each class."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8)
    return x, rng.permutation(np.arange(n, dtype=np.uint8) % spec.n_classes)


def write_idx(folder, spec, packed=False):
    """The four files where torchvision would put them; what `load` should make of them."""
    raw = folder / spec.folder
    raw.mkdir(parents=True)
    arrays = [*random_images(spec, spec.n_train), *random_images(spec, spec.n_test, seed=1)]
    for name, array in zip(mnist.FILES, arrays, strict=True):
        content = idx(array[:, 0] if array.ndim == 4 else array)
        if packed:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (raw / name).write_bytes(content)
    return data.Images(spec.name, *arrays, mnist.CLASSES[spec.name])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_files_in_a_read_only_folder_load_without_a_download(name, packed, monkeypatch, tmp_path):
    spec = small(monkeypatch, name)
    written = write_idx(tmp_path / "lent", spec, packed)
    monkeypatch.setenv("FEWLABELS_DATA", os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "lent")]))
    before = sorted(p.stat().st_mtime_ns for p in (tmp_path / "lent").rglob("*"))
    folders = [p for p in (tmp_path / "lent").rglob("*") if p.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    assert data.availability(name) == "local"
    images = data.load(name)
    assert same(images, written)
    assert images.y.dtype == np.int64
    assert data.availability(name) == "ready"
    assert sorted(p.stat().st_mtime_ns for p in (tmp_path / "lent").rglob("*")) == before
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("at", "named"), [("MNIST/raw", "MNIST/raw"), ("MNIST", "."), ("MNIST", "MNIST"),
                                           ("MNIST/raw", "MNIST"), ("mnist", ".")])  # fmt: skip
def test_mnist_is_found_as_others_lay_it(at, named, packed, dotted, monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    written = write_idx(tmp_path / "made", spec, packed)
    target = tmp_path / "lent" / at
    target.mkdir(parents=True)
    for file in (tmp_path / "made" / spec.folder).iterdir():
        file.rename(target / (file.name.replace("-idx", ".idx") if dotted else file.name))
        (target / f"._{file.name}").write_bytes(b"what macOS keeps")
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / "lent" / named))
    assert same(data.load("mnist"), written)
    assert data.availability("fashion-mnist") == "absent"  # its files bear the same names


def test_cifar_is_read_from_the_archive_as_published_and_only_with_its_md5(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    write_batches(tmp_path / "made", spec, monkeypatch)
    (tmp_path / "lent").mkdir()
    with tarfile.open(tmp_path / "lent" / "cifar-10-python.tar.gz", "w:gz") as tar:
        for name in ("._data_batch_1", *(n for part in cifar.BATCHES["cifar10"].values() for n in part)):
            content = tmp_path / "made" / spec.folder / name.removeprefix("._")
            tar.add(content, f"{spec.folder}/{name}")
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / "made" / spec.folder))  # the folder of the batches itself
    official = data.load("cifar10")
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / "lent"))
    shutil.rmtree(tmp_path / "cache")
    data.opened.cache_clear()
    assert same(data.load("cifar10"), official)
    shutil.rmtree(tmp_path / "cache")
    data.opened.cache_clear()
    monkeypatch.setitem(cifar.BATCHES["cifar10"]["train"], "data_batch_1", "0" * 32)
    with pytest.raises(data.DataError, match="its md5 sum is not the published"):
        data.load("cifar10")
    (tmp_path / "lent" / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    with pytest.raises(data.DataError, match="is damaged: it cannot be unpacked"):
        data.load("cifar10")


def test_fetch_of_what_is_there_reports_progress_and_makes_it_ready(monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    written = write_idx(tmp_path, spec)
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path))
    monkeypatch.setattr(download, "command", None)  # nothing to download
    seen = []
    data.fetch("mnist", lambda done, what: seen.append((done, what)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (1.0, "MNIST is ready.")
    assert data.availability("mnist") == "ready"
    shutil.rmtree(tmp_path / "MNIST")  # the arrays are enough
    assert same(data.load("mnist"), written)
    data.fetch("mnist", quiet)


TRAIN_IMAGES, TRAIN_LABELS = mnist.FILES[:2]


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        (TRAIN_IMAGES, cut(-1), r"is damaged: it holds 31,375 bytes instead of 31,376"),
        (TRAIN_IMAGES, cut(0), r"is no IDX file of 3 dimensions, or it is cut short"),
        (TRAIN_IMAGES, cut(9), r"is no IDX file of 3 dimensions, or it is cut short"),
        (TRAIN_IMAGES, flip(2), r"is no IDX file of 3 dimensions, or it is cut short"),
        (TRAIN_LABELS, flip(7), r"holds an array of shape \(41,\) instead of \(40,\)"),
        (TRAIN_LABELS, lambda whole: whole[:-1] + b"\x0a", r"holds a training label outside 0 to 9"),
    ],
)
def test_damaged_idx_files_are_sentences(file, damage, says, monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    write_idx(tmp_path, spec)
    path = tmp_path / spec.folder / file
    path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path))
    for ask in (data.load, lambda name: data.fetch(name, quiet)):
        with pytest.raises(data.DataError, match=rf"MNIST/raw.* {says}\. Replace it, or remove it to download") as e:
            ask("mnist")
        assert is_a_sentence(e)
        assert left_over() == []
        assert not files.array_file("mnist").exists()


def no_such_block(whole):
    return whole[:10] + b"\xff" + whole[11:]


@pytest.mark.parametrize("damage", [cut(-20), cut(0), cut(5), flip(0), flip(60), no_such_block])
def test_damaged_gz_files_are_sentences(damage, monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    write_idx(tmp_path, spec, packed=True)
    path = tmp_path / spec.folder / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match=r"ubyte\.gz is .*Replace it, or remove it to download") as e:
        data.load("mnist")
    assert is_a_sentence(e)


def test_a_missing_idx_file_is_named_and_a_whole_folder_is_preferred(monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    write_idx(tmp_path / "part", spec)
    (tmp_path / "part" / spec.folder / TRAIN_LABELS).unlink()
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / "part"))
    assert data.availability("mnist") == "absent"
    with pytest.raises(data.DataError, match=rf"/MNIST/raw lacks {TRAIN_LABELS}\. Put it back, or download MNIST") as e:
        data.load("mnist")
    assert is_a_sentence(e)
    written = write_idx(tmp_path / "whole", spec)
    monkeypatch.setenv("FEWLABELS_DATA", os.pathsep.join([str(tmp_path / "part"), str(tmp_path / "whole")]))
    assert same(data.load("mnist"), written)


# CIFAR


def cifar_images(spec):
    """Part -> [(class number, file name without ending, pixels)]: what all three sources hold."""
    rows = {}
    for part, n, seed in (("train", spec.n_train, 0), ("test", spec.n_test, 1)):
        x, y = random_images(spec, n, seed)
        rows[part] = [(int(y[i]), f"thing_s_{(37 * i) % n:06}", x[i]) for i in range(n)]
    return rows


def write_classes(folder, spec, ending="png"):
    for part, rows in cifar_images(spec).items():
        for name in cifar.CLASSES[spec.name]:
            (folder / part / name).mkdir(parents=True)
        for k, stem, image in rows:
            to = folder / part / cifar.CLASSES[spec.name][k] / f"{stem}.{ending}"
            Image.fromarray(image.transpose(1, 2, 0)).save(to, lossless=True)
    return folder


def write_archive(folder, spec):
    made = write_classes(folder / "made" / spec.name, spec, "webp")
    with tarfile.open(folder / f"{spec.name}-images.tar.xz", "w:xz") as tar:
        tar.add(made, arcname=spec.name)
    shutil.rmtree(folder / "made")


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote: byte strings as plain strings, numpy's old names, and a flag as a number."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, obj):
        self.write(pickle.BINSTRING + len(obj).to_bytes(4, "little") + obj)
        self.memoize(obj)

    def save_str(self, obj):
        self.save_bytes(obj.encode())

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str

    def reducer_override(self, obj):
        if isinstance(obj, np.dtype):
            return np.dtype, ("u1", 0, 1), obj.__reduce__()[2]
        return NotImplemented


def python2_pickle(obj):
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(obj)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write_batches(folder, spec, monkeypatch):
    """Batches as the official ones are made, with md5 sums that are published in this test only."""
    path = folder / spec.folder
    path.mkdir(parents=True)
    sums = {}
    for part, rows in cifar_images(spec).items():
        names = list(cifar.BATCHES[spec.name][part])
        sums[part] = {}
        for name, some in zip(names, np.array_split(np.arange(len(rows)), len(names)), strict=True):
            batch = {
                "data": np.stack([rows[i][2].reshape(-1) for i in some]),
                "labels" if spec.name == "cifar10" else "fine_labels": [rows[i][0] for i in some],
                "filenames": [f"{rows[i][1]}.png" for i in some],
            }
            (path / name).write_bytes(python2_pickle(batch))
            sums[part][name] = hashlib.md5((path / name).read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(cifar.BATCHES, spec.name, sums)


@pytest.mark.parametrize(("name", "n_train", "n_test"), [("cifar10", 40, 20), ("cifar100", 200, 100)])
def test_cifar_is_the_same_from_batches_folders_and_archives(name, n_train, n_test, monkeypatch, tmp_path):
    spec = small(monkeypatch, name, n_train, n_test)
    write_classes(tmp_path / "folders" / name, spec)
    write_archive(tmp_path / "archive", spec)
    write_batches(tmp_path / "batches", spec, monkeypatch)
    loaded = []
    for source in ("folders", "archive", "batches"):
        monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path / source))
        monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / f"cache-{source}"))
        assert data.availability(name) == "local"
        loaded.append(data.load(name))
        assert data.availability(name) == "ready"
    assert same(loaded[0], loaded[1])
    assert same(loaded[0], loaded[2])
    images = loaded[0]
    assert images.shape == (3, 32, 32)
    written = {image.tobytes(): k for k, _, image in cifar_images(spec)["train"]}
    assert {image.tobytes(): k for image, k in zip(images.x, images.y, strict=True)} == written
    assert images.classes == tuple(name.replace("_", " ") for name in cifar.CLASSES[name])
    # Neighbours must not share their class more often than chance has it.
    assert (images.y[1:] == images.y[:-1]).mean() < 0.25


def test_what_does_not_belong_to_class_folders_is_passed_over(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    folder = write_classes(tmp_path / "cifar10", spec)
    before = data_from(tmp_path, monkeypatch)
    (folder / "train" / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "train" / "README.md").write_text("x")
    (folder / "train" / "unicorn").mkdir()
    (folder / "train" / "unicorn" / "1.png").write_bytes(next((folder / "train" / "cat").glob("*.png")).read_bytes())
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache2"))
    assert same(data_from(tmp_path, monkeypatch), before)


def data_from(folder, monkeypatch, name="cifar10"):
    monkeypatch.setenv("FEWLABELS_DATA", str(folder))
    data.opened.cache_clear()
    return data.load(name)


def test_missing_classes_are_named(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    folder = write_classes(tmp_path / "cifar10", spec)
    shutil.rmtree(folder / "test" / "truck")
    with pytest.raises(data.DataError, match=r"/cifar10 lacks test/truck\. Put it back, or download CIFAR-10") as e:
        data_from(tmp_path, monkeypatch)
    assert is_a_sentence(e)
    assert data.availability("cifar10") == "absent"
    shutil.rmtree(folder / "test")
    with pytest.raises(data.DataError, match=r"lacks test/airplane, test/automobile and 8 more\.") as e:
        data_from(tmp_path, monkeypatch)
    assert is_a_sentence(e)


def said_to_be_huge():
    """A PNG of a few bytes whose header promises 60,000 x 60,000 pixels."""
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    content = b"IDAT" + zlib.compress(b"0")
    chunks = [
        (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        for chunk in (header, content)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def one_image(folder):
    return sorted((folder / "train" / "cat").glob("*.png"))[1]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda file: file.unlink(), r"/cifar10 holds 3 train images of the class cat instead of 4"),
        (
            lambda file: shutil.copy(file, file.with_name("more.png")),
            r"holds 5 train images of the class cat instead of 4",
        ),
        (lambda file: Image.new("RGB", (31, 32)).save(file), r"cat/.*png is 31x32 pixels, but should be 32x32"),
        (lambda file: file.write_bytes(b""), r"cat/.*png is damaged, or is no image"),
        (lambda file: file.write_bytes(flip(11)(file.read_bytes())), r"cat/.*png is damaged, or is no image"),
        (lambda file: file.write_bytes(said_to_be_huge()), r"cat/.*png is damaged, or is no image"),
        (lambda file: file.write_text("a page saying 404"), r"cat/.*png is damaged, or is no image"),
        (lambda file: file.write_bytes(file.read_bytes()[:900]), r"cat/.*png is damaged, or is no image"),
        (lambda file: file.write_bytes(file.read_bytes()[:20] + b"\xff" * 2000), r"cat/.*png is "),
    ],
)
def test_damaged_class_folders_are_sentences(damage, says, monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    damage(one_image(write_classes(tmp_path / "cifar10", spec)))
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path))
    for ask in (data.load, lambda name: data.fetch(name, quiet)):
        with pytest.raises(data.DataError, match=rf"{says}.*\. Replace it, or remove its folder to download") as e:
            ask("cifar10")
        assert is_a_sentence(e)
        assert left_over() == []
        assert not files.array_file("cifar10").exists()


def test_grey_images_in_class_folders_become_colour(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    file = one_image(write_classes(tmp_path / "cifar10", spec))
    Image.new("L", (32, 32), 77).save(file)
    assert (data_from(tmp_path, monkeypatch).x == 77).all((1, 2, 3)).sum() == 1


@pytest.mark.parametrize("damage", [cut(-200), cut(300), cut(0), flip(3000), lambda whole: b"no archive"])
def test_damaged_archives_are_sentences(damage, monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    write_archive(tmp_path, spec)
    path = tmp_path / "cifar10-images.tar.xz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(data.DataError, match=r"cifar10-images\.tar\.xz is damaged: it cannot be unpacked\.") as e:
        data_from(tmp_path, monkeypatch)
    assert is_a_sentence(e)


def test_an_archive_can_write_nowhere(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    write_archive(tmp_path, spec)
    path = tmp_path / "cifar10-images.tar.xz"
    with tarfile.open(path) as old:
        held = [(member, old.extractfile(member).read()) for member in old if member.isfile()]
    with tarfile.open(path, "w:xz") as tar:
        for member, content in held:
            tar.addfile(member, io.BytesIO(content))
        evil = tarfile.TarInfo("../../evil.webp")
        evil.size = len(held[0][1])
        tar.addfile(evil, io.BytesIO(held[0][1]))
    before = set(tmp_path.parent.rglob("*"))
    data_from(tmp_path, monkeypatch)
    made = {p for p in set(tmp_path.parent.rglob("*")) - before if not p.is_relative_to(files.cache())}
    assert made == set()


def test_batches_are_unpickled_only_with_the_published_md5(monkeypatch, tmp_path):
    spec = small(monkeypatch, "cifar10")
    write_batches(tmp_path, spec, monkeypatch)
    path = tmp_path / spec.folder / "data_batch_3"
    whole = path.read_bytes()
    monkeypatch.setattr(cifar, "BatchUnpickler", None)
    path.write_bytes(flip(len(whole) // 2)(whole))
    (tmp_path / spec.folder / "data_batch_1").write_bytes(b"not this one")
    with pytest.raises(
        data.DataError, match=r"data_batch_1 is damaged: its md5 sum is not the published [0-9a-f]{32}\."
    ) as e:
        data_from(tmp_path, monkeypatch)
    assert is_a_sentence(e)
    path.unlink()
    with pytest.raises(data.DataError, match=r"/cifar-10-batches-py lacks data_batch_3\. Put it back") as e:
        data_from(tmp_path, monkeypatch)
    assert is_a_sentence(e)


def test_a_batch_can_run_nothing_even_with_the_right_md5():
    for evil in (b"cos\nsystem\n(S'true'\ntR.", b"cnumpy\nload\n(S'x'\ntR.", b"cbuiltins\nndarray\n."):
        with pytest.raises(pickle.UnpicklingError, match="A batch may not use"):
            cifar.BatchUnpickler(io.BytesIO(evil), encoding="latin1").load()


# Downloads


def test_torchvision_agrees_about_names_folders_and_md5_sums():
    import torchvision.datasets

    for spec in data.DATASETS.values():
        if not spec.torchvision:
            continue
        kind = getattr(torchvision.datasets, spec.torchvision)
        if "cifar" in spec.name:
            assert kind.base_folder == spec.folder
            for part, official in (("train", kind.train_list), ("test", kind.test_list)):
                assert cifar.BATCHES[spec.name][part] == dict(official)
        else:
            assert f"{kind.__name__}/raw" == spec.folder
            assert {name for name, _ in kind.resources} == {f"{name}.gz" for name in mnist.FILES}


PATCHED = """
import socket, sys
import torchvision.datasets as datasets
from data import download
kind = getattr(datasets, sys.argv[1])
kind.mirrors = [{url!r}]
kind.resources = {resources!r}
sys.exit(download.main(*sys.argv[1:]))
"""


class Patient(http.server.SimpleHTTPRequestHandler):
    """A server on this machine that sends each new file only when the progress of those before it was seen."""

    def copyfile(self, source, to):
        asked = self.server.asked
        asked.setdefault(self.path, len(asked))
        until = time.monotonic() + 120
        while len(self.server.seen) <= asked[self.path] and time.monotonic() < until:
            time.sleep(0.05)
        with contextlib.suppress(ConnectionError):  # torchvision first looks for a redirection, and hangs up
            to.write(source.read())

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """(folder, address, set that the test fills with what it saw) of a server on this machine."""
    (tmp_path / "served").mkdir()
    handler = functools.partial(Patient, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as here:
        here.asked, here.seen = {}, set()
        thread = threading.Thread(target=here.serve_forever, args=(0.05,))
        thread.start()
        yield tmp_path / "served", f"http://127.0.0.1:{here.server_port}/", here.seen
        here.shutdown()
        thread.join()


@pytest.fixture
def real_sockets(monkeypatch):
    """Undo `no_network` for the server of a test."""
    monkeypatch.setattr(socket, "socket", REAL_SOCKET)
    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)


REAL_SOCKET, REAL_GETADDRINFO = socket.socket, socket.getaddrinfo


def serve_mnist(monkeypatch, tmp_path, folder, url):
    """Let torchvision find a small MNIST on this machine; what `load` should make of it."""
    spec = small(monkeypatch, "mnist")
    spec = dataclasses.replace(spec, size=33_000 / 2**20)
    monkeypatch.setitem(data.DATASETS, "mnist", spec)
    written = write_idx(tmp_path / "made", spec, packed=True)
    resources = []
    for name in mnist.FILES:
        packed = (tmp_path / "made" / spec.folder / f"{name}.gz").read_bytes()
        (folder / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed, usedforsecurity=False).hexdigest()))
    code = PATCHED.format(url=url, resources=resources)
    monkeypatch.setattr(download, "command", lambda spec, to: [sys.executable, "-c", code, "MNIST", str(to)])
    return written


def test_a_download_goes_through_torchvision_and_shows_how_it_grows(real_sockets, server, monkeypatch, tmp_path):
    folder, url, grown = server
    written = serve_mnist(monkeypatch, tmp_path, folder, url)
    seen = []

    def progress(done, what):
        seen.append((done, what))
        if what.startswith("Downloading MNIST: "):
            grown.add(done)

    data.fetch("mnist", progress)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(grown) >= 4, seen
    assert seen[-1] == (1.0, "MNIST is ready.")
    assert same(data.load("mnist"), written)
    assert sorted(p.name for p in (files.cache() / "MNIST" / "raw").iterdir()) == sorted(mnist.FILES)
    assert left_over() == []


def test_a_download_with_a_wrong_md5_is_told_by_torchvision(real_sockets, server, monkeypatch, tmp_path, capsys):
    import torchvision.datasets

    folder, url, grown = server
    grown.add("the test does not look")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"not what was published"))
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [url])
    assert download.main("MNIST", str(tmp_path)) == 1
    assert json.loads(capsys.readouterr().out) == {"what": "damaged", "why": ""}


def test_a_damaged_download_is_a_sentence_and_leaves_nothing(monkeypatch):
    child_that(
        "import sys, json; open(sys.argv[1] + '/x.gz', 'w').write('half');"
        "print('torchvision chats'); print(json.dumps({'what': 'damaged', 'why': ''})); sys.exit(1)",
        monkeypatch,
    )
    with pytest.raises(data.DataError, match=r"The download of MNIST arrived damaged: its md5 sum is wrong\. Try") as e:
        data.fetch("mnist", quiet)
    assert is_a_sentence(e)
    assert not (files.cache() / "MNIST").exists()
    assert left_over() == []
    assert data.availability("mnist") == "absent"


def test_without_a_network_there_is_one_sentence_soon(monkeypatch, tmp_path):
    """The real command; every address leads to a closed door on this machine, so nothing is downloaded anywhere."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    spec = small(monkeypatch, "mnist")
    write_idx(tmp_path, spec)
    (tmp_path / spec.folder / TRAIN_LABELS).unlink()
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path))
    begin = time.monotonic()
    with pytest.raises(
        data.DataError, match=r"MNIST could not be downloaded: the server cannot be reached \(Conn"
    ) as e:
        data.fetch("mnist", quiet)
    assert time.monotonic() - begin < 120, "a refused connection is not tried for minutes"
    assert is_a_sentence(e)
    assert str(e.value).endswith(f"lacks {TRAIN_LABELS}.")  # who has put files there hears why they were no use
    assert left_over() == []


@pytest.mark.parametrize(
    ("error", "what", "why"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "full", ""),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), "network", ""),
        (TimeoutError("timed out"), "network", "timed out"),
        (http.client.IncompleteRead(b""), "network", ""),
        (RuntimeError("File not found or corrupted."), "damaged", ""),
        (
            RuntimeError("Error downloading x:\nTried a, got:\n<urlopen error [Errno -2] Name or service not known>\n"),
            "network",
            "Name or service not known",
        ),
        (RuntimeError("Error downloading x:\nTried a, got:\nHTTP Error 503: no\n"), "network", "HTTP Error 503"),
    ],
)
def test_what_torchvision_raises_becomes_a_sentence(error, what, why, monkeypatch, capsys, tmp_path):
    import torchvision.datasets

    def fail(folder, download):
        assert download
        raise error

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fail)
    assert download.main("CIFAR10", str(tmp_path)) == 1
    said = capsys.readouterr().out.strip()
    assert json.loads(said) == {"what": what, "why": why}
    assert is_a_sentence(download.sentence(data.DATASETS["cifar10"], said))


def child_that(code, monkeypatch):
    monkeypatch.setattr(download, "command", lambda spec, to: [sys.executable, "-c", code, str(to)])


def test_a_download_that_dies_or_stalls_is_a_sentence_and_leaves_nothing(monkeypatch):
    child_that("import sys, os; open(sys.argv[1] + '/x.gz', 'w').write('half'); os.kill(os.getpid(), 9)", monkeypatch)
    with pytest.raises(data.DataError, match=r"The download of MNIST ended without a word\. Try again\.") as e:
        data.fetch("mnist", quiet)
    assert is_a_sentence(e)
    monkeypatch.setattr(download, "STALL", 0.5)
    child_that("import time; time.sleep(60)", monkeypatch)
    with pytest.raises(data.DataError, match=r"The download of MNIST has stalled at 0\.0 MiB\. Try again later\.") as e:
        data.fetch("mnist", quiet)
    assert is_a_sentence(e)
    assert left_over() == []


def test_turning_away_from_a_download_ends_it(monkeypatch, tmp_path):
    child_that(
        f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)", monkeypatch
    )

    def turn_away(done, what):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.fetch("mnist", turn_away)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert left_over() == []


def test_the_child_ends_with_its_parent():
    code = (
        "import threading, time; from data import download;"
        "threading.Thread(target=download.end_with_parent, daemon=True).start(); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE)
    child.stdin.close()
    assert child.wait(20) == 1


def test_a_download_replaces_what_lay_there_in_part(monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    (files.cache() / spec.folder).mkdir(parents=True)
    (files.cache() / spec.folder / TRAIN_LABELS).write_bytes(b"half")
    written = write_idx(tmp_path / "made", spec)
    child_that(
        f"import shutil, sys; shutil.copytree({str(tmp_path / 'made')!r}, sys.argv[1], dirs_exist_ok=True)", monkeypatch
    )
    data.fetch("mnist", quiet)
    assert same(data.load("mnist"), written)
    assert left_over() == []


def test_a_second_fetch_waits_for_the_first_and_says_so(monkeypatch, tmp_path):
    spec = small(monkeypatch, "mnist")
    write_idx(tmp_path, spec)
    monkeypatch.setenv("FEWLABELS_DATA", str(tmp_path))
    seen = []
    with files.locked("mnist") as held:
        assert held
        second = threading.Thread(target=data.fetch, args=("mnist", lambda done, what: seen.append(what)))
        second.start()
        time.sleep(0.3)
        assert set(seen) == {"Another process is fetching MNIST."}
    second.join(20)
    assert seen[-1] == "MNIST is ready."


def test_loading_does_not_wait_for_a_download(monkeypatch):
    with files.locked("mnist"), pytest.raises(data.DataError, match="is not on this machine yet"):
        data.load("mnist")


# The split


@pytest.fixture
def images():
    """1,000 images of ten classes that tell by their pixels who they are."""
    y = np.random.default_rng(0).permutation(np.arange(1000) % 10)
    x = np.zeros((1000, 1, 2, 2), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 0, 1] = np.arange(1000) // 256, np.arange(1000) % 256
    return data.Images("mnist", x, y, x[:50].copy() + 100, y[:50].copy(), tuple("0123456789"))


def who(x):
    """The index of each of those images."""
    return x[:, 0, 0, 0].astype(int) * 256 + x[:, 0, 0, 1]


def test_the_labels_of_unlabelled_images_are_nowhere_in_a_split(images):
    """The list is the promise: whoever adds a field must come here and think."""
    assert [field.name for field in dataclasses.fields(data.Split)] == [
        "x_l", "y_l", "x_u", "x_test", "y_test", "labelled", "unlabelled", "classes", "shape",
    ]  # fmt: skip
    seen = data.split(images, 100, seed=0)
    lengths = {key: len(value) for key, value in vars(seen).items() if isinstance(value, np.ndarray)}
    assert lengths.pop("x_u") == lengths.pop("unlabelled") == 900
    assert 900 not in lengths.values()
    assert not np.shares_memory(seen.y_l, images.y)
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.y_u = images.y


@pytest.mark.parametrize("labels", [10, 100, 990])
def test_labels_are_shared_equally_and_every_other_image_is_unlabelled(images, labels):
    seen = data.split(images, labels, seed=3)
    assert np.bincount(seen.y_l).tolist() == [labels // 10] * 10
    np.testing.assert_array_equal(seen.y_l, images.y[who(seen.x_l)])
    np.testing.assert_array_equal(who(seen.x_l), seen.labelled)
    np.testing.assert_array_equal(who(seen.x_u), seen.unlabelled)
    assert sorted([*seen.labelled, *seen.unlabelled]) == list(range(1000))
    assert (np.diff(seen.unlabelled) > 0).all()
    assert seen.x_test is images.x_test
    assert seen.y_test is images.y_test
    assert seen.shape == (1, 2, 2)
    assert seen.classes == images.classes


def test_a_seed_draws_the_same_images_on_every_machine(images):
    """Pinned: a published result names its images by their seed."""
    pinned = [608, 340, 1060, 855, 504, 403, 523, 921, 196, 269]
    assert data.split(data.load("digits"), 10, seed=0).labelled.tolist() == pinned
    assert data.split(data.load("digits"), 10, seed=1).labelled.tolist() != pinned
    assert draw_order(10, seed=3).tolist() == [0, 4, 9, 7, 1, 5, 6, 3, 8, 2]
    rows = [data.split(images, 100, seed=s).labelled for s in range(20)]
    assert len({tuple(row) for row in rows}) == 20
    assert len(np.unique(rows)) > 800  # of 1000: 20 draws of a tenth leave 0.9^20 = 12 % untouched


def test_a_larger_budget_contains_the_smaller(images):
    few, many = (set(data.split(images, n, seed=5).labelled) for n in (20, 200))
    assert few < many


def test_validation_images_come_from_the_unlabelled_and_leave_them(images):
    seen = data.split(images, 100, seed=0, validation=250)
    held = who(seen.x_test)
    np.testing.assert_array_equal(seen.y_test, images.y[held])
    assert len(held) == 250
    assert sorted([*held, *seen.labelled, *seen.unlabelled]) == list(range(1000))
    np.testing.assert_array_equal(seen.labelled, data.split(images, 100, seed=0).labelled)
    assert len(seen.x_u) == 650
    assert np.bincount(seen.y_test).min() > 10  # drawn, not the first that come
    assert len(data.split(images, 10, seed=0, validation=989).x_u) == 1


@pytest.mark.parametrize(
    ("labels", "seed", "validation", "says"),
    [
        (21, 0, 0, "21 labels cannot be shared equally by 10 classes. Choose a multiple of 10, such as 20."),
        (4, 0, 0, "4 labels cannot be shared equally by 10 classes. Choose a multiple of 10, such as 10."),
        (0, 0, 0, "0 labels are too few: each of the 10 classes needs at least one. Choose a multiple of 10"),
        (-10, 0, 0, "-10 labels are too few: each of the 10 classes"),
        (1000, 0, 0, "1,000 labels are too many for mnist: shared equally by 10 classes, and with one image left"
         " unlabelled, there can be 990. Choose at most 990."),
        (70_001, 0, 0, "70,001 labels are too many for mnist"),
        (10.5, 0, 0, "The labels must be a whole number from 0 up, not 10.5."),
        ("10", 0, 0, "The labels must be a whole number from 0 up, not '10'."),
        (10, -1, 0, "The seed must be a whole number from 0 up, not -1."),
        (10, 0.5, 0, "The seed must be a whole number from 0 up, not 0.5."),
        (10, 0, -1, "-1 validation images are not allowed. Choose 0 to 1,000."),
        (10, 0, 1001, "1,001 validation images are not allowed. Choose 0 to 1,000."),
        (10, 0, 990, "990 validation images leave no image unlabelled in mnist. Choose at most 989."),
    ],
)  # fmt: skip
def test_a_split_that_cannot_be_is_a_sentence(labels, seed, validation, says, images):
    for ask in (data.split, data.draw):
        with pytest.raises(data.DataError) as e:
            ask(images, labels, seed, validation)
        assert str(e.value).startswith(says)
        assert is_a_sentence(e)


def test_the_most_labels_are_what_the_smallest_class_allows(images):
    assert data.most_labels(images) == 990
    uneven = dataclasses.replace(images, x=images.x[images.y != 3], y=images.y[images.y != 3])
    assert data.most_labels(uneven) == 0
    some = np.flatnonzero((images.y != 3) | (np.arange(1000) < 400))
    uneven = dataclasses.replace(images, x=images.x[some], y=images.y[some])
    n = 10 * int((uneven.y == 3).sum())
    assert data.most_labels(uneven) == n
    assert len(data.split(uneven, n, seed=0).x_l) == n
    with pytest.raises(data.DataError, match=f"Choose at most {n}"):
        data.split(uneven, n + 10, seed=0)


# The real files, where they are


def real(name, monkeypatch):
    """Load a real data set from the shared folder, or from arrays that were made of it."""
    kept = ROOT / ".cache" / "datasets"
    if (kept / "arrays" / files.array_file(name).name).is_file():
        monkeypatch.setenv("FEWLABELS_CACHE", str(kept))
    elif (SHARED / data.DATASETS[name].folder).is_dir():
        monkeypatch.setenv("FEWLABELS_DATA", str(SHARED))
    else:
        pytest.skip(f"{name} is not on this machine")
    begin = time.process_time()  # of the processor: waiting for one or for the disk is not this code's doing
    images = data.load(name)
    return images, time.process_time() - begin


@pytest.mark.parametrize(
    ("name", "mean", "std", "tolerance"),
    [
        ("mnist", [0.1307], [0.3081], 1e-4),
        ("fashion-mnist", [0.2860], [0.3530], 1e-4),
        ("cifar10", [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616], 1e-4),
        ("cifar100", [0.5071, 0.4865, 0.4409], [0.2673, 0.2564, 0.2762], 3e-3),  # some copies of it are lossy
    ],
)
def test_real_data_has_its_published_mean_and_deviation(name, mean, std, tolerance, monkeypatch):
    images, seconds = real(name, monkeypatch)
    spec = data.DATASETS[name]
    if data.availability(name) == "ready":
        assert seconds < 5, "arrays that are kept are read, not decoded: that takes far longer"
    np.testing.assert_allclose(images.x.mean((0, 2, 3)) / 255, mean, atol=tolerance)
    np.testing.assert_allclose(images.x.std((0, 2, 3)) / 255, std, atol=tolerance)
    each = spec.n_test // spec.n_classes
    if name != "mnist":
        assert np.bincount(images.y_test).tolist() == [each] * spec.n_classes
    if name == "mnist":
        assert images.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
        assert images.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    seen = data.split(images, spec.default_labels, seed=0)
    assert np.bincount(seen.y_l).tolist() == [1000 // spec.n_classes] * spec.n_classes
    assert len(seen.x_l) + len(seen.x_u) == spec.n_train
