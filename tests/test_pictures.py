"""A picture of a digit from anywhere is read as that digit: thin ink, any paper, shadows, lines, frames, opacity.

A drawn 7 is put on pictures of every kind, and what comes back must be like the clean drawing. `tests/pictures` has
seven files that were once misread.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_drawing import box, mass, pen

from data import DATASETS, DataError, picture, preprocess_drawing
from data import ink as strokes

MNIST, DIGITS = DATASETS["mnist"], DATASETS["digits"]
CASES = sorted((Path(__file__).parent / "pictures").glob("*.png"))
SEVEN = ([(0.2, 0.15), (0.8, 0.15), (0.4, 0.9)],)
FIVE = ([(0.75, 0.15), (0.3, 0.15), (0.27, 0.48), (0.5, 0.42), (0.73, 0.55), (0.7, 0.8), (0.5, 0.9), (0.25, 0.82)],)
ONE = ([(0.5, 0.1), (0.5, 0.9)],)


def taken_for(file: bytes) -> int:
    """The digit whose clean drawing the image that comes of a file is most like."""
    x = preprocess_drawing.from_file(file, MNIST).image.ravel()
    known = {7: SEVEN, 5: FIVE, 1: ONE}
    clean = {k: preprocess_drawing.prepare(pen(*lines, width=12), MNIST).ravel() for k, lines in known.items()}
    return max(clean, key=lambda k: np.corrcoef(x, clean[k])[0, 1])


def saved(x: np.ndarray | Image.Image, kind: str = "PNG", **more) -> bytes:
    picture.readable()  # registers HEIF with Pillow, which then writes it as well
    out = io.BytesIO()
    (x if isinstance(x, Image.Image) else Image.fromarray(x)).save(out, kind, **more)
    return out.getvalue()


def page(lines=SEVEN, size=(320, 400), at=(70, 120), side=160, width=12, paper=225, ink=50, noise=2) -> np.ndarray:
    """A sheet (h, w) with a digit on it, float."""
    m = np.zeros(size)
    m[at[0] : at[0] + side, at[1] : at[1] + side] = pen(*lines, side=side, width=width) / 255
    return paper + (ink - paper) * m + np.random.default_rng(0).normal(0, noise, size)


def u8(x: np.ndarray) -> np.ndarray:
    return x.round().clip(0, 255).astype(np.uint8)


def ruled(step: int, level: float, across: bool = True, **more) -> np.ndarray:
    x = page(**more)
    for k in range(7, x.shape[0], step):
        x[k : k + 2] = np.minimum(x[k : k + 2], level)
    for k in range(9, x.shape[1] if across else 0, step):
        x[:, k : k + 2] = np.minimum(x[:, k : k + 2], level)
    return x


def framed(x: np.ndarray, at: int = 6, width: int = 4, level: float = 50) -> np.ndarray:
    picture = Image.fromarray(u8(x))
    ImageDraw.Draw(picture).rectangle(
        (at, at, picture.width - 1 - at, picture.height - 1 - at), outline=int(level), width=width
    )
    return np.asarray(picture).astype(float)


def shaded(x: np.ndarray, sharp: float) -> np.ndarray:
    h, w = x.shape
    t = np.mgrid[:h, :w][1] / w - 0.45 + 0.2 * np.mgrid[:h, :w][0] / h
    return x * (1 - 0.5 / (1 + np.exp(-(t * sharp).clip(-50, 50))))


def turned(x: np.ndarray, angle: float, ground: float) -> np.ndarray:
    return np.asarray(
        Image.fromarray(u8(x)).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=int(ground))
    ).astype(float)


def opacity(colour: tuple[int, int, int], top: int = 255) -> Image.Image:
    m = page(paper=0, ink=top, noise=0)
    return Image.fromarray(np.concatenate([np.broadcast_to(np.uint8(colour), (*m.shape, 3)), u8(m)[..., None]], -1))


def cut_out(x: np.ndarray) -> Image.Image:
    rgba = np.zeros((x.shape[0] + 60, x.shape[1] + 60, 4), np.uint8)
    rgba[30:-30, 30:-30] = np.stack([u8(x)] * 3 + [np.full(x.shape, 255, np.uint8)], -1)
    return Image.fromarray(rgba)


def coloured(paper: tuple[int, ...], ink: tuple[int, ...]) -> np.ndarray:
    m = page(paper=0, ink=1, noise=0)[..., None]
    return u8(np.array(paper) * (1 - m) + np.array(ink) * m)


def tiny(side: int, light: bool) -> np.ndarray:
    x = np.zeros((side, side), np.uint8)
    k = round(0.6 * side)
    x[:k, 1 : k + 1] = Image.fromarray(pen(*SEVEN, width=14)).resize((k, k), Image.Resampling.BOX)
    return u8(229 - 0.8 * x) if light else x


SMALL = {"side": 44, "at": (60, 200), "width": 3, "size": (400, 500)}
SEVENS = {
    "plain": lambda: saved(u8(page())),
    "light on dark": lambda: saved(u8(page(paper=25, ink=230))),
    "ink of a third of a percent": lambda: saved(u8(page(**SMALL, noise=0))),
    "the same in light": lambda: saved(u8(page(**SMALL, paper=10, ink=240))),
    "bold": lambda: saved(u8(page(side=300, at=(10, 50), width=50))),
    "bold, light": lambda: saved(u8(page(side=300, at=(10, 50), width=50, paper=20, ink=240))),
    "a slow shadow": lambda: saved(u8(shaded(page(), 6)), "JPEG"),
    "a sharp shadow": lambda: saved(u8(shaded(page(), 200)), "JPEG"),
    "a frame": lambda: saved(u8(framed(page()))),
    "a frame, light": lambda: saved(u8(framed(page(paper=20, ink=240), level=240))),
    "a dark table": lambda: saved(u8(np.pad(page(), 60, constant_values=60))),
    "a dark table, turned": lambda: saved(u8(turned(np.pad(page(), 30, constant_values=60), 7, 60))),
    "a light table": lambda: saved(u8(np.pad(page(paper=50, ink=230), 60, constant_values=245))),
    "squared": lambda: saved(u8(ruled(24, 120))),
    "squared, as dark as ink": lambda: saved(u8(ruled(24, 52))),
    "squared, turned": lambda: saved(u8(turned(ruled(24, 120), 4, 225)[25:-25, 25:-25])),
    "squared, on a table": lambda: saved(u8(np.pad(ruled(24, 120), 60, constant_values=60))),
    "lined": lambda: saved(u8(ruled(30, 110, across=False))),
    "16 bits": lambda: saved((page().clip(0, 255) * 257).astype(np.uint16)),
    "12 of 16 bits": lambda: saved((page().clip(0, 255) * 16).astype(np.uint16)),
    "16 bits, TIFF": lambda: saved((page(paper=20, ink=240).clip(0, 255) * 257).astype(np.uint16), "TIFF"),
    "floats of 0 to 1": lambda: saved((page() / 255).clip(0, 1).astype(np.float32), "TIFF"),
    "floats below 0": lambda: saved((page() - 300).astype(np.float32), "TIFF"),
    "32 bits": lambda: saved((page() * 1e6).astype(np.int32), "TIFF"),
    "1 bit": lambda: saved(Image.fromarray(u8(page())).convert("1", dither=Image.Dither.NONE)),
    "a palette": lambda: saved(Image.fromarray(u8(page())).convert("P")),
    "CMYK": lambda: saved(Image.fromarray(u8(page())).convert("CMYK"), "JPEG"),
    "HEIC": lambda: saved(Image.fromarray(u8(page())).convert("RGB"), "HEIF"),
    "bad JPEG": lambda: saved(u8(page()), "JPEG", quality=10),
    "white strokes on nothing": lambda: saved(opacity((255, 255, 255))),
    "black strokes on nothing": lambda: saved(opacity((0, 0, 0))),
    "half transparent, white": lambda: saved(opacity((255, 255, 255), 110)),
    "half transparent, black": lambda: saved(opacity((0, 0, 0), 110)),
    "grey with opacity": lambda: saved(opacity((0, 0, 0)).convert("LA")),
    "a sheet cut out": lambda: saved(cut_out(page())),
    "a dark sheet cut out": lambda: saved(cut_out(page(paper=20, ink=240))),
    "strokes cut out": lambda: saved(opacity((255, 255, 255)).point(lambda v: 255 - v)),
    "yellow on white": lambda: saved(coloured((250, 250, 250), (240, 225, 40))),
    "blue on black": lambda: saved(coloured((10, 10, 10), (30, 40, 200))),
    "red on green, as bright": lambda: saved(coloured((120, 160, 120), (220, 110, 130))),
    **{f"{n} pixels, {'light' if lit else 'dark'}": lambda n=n, lit=lit: saved(tiny(n, lit)) for n in (16, 28, 32)
       for lit in (False, True)},
}  # fmt: skip


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_files_that_were_misread(path):
    assert taken_for(path.read_bytes()) == 7
    assert not preprocess_drawing.from_file(path.read_bytes(), MNIST).warnings


@pytest.mark.parametrize("kind", SEVENS)
def test_a_seven_is_a_seven_on_any_picture(kind):
    file = SEVENS[kind]()
    assert taken_for(file) == 7
    x = preprocess_drawing.from_file(file, MNIST).image[0]
    clean = preprocess_drawing.prepare(pen(*SEVEN, width=12 if "bold" not in kind else 18), MNIST)[0]
    assert np.corrcoef(x.ravel(), clean.ravel())[0, 1] > 0.7
    top, bottom, left, right = box(x, 0.3)
    assert 19 <= max(bottom - top, right - left) + 1 <= 20
    assert np.abs(mass(x) - 14).max() <= 0.6


@pytest.mark.parametrize("spec", [MNIST, DIGITS], ids=lambda s: s.name)
@pytest.mark.parametrize("lines", [FIVE, ONE], ids=["five", "one"])
@pytest.mark.parametrize("kind", ["squared", "table", "white", "frame"])
def test_other_digits_too(lines, kind, spec):
    x = {
        "squared": lambda: ruled(26, 130, lines=lines),
        "table": lambda: np.pad(page(lines), 50, constant_values=70),
        "white": lambda: page(lines, paper=15, ink=245),
        "frame": lambda: framed(page(lines)),
    }[kind]()
    got, clean = (
        preprocess_drawing.from_file(saved(u8(x)), spec).image,
        preprocess_drawing.prepare(pen(*lines, width=12), spec),
    )
    assert np.corrcoef(got.ravel(), clean.ravel())[0, 1] > 0.75


@pytest.mark.parametrize(("kind", "note"), [
    ("plain", "dark ink on light paper"), ("light on dark", "light ink on a dark ground"),
    ("squared", "lines of the paper were taken out"), ("a dark table", "round the sheet was left out"),
    ("a frame", "A frame"), ("white strokes on nothing", "light ink"),
])  # fmt: skip
def test_it_says_what_was_understood(kind, note):
    made = preprocess_drawing.from_file(SEVENS[kind](), MNIST)
    assert note in " ".join(made.notes)
    assert made.warnings == ()


def test_more_than_one_digit_is_a_warning():
    two = page(size=(320, 500), at=(60, 40)) + page(FIVE, size=(320, 500), at=(60, 280), noise=0) - 225
    assert "shapes of like size" in preprocess_drawing.from_file(saved(u8(two)), MNIST).warnings[0]
    stacked = page(size=(500, 320), at=(40, 60)) + page(FIVE, size=(500, 320), at=(280, 60), noise=0) - 225
    assert "shapes of like size" in preprocess_drawing.from_file(saved(u8(stacked)), MNIST).warnings[0]
    many = np.full((400, 600), 230.0)
    for k in range(24):
        y, x = 20 + 95 * (k // 6), 20 + 95 * (k % 6)
        many[y : y + 70, x : x + 70] -= 0.7 * pen(*SEVEN, side=70, width=6)
    assert "separate shapes" in preprocess_drawing.from_file(saved(u8(many)), MNIST).warnings[0]


def test_a_five_whose_bar_is_apart_is_one_digit():
    apart = page([[(0.44, 0.12), (0.75, 0.12)], *[line[1:] for line in FIVE]])
    made = preprocess_drawing.from_file(saved(u8(apart)), MNIST)
    assert not made.warnings
    whole = preprocess_drawing.prepare(pen(*FIVE, width=12), MNIST)[0]
    assert np.corrcoef(made.image[0].ravel(), whole.ravel())[0, 1] > 0.7, "the bar is there"


@pytest.mark.parametrize("make", [
    lambda: saved(Image.new("RGBA", (80, 80), (255, 0, 0, 0))),
    lambda: saved(np.full((300, 300), 40_000, np.uint16)),
    lambda: saved(np.random.default_rng(0).normal(30_000, 400, (300, 300)).astype(np.uint16)),
    lambda: saved(np.full((90, 90), np.inf, np.float32), "TIFF"),
    lambda: saved(np.full((1, 1), 9, np.uint8)),
])  # fmt: skip
def test_nothing_to_be_seen_is_a_sentence(make):
    with pytest.raises(DataError, match="Choose"):
        preprocess_drawing.from_file(make(), MNIST)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 3), (2000, 4)])
def test_any_shape_and_noise_is_an_image_or_a_sentence(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for spec in (MNIST, DIGITS, DATASETS["fashion-mnist"]):
        try:
            assert preprocess_drawing.from_file(saved(noise), spec).image.shape == spec.shape
        except DataError as e:
            assert "Choose" in str(e)  # noqa: PT017


def test_a_bomb_is_said_to_have_too_many_pixels():
    from test_drawing import bomb

    with pytest.raises(DataError, match="pixels"):
        preprocess_drawing.from_file(bomb(), MNIST)


def test_a_turned_photo_is_turned_upright():
    picture = Image.fromarray(u8(page())).rotate(90, expand=True)
    exif = picture.getexif()
    exif[0x0112] = 6
    assert taken_for(saved(picture, "JPEG", exif=exif)) == 7


def test_polarity_does_not_hang_on_how_much_ink_there_is():
    for width, side in ((2, 40), (6, 160), (40, 300)):
        x = page(width=width, side=side, at=(10, 40)).astype(np.float32)
        assert strokes.is_light(x)
        assert not strokes.is_light(255 - x)


def test_every_suffix_that_is_offered_can_be_read():
    kinds = {Image.registered_extensions()["." + s] for s in picture.SUFFIXES if picture.readable()}
    assert kinds == set(picture.readable())
