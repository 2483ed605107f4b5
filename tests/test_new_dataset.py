"""A data set is one file and one line: made-up images, 20 x 12, of three classes of unequal sizes, on every page."""

import copied
import pytest

LOADER = '''
"""Made-up images: a bar that is high, low or in the middle; 20 rows, 12 columns, three classes of unequal sizes."""

import numpy as np

from data.images import Found, Images


def find(spec, folder):
    return Found(folder)


def load(spec, path, progress):
    rng = np.random.default_rng(0)

    def some(n):
        y = rng.choice(3, n, p=(0.6, 0.3, 0.1))
        y[:6] = (0, 1, 2, 0, 1, 2)
        x = rng.integers(0, 60, (n, *spec.shape), np.uint8)
        for i, k in enumerate(y):
            x[i, 0, 3 + 6 * k : 7 + 6 * k] = 220
        return x, y

    return Images(spec.name, *some(spec.n_train), *some(spec.n_test), ("high", "middle", "low"))
'''
LINE = (
    '    Spec("bars", "Bars", (1, 20, 12), 3, 400, 90, "data.bars:load", size=0, default_labels=30, '
    'source="Made up for a test."),'
)
SCRIPT = (
    copied.PAGES
    + """
import data
images = data.load("bars")
assert images.x.shape == (400, 1, 20, 12) and data.availability("bars") == "ready"
folders = [trained(Run.make("bars", model, epochs=2)) for model in ("m1", "m2", "supervised")]
assert all(0 <= f.result()["test_accuracy"] <= 1 for f in folders)
for page, f in zip(ALL, itertools.cycle(folders)):
    visit(page, dataset="bars", run=f.id, model=f.run.model, runs=",".join(g.id for g in folders))
shown = text(visit("pages/data.py", dataset="bars"))
assert "400" in shown and "middle" in shown, shown[:4000]
"""
)


@pytest.mark.slow
def test_a_data_set_is_one_file_and_one_line(tmp_path):
    root = copied.copy(tmp_path / "project")
    (root / "data/bars.py").write_text(LOADER)
    copied.one_line(root / "data/__init__.py", ")}", LINE)
    copied.run(root, SCRIPT, tmp_path / "runs")
