"""Points of one's own: a table of x, y, class, kept by a name that is made of its content.

"own-3f9a0c12be77" is the table whose hash begins so, in `points/` of the cache. The same points always have the same
name, so a run that names them can be made again wherever the table is.
"""

import csv
import hashlib
import io
import math
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data import files, plane
from data.errors import DataError
from data.images import Found, Images, Progress, Spec

MOST_POINTS = 5_000
MOST_CLASSES = 3
SPREAD = 1.2  # standard deviations of points that had to be moved into it
CLASS = re.compile(r"[\w.+-]{1,20}")
LARGEST = 2**20  # bytes of a table
MOST_IN_WORDS = 200  # points that an address carries
LONGEST_WORDS = 10_000  # characters
WHOLE = re.compile(r"[0-9]{1,5}")

Point = tuple[float, float, str]  # x, y and the name of its class; "": it has no label


def read(text: str) -> list[Point]:
    """The points of a table of x, y and class, with or without a first line of names. Raises DataError."""
    if len(text) > LARGEST:
        raise DataError(f"The table has {len(text):,} characters. Take at most {LARGEST:,}.")
    between = max(",;\t", key=text.count)
    points: list[Point] = []
    named = False
    try:
        for line, row in enumerate(csv.reader(io.StringIO(text), delimiter=between), 1):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            try:
                x, y = (float(cell) for cell in cells[:2])
            except ValueError:
                if not points and not named:  # the columns' names
                    named = True
                    continue
                raise DataError(f"Line {line} of the table is {','.join(row)[:60]!r}. Give x, y, class.") from None
            points.append((x, y, cells[2] if len(cells) > 2 else ""))
    except csv.Error as e:
        raise DataError(f"The table cannot be read ({e}). Give lines of x, y, class.") from e
    return points


def keep(points: Sequence[Point], base: str = "", unfinished: bool = False) -> str:
    """Keep the points; the name of the data set that they are. Raises DataError, one sentence.

    Those of a figure that were changed by hand name it as `base`: its test points stay theirs. `unfinished`: also
    points from which nothing can be learned yet, see `lacks`. They have a name, too, but are no data set under it.
    """
    check(points)
    classes = sorted({k for *_, k in points if k})
    if not unfinished and (says := lacks(points, base)):
        raise DataError(says)
    raw = np.array([(x, y) for x, y, _ in points], np.float64).reshape(-1, 2)
    place = raw if base else placed(raw)  # a figure's points stay beside its test points
    lines = [f"{x:.5g},{y:.5g},{k}" for (x, y), (*_, k) in zip(place, points, strict=True)]
    text = "\n".join([f"# {','.join(classes)} {base}".rstrip(), *lines]) + "\n"
    digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
    path = path_of(digest)
    if not path.exists():
        try:
            with files.scratch("points") as folder:
                (folder / path.name).write_text(text, encoding="utf-8")
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(folder / path.name, path)
        except OSError as e:
            raise DataError(f"The points cannot be kept in {path.parent} ({e.strerror}). Free some space.") from e
    return f"own-{digest}"


def check(points: Sequence[Point]) -> None:
    """Raises DataError, one sentence, if these are no points, or more than can be."""
    if len(points) > MOST_POINTS:
        raise DataError(f"{len(points):,} points are too many. Give at most {MOST_POINTS:,}.")
    for x, y, k in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            raise DataError(f"A point lies at {x}, {y}. Give finite numbers.")
        if k and not CLASS.fullmatch(k):
            raise DataError(f"{k[:40]!r} cannot be the name of a class. Take a short word of letters and digits.")
    if (n := len({k for *_, k in points if k})) > MOST_CLASSES:
        raise DataError(f"The points with a label are of {n} classes. Give labels of 2 to {MOST_CLASSES} classes.")


def lacks(points: Sequence[Point], base: str = "") -> str:
    """What is missing before anything can be learned from these points, one sentence; "" if nothing is."""
    classes = {k for *_, k in points if k}
    if base and (without := sorted({*figure_classes(base)} - classes)):
        return f"No point of class {without[0]} has a label. Give one of them a label."
    if len(classes) < 2:
        so_far = f"All labels are of class {min(classes)}." if classes else "No point has a label."
        return f"{so_far} Give labels of 2 to {MOST_CLASSES} classes."
    if all(k for *_, k in points):
        return "Every point has a label. Leave some without one: these are what the methods learn from, too."
    return ""


def figure_classes(figure: str) -> tuple[str, ...]:
    import data

    return tuple(plane.CLASSES[: data.DATASETS[figure].n_classes])


def placed(place: np.ndarray) -> np.ndarray:
    """Places (n, 2) as they are, or standardised if they do not lie in the plane that is shown."""
    if np.abs(place).max(initial=0) <= plane.REACH:
        return place
    spread = place.std(0)
    return (place - place.mean(0)) / np.where(spread > 0, spread, 1) * SPREAD


def path_of(digest: str) -> Path:
    return files.cache() / "points" / f"{digest}.csv"


