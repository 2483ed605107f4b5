"""The strokes of a handwritten digit in a scan or a photo: the paper is told from the ink, one digit from all else."""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from data import ruling
from data.images import DataError
from data.picture import CONTRAST, around

WIDEST = 0.35  # of the sheet: a stroke is narrower, a shadow or a table is not
SHEET = (0.15, 0.95, 0.88)  # least and most of the picture, least of its own convex hull
ALIKE = 0.6  # of the height of the largest shape: what is as tall stands for a digit of its own
MANY = 12  # shapes beside each other: no single digit
Slices = tuple[slice, slice]


@dataclass
class Found:
    """Ink, uint8 (h, w), and in words what it was taken from and what speaks against it."""

    ink: np.ndarray
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class Shape:
    """One connected piece of ink."""

    label: int
    box: Slices
    mass: float

    @property
    def height(self) -> int:
        return self.box[0].stop - self.box[0].start

    @property
    def width(self) -> int:
        return self.box[1].stop - self.box[1].start

    @property
    def longer(self) -> int:
        return max(self.height, self.width)


def find(grey: np.ndarray, width: float) -> Found:
    """The digit in grey levels (h, w), its strokes at least `width` of its longer side. Raises DataError if none."""
    page = sheet(grey)
    if page is None or not holds_all(grey, page):
        return within(grey, width, [])
    box = ndimage.find_objects(page.astype(np.uint8))[0]
    alone = np.where(page, grey, np.median(grey[page])).astype(np.float32)[box]
    return within(alone, width, ["What lies round the sheet was left out."])


