"""One set of colours for everything: ten classes, more classes, runs, states.

The ten were searched for, not picked: the nearest two lie 0.09 apart in OKLab also as somebody with protanopia or
deuteranopia sees them, and each has a contrast of at least 2 on the light and 3.4 on the dark background.
"""

import colorsys

COLOURS = (
    "#2f6be0",  # blue
    "#c43d14",  # rust
    "#8fc321",  # lime
    "#a03cae",  # purple
    "#1d9ed2",  # sky
    "#b38b3c",  # ochre
    "#ea58a5",  # pink
    "#27795a",  # green
    "#a8b2ff",  # periwinkle
    "#f59f9a",  # salmon
)
UNLABELLED = "#8b90a0"  # grey, on light and dark alike
RIGHT, WRONG = COLOURS[0], COLOURS[1]  # blue and rust, told apart by everybody
RUNS = (COLOURS[0], COLOURS[1], COLOURS[7], COLOURS[3], COLOURS[5], COLOURS[4], COLOURS[6], COLOURS[2])
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
    """The colour of the i-th run of those shown together."""
    return RUNS[i % len(RUNS)]


def rgb(hex_colour: str) -> tuple[int, int, int]:
    """#rrggbb as three numbers from 0 to 255."""
    return int(hex_colour[1:3], 16), int(hex_colour[3:5], 16), int(hex_colour[5:7], 16)
