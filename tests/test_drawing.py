"""A drawing, a photo and a link become images exactly as the data sets' own were made, or are refused in a sentence."""

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

import data
from data import DATASETS, IMAGE_SETS, DataError, picture, preprocess_drawing

MNIST, DIGITS, FASHION, CIFAR = (DATASETS[name] for name in ("mnist", "digits", "fashion-mnist", "cifar10"))


def box(x: np.ndarray, share: float = 0.0) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the ink of an image (h, w)."""
    rows, columns = (np.flatnonzero((x > share * x.max()).any(axis)) for axis in (1, 0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def mass(x: np.ndarray) -> np.ndarray:
    """The centre of mass of an image (h, w): row and column."""
    x = x.astype(float)
    return np.array([np.arange(len(x)) @ x.sum(1), np.arange(x.shape[1]) @ x.sum(0)]) / x.sum()


def pen(*lines: list[tuple[float, float]], side: int = 112, width: float = 10) -> np.ndarray:
    """Ink (side, side) of lines between points in 0..1."""
    picture = Image.new("L", (4 * side, 4 * side))
    for line in lines:
        points = [(4 * side * x, 4 * side * y) for x, y in line]
        ImageDraw.Draw(picture).line(points, 255, round(4 * width), "curve")
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def png(x: np.ndarray | Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    (x if isinstance(x, Image.Image) else Image.fromarray(x)).save(out, kind)
    return out.getvalue()


def layer(ink: np.ndarray, colour: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """What the pad would send of this ink (side, side)."""
    return np.concatenate([np.broadcast_to(np.uint8(colour), (*ink.shape, 3)), ink[..., None]], -1)


SEVEN = ([(0.2, 0.15), (0.8, 0.15), (0.4, 0.9)],)


# The preparation, on images whose answer is known


@pytest.mark.parametrize(("h", "w"), [(60, 30), (30, 60), (40, 40), (100, 12), (7, 90)])
@pytest.mark.parametrize("at", [(3, 5), (0, 0), (12, 20)])
def test_mnist_fits_into_20_by_20_and_keeps_the_proportions(h, w, at):
    ink = np.zeros((112, 112), np.uint8)
    ink[at[0] : at[0] + h, at[1] : at[1] + w] = 255
    x = preprocess_drawing.prepare(ink, MNIST)
    assert (x.shape, x.dtype) == ((1, 28, 28), np.uint8)
    top, bottom, left, right = box(x[0])
    height, width = bottom - top + 1, right - left + 1
    assert max(height, width) == 20
    assert abs(min(height, width) - 20 * min(h, w) / max(h, w)) <= 0.5
    assert np.abs(mass(x[0]) - 14).max() <= 0.5
    assert x.max() == 255


def test_mnist_is_placed_by_its_mass_not_by_its_box():
    """A heavy foot pulls an L down and to the left: the foot comes to the middle."""
    ink = np.zeros((100, 100), np.uint8)
    ink[10:90, 10:18] = 255
    ink[80:90, 10:70] = 255
    x = preprocess_drawing.prepare(ink, MNIST)[0]
    assert np.abs(mass(x) - 14).max() <= 0.5
    top, bottom, left, right = box(x)
    assert (bottom - top + 1, right - left + 1) == (20, 15)
    assert (top + bottom) / 2 < 12, "the box stands above the middle"
    ink[60:90, 10:90] = 255  # so heavy that its mass would push its head over the edge
    top, bottom, _, _ = box(preprocess_drawing.prepare(ink, MNIST)[0])
    assert (top, bottom) == (0, 19)


def test_an_edge_is_grey_and_ink_is_kept():
    ink = np.zeros((112, 112), np.uint8)
    ink[10:90, 40:57] = 255  # 17 of 80 high: 4.25 of 20
    x = preprocess_drawing.prepare(ink, MNIST)[0].astype(float) / 255
    assert x.sum() == pytest.approx(20 * 4, rel=0.08)


def test_the_real_images_are_as_the_preparation_says():
    """20 pixels, mass within half a pixel of (14, 14); 8 rows, 6 of 8 columns: what docstrings claim, measured."""
    digits = data.load("digits").x[:, 0]
    boxes = np.array([box(x[::2, ::2], 0.08) for x in digits])
    assert (boxes[:, 1] - boxes[:, 0] == 7).all()
    assert np.median(boxes[:, 3] - boxes[:, 2] + 1) == 6
    if data.availability("mnist") != "ready":
        return
    mnist = data.load("mnist").x_test[:1000, 0]
    boxes = np.array([box(x) for x in mnist])
    longer = np.maximum(boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]) + 1
    assert (longer >= 19).all()
    assert (longer == 20).mean() > 0.98
    assert max(np.abs(mass(x) - 14).max() for x in mnist) < 0.51


@pytest.mark.parametrize("squeeze", [0.6, 1.0, 1.4])
def test_digits_fill_their_rows_and_20_of_32_columns_whatever_their_shape(squeeze):
    ink = pen(*[[(0.5 + squeeze * (x - 0.5) / 1.4, y) for x, y in line] for line in SEVEN])
    x = preprocess_drawing.prepare(ink, DIGITS)
    assert (x.shape, x.dtype) == ((1, 16, 16), np.uint8)
    top, bottom, left, right = box(x[0], 0.1)
    assert (top, bottom) == (0, 15)
    assert 10 <= right - left + 1 <= 13
    assert abs((left + right) / 2 - 7.5) <= 0.5


def test_a_stroke_of_digits_is_not_made_a_block():
    one = preprocess_drawing.prepare(pen([(0.5, 0.1), (0.5, 0.9)], width=14), DIGITS)[0]
    _, _, left, right = box(one, 0.3)
    assert right - left + 1 <= 7
    dash = preprocess_drawing.prepare(pen([(0.1, 0.5), (0.9, 0.5)], width=14), DIGITS)[0]
    top, bottom, _, _ = box(dash, 0.3)
    assert bottom - top + 1 <= 9


def test_digits_are_levels_of_16_enlarged():
    """What comes out is what the data set's own decoder makes of 8x8 levels."""
    from data.digits import larger

    x = preprocess_drawing.prepare(pen(*SEVEN, width=14), DIGITS)[0]
    levels = np.round(np.arange(17) * (255 / 16))
    small = np.asarray(Image.fromarray(x).resize((8, 8), Image.Resampling.BOX)).astype(float)
    near = levels[np.abs(small[..., None] - levels).argmin(-1)]
    assert np.abs(larger(near.astype(np.uint8), (16, 16)).astype(int) - x).mean() < 12


