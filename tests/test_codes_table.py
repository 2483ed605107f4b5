"""What is taken away to other programs: codes, as Parquet and for the Embedding Projector, and the line of a shell."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import data
from models import MODELS, __main__
from models.analysis import codes_export, codes_table, projections, projector, snapshots
from models.errors import LatentError
from models.results import examples
from models.runs.annotations import Parent
from models.runs.run import Run
from models.runs.store import Folder
from models.shell import train


def test_codes_as_parquet_are_the_snapshots_with_the_images(tmp_path):
    folder = next(f for f in examples.bring(tmp_path) if "a" in MODELS[f.run.model].spaces)
    found = snapshots.snapshot_images(folder)
    images = data.load("digits")
    for space in ("z", "a"):
        table = pq.read_table(io.BytesIO(codes_table.parquet(folder, space)))
        rows = table.to_pydict()
        assert list(rows) == ["id", "x", "y", space, "true", "predicted", "entropy", "split", "image"]
        np.testing.assert_array_equal(rows["id"], found.ids)
        np.testing.assert_array_equal(np.array(rows[space], np.float32), found.spaces[space].astype(np.float32))
        np.testing.assert_array_equal(rows["predicted"], found.predicted)
        for i in (0, 5, -1):
            kept = np.asarray(Image.open(io.BytesIO(rows["image"][i]["bytes"])))
            np.testing.assert_array_equal(kept, data.pixels(images, found.ids[[i]])[0, 0])
        assert rows["split"].count("labelled") == 20
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert list(features) == table.column_names
        assert features["image"] == {"_type": "Image"}
        assert features["true"]["names"] == list(found.classes)
    laid = projections.read_map(folder.path, "z", found.epoch, found.ids)
    assert laid is not None
    z = pq.read_table(io.BytesIO(codes_table.parquet(folder, "z"))).to_pydict()
    np.testing.assert_array_equal(np.stack([z["x"], z["y"]], 1), laid)
    with pytest.raises(LatentError, match="no saved codes of h"):
        codes_table.parquet(folder, "h")


def test_codes_of_points_come_with_the_points(tmp_path):
    args = ["train", "--dataset", "moons", "--model", "m1", "--epochs", "1", "--threads", "1", "--runs", str(tmp_path)]
    assert __main__.main(args) == 0
    (folder,) = [Folder(path) for path in tmp_path.iterdir() if path.name.startswith("m1")]
    rows = pq.read_table(io.BytesIO(codes_table.parquet(folder, "z"))).to_pydict()
    images = data.load("moons")
    assert list(rows)[-2:] == ["split", "point"]
    np.testing.assert_array_equal(np.array(rows["point"], np.float32), data.pixels(images, rows["id"])[:, :, 0, 0])
    with zipfile.ZipFile(io.BytesIO(projector.projector(folder, "z"))) as z:
        assert set(z.namelist()) == {"tensors.tsv", "metadata.tsv", "projector_config.json"}
        assert "sprite" not in z.read("projector_config.json").decode()


def test_what_cannot_be_exported_is_a_sentence(tmp_path, capsys):
    folder = next(f for f in examples.bring(tmp_path) if "a" in MODELS[f.run.model].spaces)
    for path in (folder.path / "latents").iterdir():
        path.unlink()
    to = str(tmp_path / "codes.parquet")
    assert __main__.main(["export", folder.id, to, "--codes", "parquet", "--runs", str(tmp_path)]) == 1
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert "has kept no codes" in said


def read_projector(content: bytes) -> tuple[np.ndarray, list[dict], list[np.ndarray], dict]:
    """A zip for the Embedding Projector as that reads it: tensors, metadata, the tile of each image, the config."""
    with zipfile.ZipFile(io.BytesIO(content)) as z:
        (config,) = json.loads(z.read("projector_config.json"))["embeddings"]
        assert set(z.namelist()) == {
            config["tensorPath"], config["metadataPath"], config["sprite"]["imagePath"], "projector_config.json",
        }  # fmt: skip
        tensors = np.array(
            [[float(v) for v in line.split("\t")] for line in z.read("tensors.tsv").decode().splitlines()]
        )
        metadata = list(csv.DictReader(io.StringIO(z.read("metadata.tsv").decode()), delimiter="\t"))
        whole = np.asarray(Image.open(io.BytesIO(z.read("sprite.png"))))
    w, h = config["sprite"]["singleImageDim"]
    across, down = whole.shape[1] // w, whole.shape[0] // h
    assert across == down, "the Projector finds the row of an image by the number of rows"
    assert max(whole.shape) <= 8192
    at = [divmod(i, across) for i in range(len(tensors))]
    return tensors, metadata, [whole[h * r : h * (r + 1), w * c : w * (c + 1)] for r, c in at], config


def test_codes_for_the_embedding_projector_are_the_snapshots_row_by_row(tmp_path):
    folder = next(f for f in examples.bring(tmp_path) if "a" in MODELS[f.run.model].spaces)
    found, images = snapshots.snapshot_images(folder), data.load("digits")
    for space in ("z", "a"):
        tensors, metadata, tiles, config = read_projector(projector.projector(folder, space))
        np.testing.assert_allclose(tensors, found.spaces[space], rtol=1e-6, atol=1e-6)
        assert config["tensorShape"] == list(tensors.shape)
        assert [int(row["id"]) for row in metadata] == found.ids.tolist()
        for name, known in (("true", found.true), ("predicted", found.predicted)):
            assert [row[name] for row in metadata] == [found.classes[k] for k in known]
        np.testing.assert_allclose([float(row["entropy"]) for row in metadata], found.entropy, rtol=1e-5)
        for tile, pixels in zip(tiles, data.pixels(images, found.ids), strict=True):
            np.testing.assert_array_equal(tile, pixels[0])


def test_names_of_classes_stay_in_their_cells_and_sprites_are_square(tmp_path, monkeypatch):
    folder, *_ = examples.bring(tmp_path)
    found = snapshots.snapshot_images(folder)
    odd = replace(found, classes=tuple(f"a\tb\nc{k}" for k in range(10)))
    monkeypatch.setattr(codes_table, "saved", lambda *_: odd)
    space = next(iter(found.spaces))
    _, metadata, _, _ = read_projector(projector.projector(folder, space))
    assert [row["true"] for row in metadata] == [f"a b c{k}" for k in found.true]
    monkeypatch.setattr(codes_table, "saved", lambda *_: replace(found, spaces={space: found.spaces[space][:, :1]}))
    with pytest.raises(LatentError, match="has one dimension"):
        projector.projector(folder, space)
    with pytest.raises(LatentError, match="A sprite of 70,000 images of 32 x 32 pixels"):
        projector.sprite(np.broadcast_to(np.uint8(0), (70_000, 3, 32, 32)))
    colour = np.random.default_rng(0).integers(0, 256, (5, 3, 2, 4), dtype=np.uint8)
    whole = np.asarray(Image.open(io.BytesIO(projector.sprite(colour))))
    np.testing.assert_array_equal(whole[2:4, 0:4], colour[3].transpose(1, 2, 0))


def test_the_shell_writes_the_codes_that_share_and_export_gives(tmp_path, capsys):
    folder = next(f for f in examples.bring(tmp_path / "runs") if "a" in MODELS[f.run.model].spaces)

    def export(*words: str) -> int:
        return __main__.main(["export", folder.id, *words, "--runs", str(folder.path.parent)])

    for name, kind in codes_export.FORMATS.items():
        assert export(str(tmp_path), "--codes", name, "--space", "a") == 0
        made = tmp_path / kind.file_name(folder, "a")
        assert made.stat().st_size == len(kind.make(folder, "a"))
    assert export(str(tmp_path / "z.zip"), "--codes", "projector") == 0
    assert read_projector((tmp_path / "z.zip").read_bytes())[3]["tensorName"].startswith("z of")
    with pytest.raises(SystemExit):
        __main__.main(["export", "--help"])
    assert f": {', '.join(codes_export.FORMATS)}" in capsys.readouterr().out
    for words, why in (
        (("z.zip", "--codes", "csv"), "There is no format 'csv'. Choose one of: parquet, projector."),
        (("q.zip", "--codes", "parquet", "--space", "h"), "There is no space 'h'. Choose one of: z, a."),
        (("z.zip", "--codes", "projector"), "exists already"),
        (("q.zip", "--space", "a"), "name their format with --codes"),
        (("q.zip", "--small", "--codes", "parquet"), "codes have nothing that it could leave out"),
    ):
        assert export(str(tmp_path / words[0]), *words[1:]) != 0
        assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    "run",
    [
        Run.make(), Run.make("mnist", "adgm", 1000, 7, 3, "paper", "cpu", 2),
        Run.make("digits", "m2", 20, validation=100, custom={"n_z": 2, "hidden": (64, 32), "flip": True, "lr": 0.003}),
    ],
    ids=["default", "all-said", "custom"],
)  # fmt: skip
def test_the_line_of_the_shell_trains_the_same_run(run, tmp_path, monkeypatch):
    seen: list[Folder] = []
    monkeypatch.setattr(train, "train_in", lambda folder, args, started: seen.append(folder) or 0)
    monkeypatch.setattr(data, "load", lambda name: None)
    words = run.command().split()
    assert words[:3] == ["python", "-m", "models"]
    assert __main__.main([*words[3:], "--runs", str(tmp_path)]) == 0
    assert seen[0].run == run


def test_no_line_is_given_for_what_no_line_trains():
    run = Run.make()
    assert replace(run, parent=Parent("m2-digits-20-s0-abcd", 3)).command() == ""
    assert replace(run, settings=replace(run.settings, lr=7.0)).command() == "", "of a preset that has changed since"
