"""The plane within a page of one file: what was recorded of each figure, or what a visitor's browser has seen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import data
from data import plane as figures
from models.plane import film
from models.results import plane_recordings
from models.results.plane_recordings import PlaneRecording
from pages.parts.components import HERE as COMPONENTS
from pages.parts.components import plane as component
from pages.parts.plane import symbols, told
from pages.parts.shared import palette

HERE = Path(__file__).parent
LEAD = (
    "Each dot is a point with two numbers. The large ones have a label, the small grey ones have none. The ground is "
    "what a method says of each place: its colour the class, its strength how sure it is."
)
USUAL = "moons"


def section() -> str:
    """Where the plane is drawn."""
    style = "".join((COMPONENTS / path).read_text(encoding="utf-8") for path in component.CSS)
    return (
        f'<p>{LEAD}</p>\n<div class="choices" id="plane-choices"></div>\n<div id="plane"></div>\n'
        f'<script type="text/plain" id="plane-style">{style}</script>'
    )


def scripts(module: Callable[[str, Path], str]) -> str:
    """What draws it, as modules; each hands what it draws to the page."""
    return "\n".join(module(Path(js).stem, COMPONENTS / js) for js in (component.JS, component.PLAYER))


def given() -> tuple[dict, bytes]:
    """All recorded sessions and the bytes of their arrays. Raises UserError, a sentence, if one is damaged."""
    sessions, whole = [], bytearray()
    for name in plane_recordings.there():
        if (recording := plane_recordings.read(name)) is not None:
            session, numbers = session_of(recording)
            sessions.append(session | {"at": len(whole), "length": len(numbers)})
            whole += numbers
    return {"sessions": sessions, "usual": USUAL}, bytes(whole)


def session_of(recording: PlaneRecording) -> tuple[dict, bytes]:
    """A recording as its player wants it, and its arrays."""
    setup, numbers = recording.setup, film.Writer()
    spec, images = data.DATASETS[setup.dataset], data.load(setup.dataset)
    labelled, _, _ = data.draw(images, setup.labels, setup.seed)
    places = np.ascontiguousarray(images.x.reshape(-1, 2), np.float32)
    marks = [(*map(float, places[i]), int(images.y[i])) for i in labelled]
    frames = []
    for seen in recording.frames:
        panels = [symbols.panel(setup, m, seen[m]) for m in setup.models]
        frame = component.plane_data(
            panels, places, marks, images.classes, palette.class_colours(spec.n_classes), figures.REACH, numbers.put
        )
        for panel in frame["panels"]:
            panel.pop("curve", None)  # it follows from the frames
        shown = told.Shown(seen, places, setup.labels, spec.n_classes)
        frames.append(frame | {"claim": told.general(shown), "truth": True})
    says = f"Recorded with {setup.labels} labels, seed {setup.seed}, Few Labels {recording.version}."
    return {"name": spec.name, "title": spec.title, "says": says, "frames": frames}, bytes(numbers.bytes)
