"""The codes of a snapshot as a zip for TensorFlow's Embedding Projector: tensors, metadata, the images as one sprite.

The Projector finds image i in a sprite of as many rows as columns, and takes none of more than 8192 pixels a side.
`projector_config.json` names the files by their paths beside it, as the standalone Projector reads them from its own
folder; from elsewhere it takes full addresses.
"""

import io
import json
import math
import re
import zipfile

import numpy as np
from PIL import Image

import data
from models.analysis import codes_table
from models.errors import LatentError
from models.runs.store import Folder

MOST_SIDE = 8192  # pixels
TENSORS, METADATA, SPRITE, CONFIG = "tensors.tsv", "metadata.tsv", "sprite.png", "projector_config.json"


def projector(folder: Folder, space: str, epoch: int | None = None) -> bytes:
    """The snapshot after `epoch`, or the latest, of one of a run's spaces as the bytes of a zip.

    Row i of the tensors, row i of the metadata below its head, and tile i of the sprite are one image; points have no
    sprite. Opens the data set. Raises LatentError, DataError or StoreError, each a sentence.
    """
    found = codes_table.saved(folder, space, epoch)
    codes = found.spaces[space]
    n, size = codes.shape
    if size < 2:
        raise LatentError(f"{space} of {folder.id} has one dimension; the Projector needs two. Take Parquet instead.")
    columns: dict[str, list] = {"id": found.ids.tolist(), "true": [found.classes[k] for k in found.true]}
    if found.q_y is not None:
        columns["predicted"] = [found.classes[k] for k in found.predicted]
        columns["entropy"] = [f"{h:.6g}" for h in found.entropy]
    columns["split"] = [codes_table.KINDS[int(kind)] for kind in found.kind]
    rows = [columns, *zip(*columns.values(), strict=True)]
    images = data.load(found.dataset)
    tiles = data.pixels(images, found.ids) if images.noun() == "images" else None
    pictures = (
        {} if tiles is None else {"sprite": {"imagePath": SPRITE, "singleImageDim": [tiles.shape[3], tiles.shape[2]]}}
    )
    config = {
        "embeddings": [
            {
                "tensorName": f"{space} of {folder.id} after epoch {found.epoch}",
                "tensorShape": [n, size],
                "tensorPath": TENSORS,
                "metadataPath": METADATA,
                **pictures,
            }
        ]
    }
    tensors, out = io.StringIO(), io.BytesIO()
    np.savetxt(tensors, codes, fmt="%.9g", delimiter="\t")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(TENSORS, tensors.getvalue())
        z.writestr(METADATA, "".join("\t".join(re.sub(r"\s", " ", str(v)) for v in row) + "\n" for row in rows))
        if tiles is not None:
            z.writestr(SPRITE, sprite(tiles), zipfile.ZIP_STORED)
        z.writestr(CONFIG, json.dumps(config, indent=1))
    return out.getvalue()


def sprite(images: np.ndarray) -> bytes:
    """Images (n, c, h, w), uint8, row by row in one PNG that has as many rows as columns. Raises LatentError."""
    n, c, h, w = images.shape
    side = math.ceil(math.sqrt(n))
    if side * max(h, w) > MOST_SIDE:
        raise LatentError(
            f"A sprite of {n:,} images of {w} x {h} pixels is more than {MOST_SIDE} pixels a side, the most that the "
            "Projector takes. Take Parquet instead."
        )
    tiles = np.zeros((side * side, c, h, w), np.uint8)
    tiles[:n] = images
    whole = tiles.reshape(side, side, c, h, w).transpose(0, 3, 1, 4, 2).reshape(side * h, side * w, c)
    out = io.BytesIO()
    Image.fromarray(whole[:, :, 0] if c == 1 else whole).save(out, "PNG")
    return out.getvalue()
