"""The exhibit as one HTML file: it works from a disk and on any static host, without Python and without a network.

    python -m pages.parts.start.standalone FILE

It is drawn by the same components as Start and the plane's page, from the same recordings.
"""

import base64
import gzip
import json
import sys
import tomllib
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from data import DATASETS
from models import BASELINE, MODELS
from models.errors import StoreError, UserError
from models.results import plane_recordings, recordings
from models.results.recordings import Recording
from models.runs.files import replace, sentence
from models.runs.store import PROJECT
from pages.parts.components import HERE as COMPONENTS
from pages.parts.components import bundled
from pages.parts.components import latent_map as map_component
from pages.parts.shared import figures
from pages.parts.start import exhibit
from pages.parts.start.standalone import plane

HERE = Path(__file__).parent
PARTS = ("headline", "map", "score", "scrubber")  # components, by the name of their JavaScript and CSS
THEME = {  # a property of a component's CSS: the name in .streamlit/config.toml
    "--st-background-color": "backgroundColor",
    "--st-text-color": "textColor",
    "--st-border-color": "borderColor",
    "--st-primary-color": "primaryColor",
    "--st-secondary-background-color": "secondaryBackgroundColor",
}
ALWAYS = {
    "--st-font": "system-ui, sans-serif",
    "--st-heading-font": 'Georgia, "Times New Roman", serif',
    "--st-base-radius": "0.5rem",
    "--st-button-radius": "0.5rem",
}


def html() -> str:
    """The whole file. Raises UserError, a sentence, if a recording is damaged or there is none."""
    there = exhibit.every()
    if not there:
        raise StoreError("Nothing is recorded, so there is no exhibit. `python -m models record` makes recordings.")
    text = (HERE / "page.html").read_text(encoding="utf-8")
    fills = {
        "LEAD": escape(exhibit.LEAD),
        "THEME": theme(),
        "STYLE": (HERE / "page.css").read_text(encoding="utf-8"),
        "GIVEN": packed(*given(there)),
        "PARTS": f"{UNPACKED}\n" + "\n".join(part(name, COMPONENTS / "latent_map" / f"{name}.js") for name in PARTS),
        "PAGE": (HERE / "page.js").read_text(encoding="utf-8"),
        "PLANE": "",
        "PLANE PARTS": "",
    }
    if plane_recordings.there():
        fills["PLANE"] = f"<h2>The plane</h2>\n{plane.section()}"
        fills["PLANE PARTS"] = (
            f'<script type="text/plain" id="plane-given">{packed(*plane.given())}</script>\n'
            f"{plane.scripts(part)}\n{script((HERE / 'plane.js').read_text(encoding='utf-8'))}"
        )
    return filled(text, fills)


def plane_page() -> str:
    """A page for one session of the plane, which a browser puts in place of <!-- GIVEN -->."""
    return filled(
        (HERE / "plane.html").read_text(encoding="utf-8"),
        {
            "THEME": theme(),
            "STYLE": (HERE / "page.css").read_text(encoding="utf-8"),
            "SECTION": plane.section(),
            "PARTS": f"{UNPACKED}\n{plane.scripts(part)}",
            "PAGE": (HERE / "plane.js").read_text(encoding="utf-8"),
        },
    )


def filled(text: str, fills: dict[str, str]) -> str:
    for name, content in fills.items():
        text = text.replace(f"<!-- {name} -->", content, 1)
    return text


def script(text: str) -> str:
    return f'<script type="module">\n{text}</script>'


UNPACKED = script((HERE / "unpacked.js").read_text(encoding="utf-8"))


class Numbers:
    """The columns of all tables, one after the other, each at a multiple of four bytes."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def table(self, frame: pd.DataFrame) -> dict:
        """A table for the browser: of each column what kind of numbers it holds, where they begin and how many."""
        columns = {}
        for name, column in frame.items():
            values = column.to_numpy()
            columns[str(name)] = [values.dtype.name, len(self.bytes), len(values)]
            little = values.astype(values.dtype.newbyteorder("<")).tobytes()
            self.bytes += little + bytes(-len(little) % 4)
        return {"columns": columns}


def given(there: dict[str, exhibit.Choices]) -> tuple[dict, bytes]:
    """What the page is drawn from: the choices, every pair of runs in words, and every run's map with its numbers."""
    numbers = Numbers()
    made: dict = {
        "datasets": [choice(dataset, *there[dataset]) for dataset in there],
        "usual": next(iter(there)),
        "pairs": {}, "runs": {}, "sheets": {},
        "styles": {name: style(name) for name in PARTS},
    }  # fmt: skip
    for dataset, (budgets, models) in there.items():
        for labels in budgets:
            for model in models:
                if sides := exhibit.pair(dataset, labels, model):
                    made["pairs"][f"{dataset} {labels} {model}"] = pair(sides, made, numbers)
    return made, bytes(numbers.bytes)


