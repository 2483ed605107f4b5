"""What is taken away to other programs: codes as Parquet, and the line of the shell that trains the same run."""

import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import data
from models import MODELS, __main__
from models.analysis import codes_table, projections, snapshots
from models.errors import LatentError
from models.results import examples
from models.runs.annotations import Parent
from models.runs.run import Run
from models.runs.store import Folder


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
    monkeypatch.setattr(__main__, "train_in", lambda folder, args: seen.append(folder) or 0)
    monkeypatch.setattr(data, "load", lambda name: None)
    words = run.command().split()
    assert words[:3] == ["python", "-m", "models"]
    assert __main__.main([*words[3:], "--runs", str(tmp_path)]) == 0
    assert seen[0].run == run


def test_no_line_is_given_for_what_no_line_trains():
    run = Run.make()
    assert replace(run, parent=Parent("m2-digits-20-s0-abcd", 3)).command() == ""
    assert replace(run, settings=replace(run.settings, lr=7.0)).command() == "", "of a preset that has changed since"
