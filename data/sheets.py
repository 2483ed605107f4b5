"""Sheets of many small images, for browsers: how one is drawn, and those of a whole data set, kept as files.

A browser cuts single images out of a sheet. The sheets of a whole data set are made once on a machine, in the cache,
and appear whole or not at all; whoever serves them hands out one file at a time and holds none.
"""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from data import files
from data.images import DataError, Images, pixels

COLUMNS, EACH = 32, 1024  # of one sheet: small enough to be there soon after it is asked for
VERSION = 1  # raise it when the same images would be drawn into other files


def draw(tiles: np.ndarray) -> tuple[str, bytes]:
    """Images (n, c, h, w), uint8, row by row in one picture: ("png", file), or ("jpg", file) of colour ones."""
    n, c, h, w = tiles.shape
    rows = -(-n // COLUMNS)
    whole = np.zeros((rows * COLUMNS, c, h, w), np.uint8)
    whole[:n] = tiles
    whole = whole.reshape(rows, COLUMNS, c, h, w).transpose(0, 3, 1, 4, 2).reshape(rows * h, COLUMNS * w, c)
    out = io.BytesIO()
    if c == 1:
        Image.fromarray(whole[:, :, 0]).save(out, "PNG", compress_level=3)
        return "png", out.getvalue()
    Image.fromarray(whole).save(out, "JPEG", quality=88, subsampling=0)
    return "jpg", out.getvalue()


def every(images: Images) -> np.ndarray:
    """The ids of all images in the order of the sheets: training images, then test images; int32 (n,)."""
    return np.concatenate([np.arange(len(images.y)), -1 - np.arange(len(images.y_test))]).astype(np.int32)


def root() -> Path:
    """The folder that holds nothing but sheets, so that it may be served."""
    return files.cache() / "sheets"


def there(images: Images) -> list[str]:
    """The files of a data set's sheets in their order, as paths below `root()`; none if they have not been made."""
    folder = root() / name(images)
    wanted = -(-(len(images.y) + len(images.y_test)) // EACH)
    found = sorted(p.name for p in folder.glob("[0-9]*.*")) if folder.is_dir() else []
    return [f"{folder.name}/{file}" for file in found] if len(found) == wanted else []


def name(images: Images) -> str:
    """Tells the images of one source from those of another: a checksum of all labels and of one image in a hundred."""
    crc = 0
    for array in (images.y, images.y_test, images.x[::100], images.x_test[::100]):
        crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), crc)
    return f"{images.name}-{crc:08x}-v{VERSION}"


def make(images: Images, on_sheet: Callable[[float], None] = lambda share: None) -> None:
    """Draw the sheets of a whole data set, unless they are there: some seconds. Raises DataError.

    `on_sheet` is told which share of them is done, 0 to 1.
    """
    if there(images):
        return
    ids, scratch = every(images), f"sheets-{images.name}"
    files.check_space(images.x.nbytes + images.x_test.nbytes, f"Drawing all images of {images.name}")
    try:
        with files.locked(scratch):
            if there(images):  # another process was quicker
                return
            with files.scratch(scratch) as folder:
                (folder / "made").mkdir()
                for start in range(0, len(ids), EACH):
                    kind, file = draw(pixels(images, ids[start : start + EACH]))
                    (folder / "made" / f"{start // EACH:04d}.{kind}").write_bytes(file)
                    on_sheet(min(1.0, (start + EACH) / len(ids)))
                files.move_in(folder / "made", root() / name(images))
    except OSError as e:
        raise DataError(
            f"The sheets of {images.name} cannot be kept in {files.cache()} ({e.strerror or e}). "
            "Free some space, or name another folder in FEWLABELS_CACHE."
        ) from e