def test_fashion_fills_the_image():
    ink = np.zeros((112, 112), np.uint8)
    ink[20:100, 40:60] = 200
    top, bottom, left, right = box(preprocess_drawing.prepare(ink, FASHION)[0])
    assert (top, bottom, right - left + 1) == (0, 27, 7)
    assert abs((left + right) / 2 - 13.5) <= 0.5


@pytest.mark.parametrize("spec", [MNIST, DIGITS, FASHION], ids=lambda s: s.name)
@pytest.mark.parametrize("ink", [np.zeros((112, 112)), np.full((112, 112), 5), np.eye(112) * 3], ids=str)
def test_nothing_drawn_is_an_empty_image(spec, ink):
    x = preprocess_drawing.prepare(ink.astype(np.uint8), spec)
    assert x.shape == spec.shape
    assert not x.any()


@pytest.mark.parametrize("spec", [MNIST, DIGITS, FASHION], ids=lambda s: s.name)
def test_a_dot_a_frame_and_a_full_pad_are_images_too(spec):
    dot, frame, full = (np.full((112, 112), level, np.uint8) for level in (0, 0, 255))
    dot[50, 60] = 255
    frame[[0, -1]] = frame[:, [0, -1]] = 255
    for ink in (dot, frame, full):
        assert preprocess_drawing.prepare(ink, spec).any()


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_a_real_image_prepared_again_stays_what_it_was(name):
    """Upsampled four times and prepared, the nearest of 300 real ones is itself; chance would be 1 in 300.

    Measured: .963 on MNIST, whose preparation is published, .70 on Digits, which were stretched from bitmaps that
    nobody has, so that columns come to lie some of 32 beside where they were. The bounds leave room for another Pillow.
    """
    if data.availability(name) != "ready":
        pytest.skip(f"{name} is not on this machine")
    spec, x = DATASETS[name], data.load(name).x_test[:300]
    again = np.stack([preprocess_drawing.prepare(enlarged(i[0], 4), spec) for i in x])
    d = np.linalg.norm(again.reshape(300, 1, -1).astype(np.float32) - x.reshape(1, 300, -1), axis=-1)
    share = (d.argmin(1) == np.arange(300)).mean()
    assert share >= {"mnist": 0.93, "digits": 0.6}[name], share
    assert again.mean() == pytest.approx(x.mean(), rel=0.06), "as much ink"


def enlarged(x: np.ndarray, times: int) -> np.ndarray:
    h, w = x.shape
    return np.asarray(Image.fromarray(x).resize((times * w, times * h), Image.Resampling.BICUBIC))


# What the pad sends


