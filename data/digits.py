"""scikit-learn's 1,797 handwritten digits, which come with that package and need no download."""

import importlib.util
from pathlib import Path

import numpy as np

from data.images import Found, Images, Progress, Spec, draw_order

CLASSES = tuple("0123456789")
TEST_PER_CLASS = 50


def find(spec: Spec, folder: Path) -> Found | None:
    """The package's own file; None when it lies elsewhere, and `load` then asks the package."""
    # find_spec does not import: the file is read in 0.1 s, while importing scikit-learn takes a second or two.
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return Found(path)


def load(spec: Spec, path: Path, progress: Progress) -> Images:
    """Decode: 8x8 to 16x16 by bicubic resizing, grey levels 0..16 to 0..255; a fixed test set of 50 a class."""
    pixels, y = read(path)
    grey = np.round(pixels * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    x = np.stack([larger(image, spec.shape[1:]) for image in grey])[:, None]

    order = draw_order(len(y), seed=0)
    test = np.concatenate([order[y[order] == k][:TEST_PER_CLASS] for k in range(spec.n_classes)])
    test = np.sort(test)
    train = np.setdiff1d(order, test)
    return Images(spec.name, x[train], y[train], x[test], y[test], CLASSES)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """float64 (1797, 64) of grey levels 0..16, and int64 (1797,) classes."""
    try:
        table = np.loadtxt(path, delimiter=",")
    except FileNotFoundError:  # another release of scikit-learn may keep it elsewhere
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
        return np.asarray(x), np.asarray(y)
    return table[:, :-1], table[:, -1].astype(np.int64)


def larger(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    h, w = size
    return np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BICUBIC))