def choice(dataset: str, budgets: list[int], models: list[str]) -> dict:
    """What there is to choose of a data set, and what is shown of it unless one chose."""
    labels, model = exhibit.usual(dataset, budgets, models)
    return {
        "name": dataset, "title": DATASETS[dataset].title, "budgets": budgets,
        "models": [{"name": m, "title": MODELS[m].legend} for m in models],
        "usual": {"labels": labels, "model": model},
    }  # fmt: skip


def pair(sides: exhibit.Sides, made: dict, numbers: Numbers) -> dict:
    """Two runs in words; what their maps are drawn from is put into `made` and `numbers`, each once."""
    runs = [run_of(recording, made, numbers) for recording in sides.both]
    snapshot = recordings.images(sides.right)
    epochs, group = exhibit.epochs_of(sides.both), exhibit.group_of(sides.right.run.dataset)
    return {
        "headline": map_component.headline_data(exhibit.headlines(sides), group),
        "seeds": exhibit.stands_on(sides),
        "recorded": exhibit.recorded(sides),
        "runs": runs,
        "captions": [exhibit.caption(recording) for recording in sides.both],
        "scrubber": map_component.scrubber_data(epochs, None, group, plays=str(sides.right.run)),
        "legend": map_component.legend_data(snapshot, group, "sure"),
    }


def run_of(recording: Recording, made: dict, numbers: Numbers) -> str:
    """The name under which a run's map is in `made`."""
    run = recording.run
    name = f"{run.dataset} {run.model} {run.labels}"
    if name not in made["runs"]:
        key = exhibit.SIDES[run.model != BASELINE]
        shown = exhibit.side(recording, key, exhibit.Look(exhibit.group_of(run.dataset)))
        snapshot = recordings.images(recording)
        data = map_component.map_data(snapshot, shown.positions, {}, **shown.map)
        order = np.sort(snapshot.ids)  # one sheet serves all runs that show the same images
        data["points"]["tile"] = np.searchsorted(order, snapshot.ids).astype(np.int32)
        made["runs"][name] = {
            "score": map_component.score_data(**shown.score),
            "map": {key: numbers.table(v) if isinstance(v, pd.DataFrame) else v for key, v in data.items()},
            "sheets": sheets_of(run.dataset, order, made),
        }
    return name


def sheets_of(dataset: str, ids: np.ndarray, made: dict) -> str:
    """The name under which the sheets of these images are in `made`."""
    digest = map_component.digest_of(ids)
    name = f"{dataset} {digest}"
    if name not in made["sheets"]:
        kind, files = map_component.make_sheets(dataset, digest, ids, recordings.pixels)
        urls = [figures.uri(file, kind.removeprefix("image/")) for file in files]
        made["sheets"][name] = map_component.sheets_at(dataset, urls)
    return name


def part(name: str, path: Path) -> str:
    """The JavaScript of a component, which hands what draws it to the page."""
    text = bundled(path)
    end = "export default drawn;\n"
    assert text.endswith(end)
    return script(text.removesuffix(end) + f"(globalThis.fewLabelsParts ??= {{}}).{name} = drawn;\n")


def style(name: str) -> str:
    return "".join((COMPONENTS / path).read_text(encoding="utf-8") for path in map_component.css_of(name))


def theme() -> str:
    """The colours of the explorer, light and dark, as CSS."""
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]

    def block(properties: dict[str, str]) -> str:
        return ":root { " + "; ".join(f"{name}: {value}" for name, value in properties.items()) + "; }"

    light, dark = ({name: config[look][key] for name, key in THEME.items()} for look in ("light", "dark"))
    return f"{block(ALWAYS | light)}\n@media (prefers-color-scheme: dark) {{ {block(dark)} }}"


def packed(said: dict, numbers: bytes) -> str:
    """Text that may stand within <script>: base64 of gzip of the length of the JSON, the JSON, and the numbers."""
    text = json.dumps(said, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)  # so that the numbers, too, begin at a multiple of four
    whole = gzip.compress(len(text).to_bytes(4, "little") + text + numbers, mtime=0)
    return base64.b64encode(whole).decode()


def main(arguments: list[str]) -> int:
    """Write the file that is named; the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        replace(path, html())
    except OSError as e:
        print(sentence(e, path), file=sys.stderr)
        return 1
    except UserError as e:
        print(e, file=sys.stderr)
        return 1
    print(f"{path}, {path.stat().st_size / 2**20:.1f} MiB. Open it in a browser.")
    return 0
