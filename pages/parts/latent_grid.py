"""The images that a lasso holds, as a grid: their classes, q(y|x) of each, and two downloads.

A component of the family of the latent map: named like a map's `group`, it shows what the maps of that group hold. All
of it is made in the browser; the server hears of a click on an image and of nothing else.
"""

from collections.abc import Mapping

from models.latents import Probe
from pages.parts.latent_map import colours, declare

GRID = declare("grid")


def grid(probe: Probe, *, key: str, group: str, file: str, maps: Mapping[str, str] | None = None) -> None:
    """Show the images selected in the maps of `group`; with none selected, a sentence that says how.

    `probe` is what one of the maps shows, for the names and colours of its classes. `file` is what downloads are
    called. Where there are several maps, `maps` names each: {its key: a short name of its run}, in their order.
    """
    GRID(
        key=key,
        data={"part": "grid", "file": file, "maps": list((maps or {}).items()), **colours(probe, group, "class")},
    )
