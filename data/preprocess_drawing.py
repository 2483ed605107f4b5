"""A drawing or a photo made into an image like those of a data set: prepared as those were.

What matters to a model that learned from a data set is not only what is drawn but how it was scaled, placed and blurred
there. Measured on the images themselves (the tests hold it):

    MNIST          the longer side of a digit is 20 of 28 pixels, its centre of mass within half a pixel of (14, 14)
    Digits         a digit fills all 8 rows and about 6 of 8 columns, whatever its shape: it was stretched, not scaled
    Fashion-MNIST  the longer side is 28 pixels, the shorter one lies in the middle

Ink is uint8 (height, width): 0 is the empty background, 255 a full stroke.
"""

import base64
import binascii
import io
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from data.digits import larger
from data.images import DataError, Spec
from data.picture import BOX, CONTRAST, UNREADABLE, on_white, opened, to_grey

FINE = 112  # pixels a side at least that a drawing arrives with: 7 to a pixel of Digits, 4 to one of MNIST
FAINT = 8  # of 255: what is nowhere darker than this is nothing
STRETCH = 2.0  # of a digit of Digits in one direction against the other: a 1 is not made as wide as a 0
TEXT = re.compile(r"[A-Za-z0-9_-]+")
# The data sets of strokes, and how wide those are as a share of the longer side of a digit: 2.4 of 20 pixels, 3.1 of 16
# (medians of twice the ink over the length of its outline).
STROKES = {"mnist": 0.12, "digits": 0.19}


def fine(spec: Spec) -> int:
    """Pixels a side that a drawing for this data set arrives with: a multiple of the images' own."""
    side = max(spec.shape[1:])
    return side * math.ceil(FINE / side)


# A drawing


