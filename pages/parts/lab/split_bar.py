"""How a data set is split: labelled, unlabelled and test images, as one bar."""

from collections.abc import Mapping

from pages.parts.shared import palette

SOFT = "color-mix(in srgb,currentColor 75%,transparent)"
LEAST = 6  # pixels: so wide is the narrowest part, else all are to scale


def html(parts: Mapping[str, tuple[int, str]]) -> str:
    """Labelled, unlabelled and test images as one bar, and of each how many there are and what they are for."""
    ten = ", ".join(f"{c} {10 * k}% {10 * k + 10}%" for k, c in enumerate(palette.COLOURS))
    looks = (
        f"background:linear-gradient(to right, {ten})",
        f"background:{palette.UNLABELLED}",
        f"border:2px solid {palette.UNLABELLED}",
    )
    bar = "".join(
        f'<i style="flex:{n} 1 0;min-width:{LEAST}px;box-sizing:border-box;{look}"></i>'
        for (n, _), look in zip(parts.values(), looks, strict=True)
    )
    said = [
        f'<div style="flex:{n} 1 0;min-width:10rem"><i style="display:inline-block;width:.9rem;height:.9rem;'
        f'border-radius:3px;vertical-align:-.05rem;{look}"></i> <b style="font-size:1.25rem">{n:,}</b> {name}'
        f'<div style="font-size:.875rem;color:{SOFT}">{what}</div></div>'
        for (name, (n, what)), look in zip(parts.items(), looks, strict=True)
    ]
    training = [n for n, _ in parts.values()][:-1]
    # Together as wide as their parts of the bar, so that what is said of the test images stands below theirs.
    both = f"flex:{sum(training)} 1 0;min-width:min(100%,21.5rem);display:flex;flex-wrap:wrap;gap:.5rem 1.5rem"
    below = f'<div style="{both}">{"".join(said[:-1])}</div>{said[-1]}'
    row = "display:flex;flex-wrap:wrap;gap:.5rem 3px;margin-top:.6rem"
    track = "display:flex;gap:3px;height:1.1rem;border-radius:.4rem;overflow:hidden"
    scale = f"Drawn to scale; a part is at least {LEAST} pixels wide."
    return f'<div style="{track}" aria-hidden="true" title="{scale}">{bar}</div><div style="{row}">{below}</div>'
