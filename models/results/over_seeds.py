"""What methods reach over all their seeds: one sentence for Start and Compare, and what Results has in its tables."""

from collections.abc import Sequence

from models import BASELINE, MODELS
from models.results.table import Row

APART = 1.0  # points: runs that are this much farther apart, or nearer, than their means are said to be


def name(model: str) -> str:
    """A method within a sentence."""
    return MODELS[model].legend.lower() if model == BASELINE else MODELS[model].legend


def signed(points: float) -> str:
    """A difference in points with a sign that is as wide as a plus."""
    points = round(points, 1)
    return "±0.0" if points == 0 else f"{points:+.1f}".replace("-", "−")


def figure(row: Row) -> str:
    """Mean and standard deviation in per cent: "92.5 ± 4.1 %", without the latter for one seed."""
    spread = "" if row.sd is None else f" ± {100 * row.sd:.1f}"
    return f"{100 * (row.mean or 0):.1f}{spread} %".replace(" ", "\u00a0")  # in one piece at the end of a line, too


def gain(row: Row, against: Row) -> float:
    """How far apart the means of two rows are, in percentage points."""
    return 100 * ((row.mean or 0) - (against.mean or 0))


def sentence(rows: Sequence[Row], against: Row | None = None) -> str:
    """What each row reached, and by how many points more than `against`, which stands last; "" without any figure."""
    found = [row for row in rows if row.n]
    beside = against if against and against.n else None
    every = [*found, beside] if beside else found
    if not every:
        return ""
    counts = {row.n for row in every}
    over = f"Over {seeds(counts.pop())}" if len(counts) == 1 else "Over all seeds"

    def told(row: Row) -> str:
        return f"{name(row.model)} {figure(row)}" + ("" if len({r.n for r in every}) == 1 else f" ({seeds(row.n)})")

    if not beside:
        return f"{over}: {', '.join(map(told, found))}."
    if len(found) == 1:
        return f"{over}: {told(found[0])}, {told(beside)}: {signed(gain(found[0], beside))} points."
    ahead = [f"{told(row)} ({signed(gain(row, beside))}{'' if i else ' points'})" for i, row in enumerate(found)]
    return f"{over}: {', '.join([*ahead, told(beside)])}."


def seeds(n: int) -> str:
    return f"{n} seed{'' if n == 1 else 's'}"


def beside_shown(shown: float, row: Row, against: Row) -> str:
    """How two runs, one of each row, compare with the means; `shown` is by how many points the first is ahead.

    "" where they show what the means do, or there are no more seeds than theirs.
    """
    if row.n < 2 or against.n < 2:
        return ""
    mean = gain(row, against)
    if round(shown, 1) * round(mean, 1) < 0:
        return f"The {signed(shown)} points of these runs do not hold over the seeds."
    if abs(abs(shown) - abs(mean)) < APART:
        return ""
    return f"This pair of runs lies {'further apart' if abs(shown) > abs(mean) else 'closer together'} than the mean."


def of_shown(rows: Sequence[Row], against: Row | None, pair: tuple[Row, Row] | None = None, shown: float = 0.0) -> str:
    """`sentence`, for a page that shows a run of each row, and how the two runs of `pair` compare with their means."""
    every = [*rows, against] if against else rows
    if max((row.n for row in every), default=0) < 2:
        return "One run of each: other seeds have not been tried." if any(row.n for row in every) else ""
    return " ".join(filter(None, (sentence(rows, against), beside_shown(shown, *pair) if pair else "")))
