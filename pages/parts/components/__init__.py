"""The parts of a page that are drawn in the browser: a folder each, with what Python hands over and what draws it.

Streamlit takes the JavaScript of a component as one string. Here it is written as ES modules, so that the tests import
the same files that the browser runs; `bundled` joins them. There is no build step: it takes milliseconds, at the start.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)
NAME = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
OTHER = re.compile(r"^\s*(?:import|export)\b.*", re.MULTILINE)  # whatever the patterns above have left


def component(name: str, js: str, css: tuple[str, ...] = (), html: str | None = None) -> ComponentRenderer:
    """The component `name`, drawn by the module `js`, in the styles `css`: paths below this folder."""
    style = "".join((HERE / path).read_text() for path in css)
    return st.components.v2.component(f"few_labels_{name}", css=style or None, js=bundled(HERE / js), html=html)


def bundled(entry: Path) -> str:
    """The module `entry` and all that it imports as one module: each file is a function that returns what it exports.

    So each keeps its own names, as it does in the browser's own modules. Raises ValueError at an import or export that
    is not `import { a } from "./b.js";`, `export function`, `class` or `const`, each at the start of a line, and at a
    name that is imported but not exported. The entry also has one `export default`: what draws the component.
    """
    made: dict[Path, Module] = {}
    last = module(entry.resolve(), made, ())
    text, n = re.subn(r"^export default ", "const drawn = ", last.text, flags=re.MULTILINE)
    if n != 1:
        raise ValueError(f"{entry.name} must have one `export default`: what draws the component.")
    check(text, entry)
    return "".join(m.text for m in made.values()) + f"{text}\nexport default drawn;\n"


@dataclass(frozen=True)
class Module:
    """A file, its imports turned into local constants."""

    text: str
    exports: frozenset[str]


def module(path: Path, made: dict[Path, Module], above: tuple[Path, ...]) -> Module:
    """The module in `path`. What it imports is put into `made`, each wrapped in a function, in the order of need."""
    if path in above:
        raise ValueError(f"{path.name} imports itself by way of {', '.join(p.name for p in above)}.")

    def local(found: re.Match[str]) -> str:
        source = (path.parent / found[2]).resolve()
        if source not in made:
            m = module(source, made, (*above, path))
            check(m.text, source)
            body = f"(() => {{\n{m.text}return {{ {', '.join(sorted(m.exports))} }};\n}})()"
            made[source] = Module(f"const {variable(source)} = {body};\n", m.exports)
        wanted = [name.strip() for name in found[1].split(",") if name.strip()]
        if missing := sorted({*wanted} - made[source].exports):
            raise ValueError(f"{path.name} imports {', '.join(missing)}, which {source.name} does not export.")
        return f"const {{ {', '.join(wanted)} }} = {variable(source)};\n"

    text = path.read_text()
    return Module(EXPORT.sub("", IMPORT.sub(local, text)), frozenset(NAME.findall(text)))


def check(text: str, path: Path) -> None:
    """Raises ValueError if an import or export is left in `text`."""
    if found := OTHER.search(text):
        raise ValueError(f"{path.name}: `{found[0].strip()}` is not a form that components are made of.")


def variable(path: Path) -> str:
    """The name of a module among the others, by its folder and file."""
    return re.sub(r"\W", "_", f"{path.parent.name}_{path.stem}")