def table(name: str) -> tuple[list[str], str, list[Point]]:
    """The classes, the figure and the points of a data set by its name. Raises DataError if they are not here."""
    digest = name.partition("-")[2]
    if len(digest) != 12 or not set(digest) <= set("0123456789abcdef"):
        raise DataError(f"There is no data set {name!r}.")
    try:
        text = path_of(digest).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"The points {name} are not on this machine. Give them again, or copy {path_of(digest)} from where they "
            "are."
        ) from None
    first, *lines = text.splitlines()
    if hashlib.blake2b(text.encode(), digest_size=6).hexdigest() != digest or not first.startswith("#"):
        raise DataError(f"{path_of(digest)} has been changed. Remove it and give the points again.")
    points = [(float(x), float(y), k) for x, y, k in (line.split(",") for line in lines)]
    classes, _, base = first[2:].partition(" ")
    return [k for k in classes.split(",") if k], base, points


def in_words(name: str) -> str:
    """The points as a text for an address, from which `of_words` makes them on any machine; "" if it would be too long.

    Of a table: "~x_y_class~x_y_". Of a figure that was changed by hand, its name, its points that have a label, those
    that were moved, and those that were added: "moons~3_A~17_0.5_1.2_B~1.5_2_". Raises DataError.
    """
    classes, base, points = table(name)
    if any("_" in k for k in classes):
        return ""
    before = places_of(base) if base else []
    words = [base]
    for i, (x, y, k) in enumerate(points):
        at = f"{x:.5g}_{y:.5g}"
        if i >= len(before):
            words.append(f"{at}_{k}")
        elif at != before[i]:
            words.append(f"{i}_{at}_{k}")
        elif k:
            words.append(f"{i}_{k}")
    if len(words) == 1:  # "~": a plane without points
        words.append("")
    return "~".join(words) if len(words) <= MOST_IN_WORDS + 1 else ""


def of_words(text: str, unfinished: bool = False) -> str:
    """Keep the points that `in_words` wrote, see `keep`; their name. Raises DataError for any other text."""
    base, *words = text[:LONGEST_WORDS].split("~")
    if words == [""]:  # a figure none of whose points has a label, or a plane without points
        words = []
    elif len(text) > LONGEST_WORDS or not 0 < len(words) <= MOST_IN_WORDS:
        raise DataError(f"A link carries at most {MOST_IN_WORDS} points. Give more as a table.")
    try:
        points = [(float(x), float(y), "") for x, y in (at.split("_") for at in (places_of(base) if base else []))]
        for cells in (word.split("_") for word in words):
            if len(cells) == 3:
                points.append((float(cells[0]), float(cells[1]), cells[2]))
                continue
            i, *at, k = cells
            if not (WHOLE.fullmatch(i) and int(i) < len(points) and len(at) in (0, 2)):
                raise ValueError
            x, y = map(float, at) if at else points[int(i)][:2]
            points[int(i)] = (x, y, k)
    except ValueError:
        raise DataError("The points of this link cannot be read: it has been cut short or changed.") from None
    return keep(points, base, unfinished)


def places_of(figure: str) -> list[str]:
    """The training points of a figure, "x_y", as a table has them. Raises ValueError if there is no such figure."""
    import data

    if figure not in data.DATASETS or not data.DATASETS[figure].points or data.DATASETS[figure].fixed:
        raise ValueError
    return [f"{x:.5g}_{y:.5g}" for x, y in data.load(figure).x.reshape(-1, 2).tolist()]


def csv_of(points: Sequence[Point]) -> str:
    """A table that `read` takes."""
    return "x,y,class\n" + "".join(f"{x:.5g},{y:.5g},{k}\n" for x, y, k in points)


def variant(base: Spec, name: str) -> Spec:
    """The data set of this name. Raises DataError if it is not on this machine, or not enough to learn from."""
    classes, figure, points = table(name)
    if says := lacks(points, figure):
        raise DataError(says)
    n = sum(1 for *_, k in points if k)
    n_test = plane.N_TEST if figure else n
    return replace(
        base, name=name, n_classes=len(classes), n_train=len(points), n_test=n_test, default_labels=n, fixed=n
    )


def find(spec: Spec, folder: Path) -> Found | None:
    return Found(folder)


def load(spec: Spec, path: Path, progress: Progress) -> Images:
    """x float32 (n, 2, 1, 1). Nobody knows the class of a point without a label: the test points are the labelled ones.

    Those of a figure that was changed by hand are the figure's.
    """
    classes, figure, points = table(spec.name)
    x = np.array([(x, y) for x, y, _ in points], np.float32).reshape(-1, 2, 1, 1)
    y = np.array([classes.index(k) if k else 0 for *_, k in points], np.int64)
    labelled = np.flatnonzero([bool(k) for *_, k in points])
    test = x[labelled], y[labelled]
    if figure:
        import data

        whole = data.load(figure)
        test = whole.x_test, whole.y_test
    return Images(spec.name, x, y, *test, tuple(classes), labelled)
