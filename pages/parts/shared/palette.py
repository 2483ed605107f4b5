"""One set of colours for everything: ten classes, more classes, methods and their runs, states.

All were searched for, not picked: each has a contrast of at least 3:1 on the light and on the dark background, and no
two classes go by one name. In OKLab, the nearest two classes lie 0.079 apart as somebody with protanopia, deuteranopia
or tritanopia sees them, 0.156 for everybody else. The first three methods lie 0.042 from every class and 0.14 from each
other (0.09 and 0.25 for everybody else). Ten classes leave no more room between the two contrasts, so a method has
another form, too: a class is a dot, a method a short line (`line_mark`). tests/test_palette.py computes it.
"""

import colorsys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from models import BASELINE, MODELS

COLOURS = (
    "#1454ff",  # blue
    "#d90008",  # red
    "#b3891d",  # gold
    "#0c6c84",  # petrol
    "#0997fa",  # sky
    "#c9029f",  # magenta
    "#f55d8c",  # pink
    "#2c986b",  # green
    "#855ac5",  # violet
    "#8d5a4b",  # brown
)
UNLABELLED = "#8b90a0"  # grey, on light and dark alike
RIGHT, WRONG = COLOURS[0], COLOURS[1]  # blue and red, told apart by everybody
# Of methods, first those with which pages begin; the second and third, whose curves lie closest, are furthest apart.
RUNS = (
    "#0098bd",  # cyan
    "#fe5d00",  # orange
    "#9b0ae1",  # purple
    "#756204",  # moss
    "#107f71",  # pine
    "#ad649a",  # mauve
    "#5f5aa9",  # indigo
    "#d01d59",  # raspberry
    "#8566fc",  # periwinkle
    "#ea52d1",  # orchid
)
TONES = 0.127, 0.285  # relative luminance of the darkest and the lightest tone: 3:1 on both grounds
STATES = {
    "queued": "gray",
    "running": "blue",
    "stopping": "orange",
    "done": "green",
    "stopped": "orange",
    "failed": "red",
    "lost": "red",
}  # names that st.badge and coloured text know
ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/play_circle:",
    "stopping": ":material/hourglass_bottom:",
    "done": ":material/check_circle:",
    "stopped": ":material/stop_circle:",
    "failed": ":material/error:",
    "lost": ":material/help:",
}


def colour(k: int, n_classes: int = 10) -> str:
    """The colour of class k, as #rrggbb. Ten distinct ones; beyond ten, hues a golden angle apart in three tones."""
    if n_classes <= len(COLOURS):
        return COLOURS[k]
    hue = (k * 0.61803398875) % 1.0
    lightness, saturation = ((0.45, 0.70), (0.58, 0.75), (0.68, 0.55))[k % 3]
    return "#" + "".join(f"{round(255 * c):02x}" for c in colorsys.hls_to_rgb(hue, lightness, saturation))


def class_colours(n_classes: int) -> list[str]:
    """The colours of all classes, in order."""
    return [colour(k, n_classes) for k in range(n_classes)]


def run_colour(i: int) -> str:
    """The colour of the i-th of several things shown together that are no classes and no methods."""
    return RUNS[i % len(RUNS)]


def model_colour(model: str) -> str:
    """The colour of a method, the same on every page; the baseline is grey."""
    listed = list(MODELS)
    model = model if model in listed else MODELS[model].method  # on a backbone it is the same method
    if model == BASELINE:
        return UNLABELLED
    others = sorted((m for m in listed if m != BASELINE), key=lambda m: not MODELS[m].first)
    again, i = divmod(others.index(model), len(RUNS))
    apart = sorted(tones(RUNS[i], 3), key=lambda tone: -abs(luminance(tone) - luminance(RUNS[i])))
    return apart[(again - 1) % 2] if again else RUNS[i]


def line_mark(colour: str) -> str:
    """HTML: the short line that stands before the name of a method or a run."""
    return (
        '<u style="display:inline-block;flex:none;width:1.1rem;height:.25rem;border-radius:.125rem;'
        f'vertical-align:.2em;margin-right:.4rem;background:{colour}"></u>'
    )


def run_colours(models: Sequence[str]) -> list[str]:
    """The colours of runs shown together, given the method of each: its method's, in tones where several share it."""
    bases = [model_colour(model) for model in models]
    n, seen, found = Counter(bases), Counter(), []
    for base in bases:
        found.append(base if n[base] == 1 else tones(base, n[base])[seen[base]])
        seen[base] += 1
    return found


def tones(hex_colour: str, n: int) -> list[str]:
    """n tones of one colour, dark to light, all readable on both backgrounds."""
    light = linear(hex_colour)
    now = luminance(hex_colour)
    made = []
    for wanted in np.geomspace(*TONES, n):
        darker = light * (wanted / now)
        share = (wanted - now) / (1 - now)
        mixed = darker if wanted <= now else light + (1 - light) * share
        srgb = np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)
        made.append("#" + "".join(f"{round(255 * c):02x}" for c in srgb))
    return made


def linear(hex_colour: str) -> np.ndarray:
    """#rrggbb in linear light: (3,), from 0 to 1."""
    c = np.array(rgb(hex_colour)) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(hex_colour: str) -> float:
    """The relative luminance of WCAG 2, 0 to 1."""
    return float(linear(hex_colour) @ (0.2126, 0.7152, 0.0722))


def rgb(hex_colour: str) -> tuple[int, int, int]:
    """#rrggbb as three numbers from 0 to 255."""
    return int(hex_colour[1:3], 16), int(hex_colour[3:5], 16), int(hex_colour[5:7], 16)
