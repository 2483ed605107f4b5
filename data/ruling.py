"""The lines of squared and lined paper, found and taken out of the ink of a photo."""

import numpy as np
from scipy import ndimage

ANGLES = np.arange(-12, 12.01, 0.25)  # degrees that a page may lie turned
LINES = 3  # so many at least, across the whole page: fewer are strokes
ALONG = 25  # percentile along a line: it must be there on three quarters of its way
THICKEST = 0.03  # of the page: a line is no thicker
DARKER = 1.25  # times a line's own ink: what is darker where a line runs is a stroke


def taken_out(ink: np.ndarray, floor: float) -> tuple[np.ndarray, bool]:
    """Ink (h, w) without the lines that cross the whole page, upright by them; and whether there were any."""
    angle = turned(ink > floor)
    level = ndimage.rotate(ink, angle, reshape=False, order=1, mode="nearest") if angle else ink
    rows, columns = strengths(level, 1, floor), strengths(level, 0, floor)
    if max(count(rows), count(columns)) < LINES:
        return ink, False
    line = np.maximum(rows[:, None], columns[None])
    on = line > 0
    kept = np.where(on & (level < DARKER * line + floor / 2), 0, level)
    thick = max(widest(rows), widest(columns))
    bridged = ndimage.grey_closing(kept, size=(thick + 3, thick + 3))
    return np.where(on, bridged, kept), True


def turned(on: np.ndarray) -> float:
    """The angle by which a page must be turned so that its lines lie along rows and columns."""
    y, x = np.nonzero(on)
    if not len(y):
        return 0.0
    some = slice(None, None, -(-len(y) // 60_000))
    y, x = y[some] - on.shape[0] / 2, x[some] - on.shape[1] / 2
    offset = int(np.hypot(*on.shape))

    def sharpness(angle: float) -> float:
        s, c = np.sin(np.radians(angle)), np.cos(np.radians(angle))
        both = (y * c - x * s, x * c + y * s)
        return sum(float((np.bincount((v + offset).astype(int)) ** 2.0).sum()) for v in both)

    best = max(ANGLES, key=sharpness)
    best = max(best + np.arange(-0.2, 0.21, 0.05), key=sharpness)
    return float(best) if sharpness(best) > 1.1 * sharpness(0) else 0.0


def strengths(ink: np.ndarray, axis: int, floor: float) -> np.ndarray:
    """The ink of a line that goes all the way along each row (axis 1) or column (axis 0), 0 where there is none."""
    size = (3, 1) if axis == 1 else (1, 3)  # a line that lies not quite straight is a pixel beside
    found = np.percentile(ndimage.maximum_filter(ink, size), ALONG, axis=axis)
    found[found <= floor] = 0
    runs, n = ndimage.label(found > 0)
    for k in range(1, n + 1):
        if (runs == k).sum() > max(6, THICKEST * len(found)):
            found[runs == k] = 0
    return found


def count(strength: np.ndarray) -> int:
    return ndimage.label(strength > 0)[1]


def widest(strength: np.ndarray) -> int:
    runs, n = ndimage.label(strength > 0)
    return int(np.bincount(runs)[1:].max()) if n else 0
