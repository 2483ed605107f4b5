"""The codes of a snapshot as one Parquet file: a row an image, with the image itself as PNG, or a row a point.

The column `image` is a struct of `bytes` and `path`, and the schema says to Hugging Face's `datasets` that it is an
Image and that `true` and `predicted` are classes, so that `load_dataset("parquet", data_files=...)` opens it as such.
"""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import data
from models.analysis import projections, snapshots
from models.errors import LatentError
from models.runs.store import Folder

KINDS = {snapshots.LABELLED: "labelled", snapshots.UNLABELLED: "unlabelled", snapshots.TEST: "test"}


def saved(folder: Folder, space: str, epoch: int | None = None) -> snapshots.SnapshotImages:
    """The snapshot after `epoch`, or the latest, that has codes of this space. Raises LatentError without one."""
    found = snapshots.snapshot_images(folder, epoch)
    if found is None or space not in found.spaces:
        raise LatentError(f"The run {folder.id} has no saved codes of {space}.")
    return found


def parquet(folder: Folder, space: str, epoch: int | None = None) -> bytes:
    """The snapshot after `epoch`, or the latest, of one of a run's spaces as the bytes of a Parquet file.

    Columns: id (i >= 0 training image i, -1 - j test image j), x and y (the UMAP where it is kept, else the PCA), the
    codes as a list, named as the space is, true, predicted, entropy (nats), split (labelled, unlabelled, test), image
    or point.
    Opens the data set. Raises LatentError, DataError or StoreError, each a sentence.
    """
    found = saved(folder, space, epoch)
    codes = found.spaces[space].astype(np.float32)
    xy = projections.read_map(folder.path, space, found.epoch, found.ids)
    xy = projections.pca(codes) if xy is None else xy
    images = data.load(found.dataset)
    what, x = images.noun(1), data.pixels(images, found.ids)
    reals = {"feature": number("float32"), "_type": "Sequence"}
    features = {
        "id": number("int32"), "x": number("float32"), "y": number("float32"),
        space: reals, "true": classes(found.classes),
        **({"predicted": classes(found.classes), "entropy": number("float32")} if found.q_y is not None else {}),
        "split": number("string"), what: {"_type": "Image"} if what == "image" else reals,
    }  # fmt: skip
    columns = {
        "id": pa.array(found.ids, pa.int32()),
        "x": pa.array(xy[:, 0], pa.float32()),
        "y": pa.array(xy[:, 1], pa.float32()),
        space: pa.array(list(codes), pa.list_(pa.float32())),
        "true": pa.array(found.true, pa.int64()),
        "predicted": pa.array(found.predicted, pa.int64()),
        "entropy": pa.array(found.entropy, pa.float32()),
        "split": pa.array([KINDS[int(kind)] for kind in found.kind], pa.string()),
        what: pictures(x, found.ids)
        if what == "image"
        else pa.array(list(x.reshape(len(x), -1)), pa.list_(pa.float32())),
    }
    table = pa.table({name: columns[name] for name in features})
    about = {
        "huggingface": json.dumps({"info": {"features": features}}),
        "few-labels": json.dumps(
            {"run": folder.id, "epoch": found.epoch, "space": space, "setup": folder.run.to_dict()}
        ),
    }
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(about), out, compression="zstd")
    return out.getvalue()


def pictures(images: np.ndarray, ids: np.ndarray) -> pa.Array:
    return pa.array(
        [{"bytes": png(x), "path": f"{name}.png"} for x, name in zip(images, ids, strict=True)],
        pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    )


def number(dtype: str) -> dict:
    return {"dtype": dtype, "_type": "Value"}


def classes(names: tuple[str, ...]) -> dict:
    return {"names": list(names), "_type": "ClassLabel"}


def png(x: np.ndarray) -> bytes:
    """One image, uint8 (c, h, w), as PNG."""
    out = io.BytesIO()
    Image.fromarray(x[0] if len(x) == 1 else x.transpose(1, 2, 0)).save(out, "PNG")
    return out.getvalue()