def read_layer(png: bytes, side: int) -> np.ndarray:
    """What was painted, uint8 (side, side, 4) with its opacity last. Raises DataError if it is no such PNG."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.size != (side, side):
                raise DataError(f"A drawing of {picture.size[0]} by {picture.size[1]} pixels is not one of this page.")
            return np.asarray(picture.convert("RGBA"))
    except DataError:
        raise
    except UNREADABLE as e:
        raise DataError("What arrived from the drawing pad is no picture. Reload the page and draw again.") from e


def painted(layer: np.ndarray, base: np.ndarray | None, spec: Spec) -> np.ndarray:
    """The image, uint8 (c, h, w), that a layer (side, side, 4) of `read_layer` makes.

    On nothing (`base` None): prepared as the data set was. On an image `base` (c, h, w): painted over it pixel by
    pixel, nothing is moved, and a pixel that no stroke touches stays exactly as it was.
    """
    opacity = layer[..., 3:].astype(np.float64) / 255
    colour = opacity * (layer[..., :3] if spec.shape[0] == 3 else layer[..., :3].mean(-1, keepdims=True))
    if base is None and spec.grey:
        return prepare(to_uint8(colour[..., 0]), spec)
    c, h, w = spec.shape
    below = np.zeros((h, w, c)) if base is None else np.moveaxis(base, 0, -1).astype(np.float64)
    return np.moveaxis(to_uint8(below * (1 - shrunk(opacity, h, w)) + shrunk(colour, h, w)), -1, 0)


def shrunk(x: np.ndarray, h: int, w: int) -> np.ndarray:
    """Means over blocks: (H, W, c), whose sides are multiples, to (h, w, c)."""
    return x.reshape(h, x.shape[0] // h, w, x.shape[1] // w, -1).mean((1, 3))


def to_uint8(x: np.ndarray) -> np.ndarray:
    return x.round().clip(0, 255).astype(np.uint8)


# The preparation of each data set


def prepare(ink: np.ndarray, spec: Spec) -> np.ndarray:
    """Ink of any size as an image of this grey data set: uint8 (1, h, w). Nothing drawn is an empty image."""
    if ink.max(initial=0) < FAINT:
        return np.zeros(spec.shape, np.uint8)
    return RECIPES.get(spec.name, like_fashion)(ink, spec.shape[1:])[None]


def like_mnist(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """As published: fitted into 20x20 with its proportions kept, placed by its centre of mass.

    LeCun, Cortes and Burges say on the page of MNIST: bilevel images were "size normalized to fit in a 20x20 pixel box
    while preserving their aspect ratio", grey levels came of anti-aliasing, and each was placed in 28x28 by its centre
    of mass. In the files that centre is pixel (14, 14), counted from 0, reached in whole pixels.
    """
    h, w = size
    part = cut(ink, 0.5)
    scale = 20 / 28 * min(size) / max(part.shape)
    small = resized(part, part.shape[0] * scale, part.shape[1] * scale)
    mass = small.astype(np.float64)
    y, x = (np.arange(n) @ mass.sum(1 - axis) / mass.sum() for axis, n in enumerate(small.shape))
    return placed(small, size, round(h / 2 - y), round(w / 2 - x))


def like_digits(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """As the UCI bitmaps were: stretched to 32 rows and 20 columns, 4x4 blocks counted to 8x8 levels, enlarged.

    Alpaydin and Kaynak ("Optical recognition of handwritten digits", UCI, 1998) took 32x32 bitmaps that NIST's programs
    had normalised and counted the ink of each 4x4 block, 0 to 16. The stretch is read off what the files hold: ink in
    all 8 rows of every image and in 6 columns of most, which 20 of 32 in the middle touch; 1s are narrower, so it has a
    limit here.
    """
    part = cut(ink, 0.5)
    down, across = 32 / part.shape[0], 20 / part.shape[1]
    down, across = min(down, STRETCH * across), min(across, STRETCH * down)
    part = resized(part, part.shape[0] * down, part.shape[1] * across)
    field = placed(part, (32, 32), (32 - part.shape[0]) // 2, (32 - part.shape[1]) // 2)
    count = np.round(shrunk(field[..., None].astype(np.float64), 8, 8)[..., 0] * (16 / 255))
    return larger(to_uint8(count * (255 / 16)), size)


def like_fashion(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Trimmed, the longer side as long as the image, the shorter one in the middle (Xiao et al., 2017, section 2).

    Their sharpening is left out: what is drawn is sharp.
    """
    h, w = size
    part = cut(ink, 0.1)
    scale = min(h / part.shape[0], w / part.shape[1])
    small = resized(part, part.shape[0] * scale, part.shape[1] * scale)
    return placed(small, size, (h - small.shape[0]) // 2, (w - small.shape[1]) // 2)


RECIPES: dict[str, Callable[[np.ndarray, tuple[int, int]], np.ndarray]] = {
    "mnist": like_mnist,
    "digits": like_digits,
    "fashion-mnist": like_fashion,
}


def cut(ink: np.ndarray, share: float) -> np.ndarray:
    """The part of the picture that holds all ink of at least this share of the darkest."""
    on = ink >= share * ink.max()
    rows, columns = np.flatnonzero(on.any(1)), np.flatnonzero(on.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def resized(ink: np.ndarray, height: float, width: float) -> np.ndarray:
    """Ink at another size, each new pixel the mean of what it covers; enlarged, smoothly."""
    h, w = max(1, round(height)), max(1, round(width))
    picture = Image.fromarray(np.ascontiguousarray(ink))
    if h > ink.shape[0]:
        picture = picture.resize((ink.shape[1], h), Image.Resampling.BICUBIC)
    if w > ink.shape[1]:
        picture = picture.resize((w, picture.height), Image.Resampling.BICUBIC)
    return np.asarray(picture.resize((w, h), BOX))


def placed(small: np.ndarray, size: tuple[int, int], top: int, left: int) -> np.ndarray:
    """`small` on an empty image of `size`, with its corner there or as near as it fits without losing an edge."""
    out = np.zeros(size, np.uint8)
    h, w = min(small.shape[0], size[0]), min(small.shape[1], size[1])
    top, left = int(np.clip(top, 0, size[0] - h)), int(np.clip(left, 0, size[1] - w))
    out[top : top + h, left : left + w] = small[:h, :w]
    return out


# A file


@dataclass(frozen=True)
class Prepared:
    """An image made of a file, and in words what was understood and what speaks against it."""

    image: np.ndarray  # uint8 (c, h, w)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def from_file(file: bytes, spec: Spec) -> Prepared:
    """An image file as an image of this data set. Raises DataError: no such file, too large, empty.

    Colour ones are cut to a square in the middle and made smaller. Grey ones are read as a scan or a photo of something
    dark on light or light on dark, and prepared as the data set was, unless they are like its images already.
    """
    picture = opened(file)
    c, h, w = spec.shape
    if c == 3:
        return Prepared(np.moveaxis(np.asarray(ImageOps.fit(on_white(picture), (w, h), BOX)), -1, 0).copy())
    if picture.size == (w, h) and (ready := as_it_is(np.asarray(on_white(picture).convert("L")), spec)) is not None:
        return Prepared(ready[None], ("Taken as it is: it has the size and the place of the data set's own images.",))
    if spec.name not in STROKES:
        return Prepared(prepare(thing(to_grey(picture)), spec))
    from data import ink  # SciPy, which the page needs only now

    found = ink.find(to_grey(picture), STROKES[spec.name])
    return Prepared(prepare(found.ink, spec), tuple(found.notes), tuple(found.warnings))


def as_it_is(grey: np.ndarray, spec: Spec) -> np.ndarray | None:
    """A picture (h, w) of the data set's size, light on dark, if it was prepared like one of its images; else None."""
    x = grey if np.median(grey) < 128 else 255 - grey
    if np.percentile(x, 20) > FAINT or x.max() < 128:  # their paper is 0, and a quarter of an image at least
        return None
    h, w = x.shape
    part = np.flatnonzero((x > 40).any(1)), np.flatnonzero((x > 40).any(0))
    high, wide = (int(p[-1] - p[0] + 1) for p in part)
    if spec.name == "mnist":
        mass = [np.arange(n) @ x.sum(1 - axis, dtype=np.float64) / x.sum() - n / 2 for axis, n in enumerate(x.shape)]
        return x.copy() if 18 <= max(high, wide) <= 20 and np.abs(mass).max() < 1 else None
    if spec.name == "digits":
        middle = (part[1][0] + part[1][-1] + 1) / 2
        return x.copy() if high >= h - 1 and abs(middle - w / 2) <= 2.5 else None
    return x.copy() if max(high, wide) >= h - 2 else None


def thing(grey: np.ndarray) -> np.ndarray:
    """A photo (h, w) of a thing on a plain background as ink: how far each part is from that background."""
    edge = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    dark, light = (edge - grey).clip(0).astype(np.float64), (grey - edge).clip(0).astype(np.float64)
    far = dark if (dark**2).sum() > (light**2).sum() else light
    full = float(np.percentile(far[far > CONTRAST / 2], 95)) if (far > CONTRAST / 2).any() else 0.0
    if full < CONTRAST:
        from data.ink import nothing

        raise nothing(full)
    return to_uint8(255 * (far / full - 0.05) / 0.95)


# A link


def to_text(image: np.ndarray) -> str:
    """An image, uint8, as text that an address can hold: compressed, base64url."""
    return base64.urlsafe_b64encode(zlib.compress(image.tobytes(), 9)).decode().rstrip("=")


def from_text(text: str, shape: tuple[int, int, int]) -> np.ndarray:
    """The image (c, h, w) that `to_text` wrote. Raises DataError at anything else, however long or twisted."""
    size = math.prod(shape)
    wrong = DataError("The address holds a drawing that cannot be read, or one for another data set. It was left out.")
    if len(text) > 2 * size + 100 or not TEXT.fullmatch(text):  # zlib never makes anything much longer than it was
        raise wrong
    try:
        unpack = zlib.decompressobj()
        raw = unpack.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), size + 1)
    except (binascii.Error, ValueError, zlib.error) as e:
        raise wrong from e
    if len(raw) != size or not unpack.eof or unpack.unused_data:
        raise wrong
    return np.frombuffer(raw, np.uint8).reshape(shape)
