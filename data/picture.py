"""An image file opened: every mode of picture as 8-bit colour or grey, upright, its opacity understood."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from data.images import DataError

MOST_BYTES, MOST_PIXELS = 10 * 2**20, 50_000_000  # of an uploaded file, of the picture in it
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "HEIF")
SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif")
CONTRAST = 24  # of 255: how far strokes must stand out from the paper of a photo
OTHER_COLOUR = 48  # of 255 in a channel: what differs by more has another colour
LEAST, MOST = 280, 1024  # pixels of the longer side that strokes are looked for in
BOX = Image.Resampling.BOX
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
UNREADABLE = (
    *(OSError, ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, EOFError, MemoryError, RuntimeError),
    *(struct.error, zlib.error, *BOMBS),
)  # what Pillow raises at files that are not what they say


def opened(file: bytes) -> Image.Image:
    """The first picture in a file, upright, its samples of 8 bits. Raises DataError."""
    if len(file) > MOST_BYTES:
        raise DataError(f"This file has {len(file) / 2**20:.0f} MiB. Choose one of at most {MOST_BYTES // 2**20} MiB.")
    try:
        picture = Image.open(io.BytesIO(file), formats=readable())
        if picture.width * picture.height > MOST_PIXELS:
            raise DataError(
                f"This picture has {picture.width:,} by {picture.height:,} pixels. "
                f"Choose one of at most {MOST_PIXELS // 10**6} million pixels."
            )
        picture.draft("RGB", (MOST, MOST))  # a JPEG is made smaller while it is decoded
        picture.load()
        return eight_bits(ImageOps.exif_transpose(picture))
    except DataError:
        raise
    except BOMBS as e:
        most = MOST_PIXELS // 10**6
        raise DataError(f"This picture has too many pixels. Choose one of at most {most} million pixels.") from e
    except UNREADABLE as e:
        names = ", ".join(FORMATS[:-1]) + f" or {FORMATS[-1]}"
        raise DataError(f"This file is no picture that can be read. Choose a {names} file.") from e


def readable() -> tuple[str, ...]:
    """The formats that Pillow reads here; HEIF, what phones save, comes with pillow-heif."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return tuple(name for name in FORMATS if name != "HEIF")
    register_heif_opener()
    return FORMATS


def eight_bits(picture: Image.Image) -> Image.Image:
    """Grey levels of 16 or 32 bits or floats on the scale 0 to 255; any other picture as it is.

    Pillow clips such levels at 255. What full white is, the file does not say: 1 for floats within 0..1, 255 or 4,095
    (cameras of 12 bits) if nothing is above, else 65,535; other ranges are stretched to their own ends.
    """
    if not picture.mode.startswith(("I", "F")):
        return picture
    x = np.asarray(picture).astype(np.float32)
    if not np.isfinite(x).all():
        raise DataError("This picture has levels that are no numbers. Choose another one, or save it with 8 bits.")
    low, high = float(x.min()), float(x.max())
    tops = [1.0, 255.0] if picture.mode == "F" else [255.0, 4095.0, 65535.0]
    top = next((t for t in tops if high <= t), None)
    if low < 0 or top is None:
        x, top = x - low, max(high - low, 1e-30)
    return Image.fromarray((x * (255 / top)).round().clip(0, 255).astype(np.uint8))


def has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info


def with_alpha(picture: Image.Image) -> Image.Image:
    """The same in RGBA; some modes go there only by way of another."""
    if picture.mode in ("RGBA", "L", "RGB", "P", "LA", "RGBa"):
        return picture.convert("RGBA")
    return picture.convert({"La": "LA", "1": "L"}.get(picture.mode, "RGBA")).convert("RGBA")


def on_white(picture: Image.Image) -> Image.Image:
    """In RGB; what is transparent lies on white paper."""
    if not has_alpha(picture):
        return picture.convert("RGB")
    picture = with_alpha(picture)
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


# The one channel that strokes are looked for in


def to_grey(picture: Image.Image) -> np.ndarray:
    """The levels (h, w), float32, in which strokes stand out best, `LEAST` to `MOST` pixels a side."""
    picture = with_alpha(picture) if has_alpha(picture) else picture.convert("RGB")
    picture = picture.copy()
    picture.thumbnail((MOST, MOST), BOX)
    times = -(-LEAST // max(picture.size))
    if times > 1:
        picture = picture.resize((times * picture.width, times * picture.height), Image.Resampling.BICUBIC)
    x = np.asarray(picture).astype(np.float32)
    if x.shape[-1] == 3:
        return clearest(x)
    return flattened(x[..., :3], x[..., 3])


def flattened(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Grey levels (h, w) of colours (h, w, 3) that are partly transparent.

    Strokes on nothing, of whatever colour, have their shape in the opacity. A sheet that ends before the picture does
    has it in the colours: then the colour along the sheet's rim goes on where it is transparent.
    """
    if alpha.max() < CONTRAST:
        raise DataError("This picture is transparent all over. Choose one in which something can be seen.")
    if np.ptp(alpha) < CONTRAST:
        return clearest(colour)
    visible = alpha >= alpha.max() / 2
    rim = visible & ndimage.binary_dilation(~visible, iterations=2)
    rim = rim if rim.any() else visible
    paper = np.median(colour[rim], 0)
    other = np.abs(colour - paper).max(-1) > OTHER_COLOUR
    inside = visible & other
    if other[rim].mean() > 0.1 or inside.sum() < max(10, 0.001 * visible.sum()):
        return alpha
    opacity = alpha[..., None] / alpha.max()
    return clearest(colour * opacity + paper * (1 - opacity))


def clearest(colour: np.ndarray) -> np.ndarray:
    """Luminance; one of red, green and blue if strokes stand out far more there: yellow ink does in blue."""
    grey = colour @ LUMINANCE
    channels = [grey, *(colour[..., k] for k in range(3))]
    clear = [standing_out(c) for c in channels]
    best = int(np.argmax(clear))
    return channels[best] if clear[best] > 1.5 * clear[0] else grey


def standing_out(x: np.ndarray) -> float:
    """How far the strongest strokes, a thousandth of all pixels, are from the level around them."""
    return float(np.percentile(np.abs(x - around(x)), 99.9))


def around(x: np.ndarray, share: float = 0.4) -> np.ndarray:
    """The median of a wide neighbourhood of each pixel, which knows nothing of thin strokes."""
    h, w = x.shape
    step = max(1, min(h, w) // 40)
    few = np.asarray(Image.fromarray(np.ascontiguousarray(x)).resize((-(-w // step), -(-h // step)), BOX))
    size = max(3, int(share * min(few.shape)) | 1)
    level = Image.fromarray(ndimage.median_filter(few, size).astype(np.float32))
    return np.asarray(level.resize((w, h), Image.Resampling.BILINEAR))