def test_a_layer_is_read_back_and_anything_else_refused():
    ink = layer(pen(*SEVEN))
    assert np.array_equal(preprocess_drawing.read_layer(png(ink), 112), ink)
    for junk in (b"", b"<svg/>", png(ink)[:200], png(np.zeros((111, 112, 4), np.uint8)), png(ink[..., :3], "JPEG")):
        with pytest.raises(DataError, match=r"no picture|not one of this page"):
            preprocess_drawing.read_layer(junk, 112)


def test_a_drawing_on_nothing_is_prepared():
    ink = pen(*SEVEN)
    assert np.array_equal(preprocess_drawing.painted(layer(ink), None, MNIST), preprocess_drawing.prepare(ink, MNIST))


def test_painting_leaves_alone_what_no_stroke_touches():
    rng = np.random.default_rng(0)
    for spec in (MNIST, CIFAR):
        base, side = rng.integers(0, 256, spec.shape).astype(np.uint8), preprocess_drawing.fine(spec)
        ink = np.zeros((side, side), np.uint8)
        ink[: side // 2] = 255
        half = preprocess_drawing.painted(layer(ink, (10, 200, 90)), base, spec)
        n = spec.shape[1] // 2
        assert np.array_equal(half[:, n:], base[:, n:])
        colour = [10, 200, 90] if spec.shape[0] == 3 else [100]
        assert np.array_equal(half[:, 0, 0], colour)
        nothing = preprocess_drawing.painted(layer(np.zeros_like(ink)), base, spec)
        assert np.array_equal(nothing, base)


def test_the_rubber_takes_ink_away():
    ink = layer(pen(*SEVEN))
    ink[:50, :, :3] = 0  # black over white
    below = preprocess_drawing.prepare(pen(*SEVEN) * (np.arange(112) >= 50)[:, None].astype(np.uint8), MNIST)
    assert np.abs(preprocess_drawing.painted(ink, None, MNIST).astype(int) - below).max() <= 1


def test_the_pad_is_a_multiple_of_every_image():
    for spec in DATASETS.values():
        assert preprocess_drawing.fine(spec) % spec.shape[1] == preprocess_drawing.fine(spec) % spec.shape[2] == 0
        assert preprocess_drawing.fine(spec) >= preprocess_drawing.FINE


# Files


def photo(ink: np.ndarray, paper: int = 225, dark: int = 60, shade: float = 0.35) -> np.ndarray:
    """A photo (400, 300) of this ink: uneven light and noise."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(ink).resize((150, 150))
    full = np.zeros((400, 300))
    full[120:270, 70:220] = np.asarray(small) / 255
    light = 1 - shade * np.linspace(0, 1, 300)[None] * np.linspace(0.3, 1, 400)[:, None]
    grey = (paper + (dark - paper) * full) * light + rng.normal(0, 4, full.shape)
    return grey.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("spec", [MNIST, DIGITS], ids=lambda s: s.name)
@pytest.mark.parametrize("kind", ["dark on light", "light on dark", "jpeg", "rgb"])
def test_a_photo_of_a_digit_is_read_as_if_it_were_drawn(spec, kind):
    ink = pen(*SEVEN)
    grey = photo(ink)
    file = {"light on dark": png(255 - grey), "jpeg": png(grey, "JPEG"), "rgb": png(np.stack([grey] * 3, -1))}
    x = preprocess_drawing.from_file(file.get(kind, png(grey)), spec).image
    drawn = preprocess_drawing.prepare(ink, spec)
    assert x.shape == spec.shape
    alike = np.corrcoef(x.ravel().astype(float), drawn.ravel().astype(float))[0, 1]
    assert alike > 0.9, alike
    assert x[0, 0].max() == 0 or spec is DIGITS, "the paper is empty, its shading is gone"


@pytest.mark.parametrize("mode", ["RGBA", "P", "1", "LA", "I;16", "CMYK"])
def test_every_mode_of_picture(mode):
    ink = pen(*SEVEN)
    picture = Image.fromarray(255 - ink)
    if mode == "RGBA":
        picture = Image.fromarray(layer(ink, (0, 0, 0)))
    elif mode == "I;16":
        picture = Image.fromarray((255 - ink).astype(np.uint16) * 256)
    else:
        picture = picture.convert("RGBA").convert(mode) if mode == "P" else picture.convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    x = preprocess_drawing.from_file(png(picture, kind), MNIST).image
    alike = np.corrcoef(x.ravel().astype(float), preprocess_drawing.prepare(ink, MNIST).ravel().astype(float))[0, 1]
    assert alike > 0.9, alike


def test_a_picture_of_the_data_sets_size_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, CIFAR.shape).astype(np.uint8)
    assert np.array_equal(preprocess_drawing.from_file(png(np.moveaxis(colour, 0, -1)), CIFAR).image, colour)
    for x in data.load("digits").x_test[:20]:
        assert np.array_equal(preprocess_drawing.from_file(png(x[0]), DIGITS).image, x)
    seven = preprocess_drawing.prepare(pen(*SEVEN), MNIST)
    assert np.array_equal(preprocess_drawing.from_file(png(seven[0]), MNIST).image, seven)
    assert np.array_equal(preprocess_drawing.from_file(png(255 - seven[0]), MNIST).image, seven)


def test_a_photograph_is_cut_square_in_the_middle():
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = (200, 30, 60)
    x = preprocess_drawing.from_file(png(wide), CIFAR).image
    assert np.array_equal(x, np.broadcast_to(np.uint8([200, 30, 60])[:, None, None], CIFAR.shape))


def test_a_turned_photo_is_turned_upright():
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste((200, 0, 0), (0, 0, 64, 32))
    exif = picture.getexif()
    exif[0x0112] = 3  # upside down
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=95)
    x = preprocess_drawing.from_file(out.getvalue(), CIFAR).image
    assert x[1, 2].mean() > 200 > 60 > x[1, -3].mean()


def bomb() -> bytes:
    """A PNG whose header promises more pixels than anybody should unpack."""
    head = png(np.zeros((4, 4), np.uint8))
    body = head[12:16] + (30_000).to_bytes(4, "big") * 2 + head[24:29]
    return head[:12] + body + zlib.crc32(body).to_bytes(4, "big") + head[33:]


JUNK = {
    "empty": b"",
    "text": b"hello" * 100,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ls) system\n",
    "pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    "cut short": png(np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8))[:900],
    "a jpeg's head": png(np.zeros((90, 90), np.uint8), "JPEG")[:40],
    "bomb": bomb(),
    "half a tiff": png(np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8), "TIFF")[:4000],
    "no numbers": png(np.full((40, 40), np.nan, np.float32), "TIFF"),
}


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("spec", [MNIST, CIFAR], ids=lambda s: s.name)
def test_junk_is_refused_in_a_sentence(name, spec):
    with pytest.raises(DataError) as refused:
        preprocess_drawing.from_file(JUNK[name], spec)
    assert str(refused.value).endswith(".")
    assert "Choose" in str(refused.value)


def test_a_file_that_is_too_large_is_not_opened():
    with pytest.raises(DataError, match="at most 10 MiB"):
        preprocess_drawing.from_file(png(np.zeros((50, 50), np.uint8)) + b"\0" * picture.MOST_BYTES, MNIST)


@pytest.mark.parametrize("grey", [255, 128, 0])
def test_an_empty_sheet_is_refused(grey):
    noise = np.random.default_rng(0).normal(grey, 3, (300, 200)).clip(0, 255).astype(np.uint8)
    for spec in (MNIST, DIGITS, FASHION):
        with pytest.raises(DataError, match="Nothing stands out"):
            preprocess_drawing.from_file(png(noise), spec)


# Links


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_a_link_carries_every_image_whole(name):
    shape = DATASETS[name].shape
    rng = np.random.default_rng(0)
    for x in (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), rng.integers(0, 256, shape).astype(np.uint8)):
        text = preprocess_drawing.to_text(x)
        assert preprocess_drawing.TEXT.fullmatch(text)
        back = preprocess_drawing.from_text(text, shape)
        assert np.array_equal(back, x)
        assert (back.dtype, back.shape) == (np.uint8, shape)


def test_a_drawn_digit_makes_a_short_link():
    assert len(preprocess_drawing.to_text(preprocess_drawing.prepare(pen(*SEVEN), MNIST))) < 500
    assert len(preprocess_drawing.to_text(preprocess_drawing.prepare(pen(*SEVEN), DIGITS))) < 300


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(raw)).decode().rstrip("=")


WRONG = {
    "empty": "",
    "words": "../../etc/passwd",
    "not compressed": base64.urlsafe_b64encode(bytes(784)).decode().rstrip("="),
    "one byte short": packed(bytes(783)),
    "one byte long": packed(bytes(785)),
    "a bomb": packed(bytes(50_000_000)),
    "something after it": base64.urlsafe_b64encode(zlib.compress(bytes(784)) + b"more").decode().rstrip("="),
    "cut": packed(np.random.default_rng(0).integers(0, 256, 784).astype(np.uint8).tobytes())[:-8],
    "long": "A" * 100_000,
    "other letters": packed(bytes(784)) + "+/",
    "a space": " " + packed(bytes(784)),
    "unicode": "\u00dc" * 40,
    "nul": "\x00",
    "of another data set": packed(bytes(256)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_link_is_refused(name):
    with pytest.raises(DataError, match="cannot be read"):
        preprocess_drawing.from_text(WRONG[name], (1, 28, 28))
