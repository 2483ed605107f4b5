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
    said = "".join(
        f'<div style="flex:1 1 13rem"><i style="display:inline-block;width:.9rem;height:.9rem;border-radius:3px;'
        f'vertical-align:-.05rem;{look}"></i> <b style="font-size:1.25rem">{n:,}</b> {name}'
        f'<div style="font-size:.875rem;color:{SOFT}">{what}</div></div>'
        for (name, (n, what)), look in zip(parts.items(), looks, strict=True)
    )
    row = "display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin-top:.6rem"
    track = "display:flex;gap:3px;height:1.1rem;border-radius:.4rem;overflow:hidden"
    scale = f"The bar is to scale; a part is at least {LEAST} pixels wide."
    return (
        f'<div style="{track}" aria-hidden="true">{bar}</div><div style="{row}">{said}'
        f'<div style="font-size:.875rem;color:{SOFT}">{scale}</div></div>'
    )