def holds_all(grey: np.ndarray, page: np.ndarray) -> bool:
    """Whether a page, a mask (h, w), has more ink on it than beside it: else it may be lit paper and a shadow."""
    light = is_light(np.where(page, grey, np.median(grey[page])))
    ink, floor = contrast(grey if light else 255 - grey, relative=light)
    on = ink > floor
    beside = on & ~ndimage.binary_dilation(page, iterations=max(2, min(grey.shape) // 20))
    return (on & page).sum() > max(10, beside.sum())


def within(grey: np.ndarray, width: float, notes: list[str]) -> Found:
    """The digit on paper (h, w) that fills the picture."""
    light = is_light(grey)
    ink, floor = contrast(grey if light else 255 - grey, relative=light)
    ink, ruled = ruling.taken_out(ink, floor)
    taken = "Taken as dark ink on light paper." if light else "Taken as light ink on a dark ground."
    found = Found(ink, [taken, *notes])
    if ruled:
        found.notes.append("The lines of the paper were taken out.")
    found.ink = digit(ink, floor, found, width)
    return found


# Paper


def sheet(grey: np.ndarray) -> np.ndarray | None:
    """A mask (h, w) of a sheet that lies on something of another brightness, without its rim; None without one."""
    step = max(1, min(grey.shape) // 64)
    few = ndimage.median_filter(grey[step // 2 :: step, step // 2 :: step], 9, mode="nearest")
    level = threshold(few)
    light = few > level
    if light.all() or not light.any() or few[light].mean() - few[~light].mean() < 2 * CONTRAST:
        return None
    for side in (light, ~light):
        labels, n = ndimage.label(side)
        if not n:
            continue
        largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
        largest = ndimage.binary_closing(np.pad(largest, 4, mode="edge"), iterations=3)[4:-4, 4:-4]
        edge = np.concatenate([largest[0], largest[-1], largest[:, 0], largest[:, -1]])
        fits = edge.mean() < 0.6 and SHEET[0] < largest.mean() < SHEET[1] and solidity(largest) > SHEET[2]
        if fits and is_sharp(few, largest):
            inner = ndimage.binary_erosion(ndimage.binary_fill_holes(largest), iterations=2, border_value=1)
            full = np.kron(inner, np.ones((step, step), bool))
            full = np.pad(full, [(0, max(0, n - m)) for n, m in zip(grey.shape, full.shape, strict=True)], mode="edge")
            return full[: grey.shape[0], : grey.shape[1]]
    return None


def is_sharp(few: np.ndarray, mask: np.ndarray) -> bool:
    """Whether the brightness jumps at the edge of a mask, as at a sheet's and not as in slow shading."""
    mask = ndimage.binary_fill_holes(mask)
    wide, narrow = ndimage.binary_dilation(mask, iterations=4), ndimage.binary_dilation(mask, iterations=1)
    core = ndimage.binary_erosion(mask, iterations=1, border_value=1)
    rim = core & ~ndimage.binary_erosion(mask, iterations=4, border_value=1)
    outer = wide & ~narrow
    if not outer.any() or not rim.any():
        return False
    whole = abs(np.median(few[mask]) - np.median(few[~mask]))
    return bool(abs(np.median(few[rim]) - np.median(few[outer])) > 0.7 * whole)


def solidity(mask: np.ndarray) -> float:
    """The share of its convex hull that a mask fills."""
    y, x = np.nonzero(mask)
    corners = np.concatenate([np.stack([y + a, x + b], 1) for a in (0, 1) for b in (0, 1)])
    try:
        return float(mask.sum() / ConvexHull(corners).volume)
    except QhullError:
        return 0.0


def is_light(grey: np.ndarray) -> bool:
    """Whether the paper is lighter than the ink, of which there is less: to that side the levels are skewed.

    Where they are hardly skewed, as of a bold digit that fills its picture, paper is what lies along the edge.
    """
    off = grey - around(grey)
    off = np.where(np.abs(off) > CONTRAST / 2, off, 0).astype(np.float64)
    spread = np.sqrt((off**2).mean())
    skew = (off**3).mean() / spread**3 if spread > 0 else 0.0
    if abs(skew) > 0.5:
        return bool(skew < 0)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    level = threshold(grey)
    return bool((edge > level).mean() > 0.5)


def contrast(grey: np.ndarray, relative: bool) -> tuple[np.ndarray, float]:
    """How much darker than the paper around it each pixel (h, w) is, and the level above which that is no noise.

    The paper's level is a morphological closing: it follows shadows and the edge of a table, which are wider than any
    stroke. In a shadow ink is less far from the paper by as much as the paper is darker, hence the ratio.
    """
    size = max(5, int(WIDEST * min(grey.shape)))
    smooth = ndimage.gaussian_filter(grey, 1.5)
    pad = size // 2 + 1  # what is dark along the edge goes on beyond it
    level = ndimage.grey_closing(np.pad(smooth, pad, mode="edge"), size=(size, size))[pad:-pad, pad:-pad]
    ink = (level - grey).clip(0)
    if relative:
        ink = ink * (255 / level.clip(96))
    noise = float(np.median(np.abs(np.diff(grey)))) / 0.954 if grey.shape[1] > 1 else 0.0
    return ink, max(CONTRAST / 2, float(np.median(ink)) + 5 * noise)


# Ink


def digit(ink: np.ndarray, floor: float, found: Found, width: float) -> np.ndarray:
    """The ink (h, w), uint8, of one digit. Raises DataError if nothing stands out."""
    on = ink > floor
    if not on.any():
        raise nothing(float(ink.max(initial=0)))
    level = max(floor, 0.4 * float(np.percentile(ink[on], 90)))
    near = ndimage.binary_dilation(ink > level, np.ones((3, 3)), iterations=max(1, max(ink.shape) // 200))
    labels, _ = ndimage.label(near, np.ones((3, 3)))
    labels *= ink > level
    mass = np.bincount(labels.ravel(), ink.ravel())
    shapes = [Shape(k, b, float(mass[k])) for k, b in enumerate(ndimage.find_objects(labels), 1) if b is not None]
    chosen = choose(shapes, labels, found)
    mine = np.isin(labels, [s.label for s in chosen])
    full = float(np.median(ink[mine]))
    if full < CONTRAST:
        raise nothing(full)
    mine = ndimage.binary_dilation(mine, iterations=3) & ((labels == 0) | mine)
    out = (255 * (np.where(mine, ink, 0) / full - 0.3) / 0.5).clip(0, 255).astype(np.uint8)
    return thick_enough(out, width)


def choose(shapes: list[Shape], labels: np.ndarray, found: Found) -> list[Shape]:
    """The shapes of one digit: the largest that is no frame, and what belongs to it."""
    largest = max(s.mass for s in shapes)
    marks = [s for s in shapes if s.mass > 0.01 * largest or s.longer > 0.05 * max(labels.shape)]
    proper = [s for s in marks if not is_frame(s, labels) and not is_cut(s, labels)]
    if proper and max(s.longer for s in proper) > 0.04 * max(labels.shape):
        if len(proper) < len(marks):
            found.notes.append("A frame, or what is cut off by the edge, was left out.")
        marks = proper
    main = max(marks, key=lambda s: s.mass)
    rest = [s for s in marks if s is not main and s.mass > 0.02 * main.mass]
    own, before, whole = [], -1, main
    while len(own) > before:  # a piece may hold on to another one
        before = len(own)
        own = [s for s in rest if belongs(s, whole)]
        whole = joined([main, *own])
    others = [s for s in rest if s not in own and s.longer > ALIKE * main.longer]
    if len(rest) > MANY:
        found.warnings.append(f"{1 + len(rest)} separate shapes were found: this may be no picture of a single digit.")
    elif others:
        found.warnings.append(
            f"{1 + len(others)} shapes of like size were found, and the largest was taken. Crop it to one digit."
        )
    elif main.width > 1.6 * main.height:
        found.warnings.append("The shape is far wider than tall: this may be more than one digit. Crop it to one.")
    return [main, *own]


def is_frame(s: Shape, labels: np.ndarray) -> bool:
    """Whether a shape is a line across the whole picture, or runs round it."""
    h, w = labels.shape
    mine = labels[s.box] == s.label
    if max(s.height / h, s.width / w) > 0.85 and mine.sum() < 0.03 * max(h, w) * s.longer:
        thin = min(s.height, s.width) < 0.1 * s.longer
        return thin or is_round(mine)
    return min(s.height / h, s.width / w) > 0.5 and is_round(mine)


def is_round(mine: np.ndarray) -> bool:
    """Whether nearly all of a shape lies along its own box."""
    h, w = mine.shape
    return mine[h // 6 : h - h // 6, w // 6 : w - w // 6].sum() < 0.03 * mine.sum()


def is_cut(s: Shape, labels: np.ndarray) -> bool:
    """Whether a shape touches the edge of the picture."""
    return any(b.start <= 1 or b.stop >= n - 1 for b, n in zip(s.box, labels.shape, strict=True))


def belongs(s: Shape, main: Shape) -> bool:
    """Whether a shape is a stroke of the same digit: the bar of a 5, set down apart."""
    gaps = [max(a.start - b.stop, b.start - a.stop) for a, b in zip(s.box, main.box, strict=True)]
    if max(gaps) < 0:
        return True  # their boxes overlap
    beside = gaps[1] >= 0 and s.height > ALIKE * main.height
    return max(gaps) < 0.2 * main.longer and not beside


def joined(shapes: list[Shape]) -> Shape:
    """One shape in their common box."""
    down, along = (slice(min(s.box[k].start for s in shapes), max(s.box[k].stop for s in shapes)) for k in (0, 1))
    return Shape(shapes[0].label, (down, along), sum(s.mass for s in shapes))


def thick_enough(ink: np.ndarray, width: float) -> np.ndarray:
    """Strokes drawn with a fine pen as thick as those of the data set, as a share of the longer side of the digit."""
    on = ink > 127
    if not on.any():
        return ink
    box = ndimage.find_objects(on.astype(np.uint8))[0]
    longer = max(b.stop - b.start for b in box)
    outline = (on & ~ndimage.binary_erosion(on)).sum()
    lacking = width * longer - 2 * on.sum() / outline
    size = round(lacking)
    if size < 2:
        return ink
    ink = np.pad(ink, size)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return ndimage.grey_dilation(ink, footprint=y**2 + x**2 <= size**2 / 4)


def nothing(contrast: float) -> DataError:
    return DataError(
        f"Nothing stands out in this picture: what is darkest against its background differs by {contrast:.0f} of 255 "
        "levels. Choose one with more contrast."
    )


def threshold(x: np.ndarray) -> float:
    """The level that parts dark from light with the least variance on both sides (Otsu, 1979)."""
    n, edges = np.histogram(x, 256, (0, 256))
    level = edges[:-1] + 0.5
    below = np.cumsum(n)
    mean = np.cumsum(n * level)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mean / below - (mean[-1] - mean) / above) ** 2
    return float(level[np.nan_to_num(between).argmax()])
