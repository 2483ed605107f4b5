"""What a hand did to the points, and the data set that they are after it."""

import data
from data import own_points
from data.images import Images
from models.errors import UserError

KEY = "points"  # of the address: the name of points of one's own


def points_of(images: Images, labelled: list[int]) -> list[own_points.Point]:
    """The points as a table has them: those in `labelled` with their class."""
    known = set(labelled)
    return [
        (float(x), float(y), images.classes[images.y[i]] if i in known else "")
        for i, (x, y) in enumerate(images.x.reshape(-1, 2).tolist())
    ]


def edited(images: Images, labelled: list[int], change: dict) -> str:
    """The name of the points after `change`, which a browser sent. Raises a UserError, one sentence."""
    points = points_of(images, labelled)
    kind, k = change.get("kind"), change.get("k")
    name = images.classes[k] if isinstance(k, int) and 0 <= k < len(images.classes) else ""
    at = [float(change[a]) for a in ("x", "y")] if kind in ("move", "add") else []
    if kind in ("move", "name"):
        i = labelled[int(change["mark"])]
        x, y, own = points[i]
        points[i] = (at[0], at[1], own) if kind == "move" else (x, y, name)
    elif kind == "label":
        i = int(change["point"])
        points[i] = (*points[i][:2], name)
    elif kind == "add":
        points.append((at[0], at[1], name))
    else:
        raise UserError(f"{str(kind)[:20]!r} is nothing that can be done to a point.")
    return own_points.keep(points, figure_of(images.name))


def figure_of(name: str) -> str:
    """The figure whose test points count; "" for a table of one's own."""
    return own_points.table(name)[1] if data.DATASETS[name].fixed else name
