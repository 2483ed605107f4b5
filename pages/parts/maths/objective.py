"""The objective of a method for one image: the formula, and below each of its terms what that comes to."""

from collections.abc import Sequence

import streamlit as st

from models import MODELS
from models.analysis import read_source
from pages.parts.maths import formulas, waterfall
from pages.parts.maths.objective_terms import Live
from pages.parts.maths.waterfall import Part, Sum
from pages.parts.shared import run_pickers

KEY = "eq-objective"
STYLE = f"""<style>
.st-key-{KEY} .katex {{font-size:1.12rem; line-height:1.5}}
.st-key-{KEY} .katex .base {{margin:.15rem 0 .7rem}}
.st-key-{KEY} [data-testid=stMarkdownContainer] > p {{max-width:none; margin:0}}
.st-key-{KEY} [data-testid=stCaptionContainer] .katex {{font-size:1em}}
.st-key-{KEY} [data-testid=stCaptionContainer] .katex .base {{margin:0}}
@media (max-width:640px) {{
  .st-key-{KEY} .katex {{font-size:.95rem}}
  .st-key-{KEY} [data-testid=stMarkdownContainer] > p:has(.katex):not([data-testid=stCaptionContainer] *) {{
    padding-left:1.5rem; text-indent:-1.5rem}}
  .st-key-{KEY} .katex * {{text-indent:0}}
}}
</style>"""


def show(live: Live, instead_of_drawing: bool = False) -> None:
    """The bound of the image as the paper writes it, and what J adds to it; above it, whose it is if not the drawing's.

    The picture of the page may follow a drawing, of which no terms are computed.
    """
    if not MODELS[live.model].terms:
        st.caption(f"{MODELS[live.model].title} minimises nothing step by step: there is no objective to take apart.")
        return
    with st.container(key=KEY, gap="xsmall"):
        if instead_of_drawing:
            st.markdown(f"**Of {live.image}, not of your drawing**, which has no label and is in no data set:")
        st.markdown(f"${typeset(live)}$")
        st.caption(said(live))


def typeset(live: Live) -> str:
    """The formula as LaTeX: terms and figures are those of the bars further down."""
    held, known = together(live), bound(live)
    if known is None:
        return rf"\mathcal J\text{{ adds }}\;{joined(live, held.parts)}"
    explained, total, _ = known
    q = [p for p in total.parts if p.name != "entropy"]  # of which E_q is the mean
    rest = [p for p in total.parts if p.name == "entropy"]
    text = rf"-\log p({explained})\;\leq\;E_q[\,{joined(live, q)}\,]"
    text += rf"\;\allowbreak{joined(live, rest)}" if rest else ""
    text += rf"\allowbreak\;{{=}}\;\mathbf{{{number(total.value)}}}"  # a line breaks before the sign
    own = {p.name for p in total.parts}
    if added := [p for p in held.parts if p.value and p.name not in own]:
        text += rf",\quad\allowbreak\mathcal J\text{{ adds }}\;{joined(live, added)}"
    return text


def bound(live: Live) -> tuple[str, Sum, str] | None:
    """What the bound on the image explains, its terms, and its equation; None: J has no bound."""
    found, generative = live.found, MODELS[live.model].generative
    if generative is None or not found["bound_weight"]:
        return None
    if found["kind"] == "labelled" and "L" in found:
        return "x,y", live.L(found["true"]), generative.class_bound
    whole = live.U() if "U" in found else live.add_up("bound", found["bound"])
    return live.folder.run.explained, whole, generative.bound


def together(live: Live) -> Sum:
    """What J holds of the image; of one that the method does not learn from, what it would hold with its label."""
    held = live.as_unlabelled() if live.found["kind"] != "labelled" else None
    held = held or live.as_labelled()
    assert held is not None  # every method learns from labelled images, or from all
    return held


def joined(live: Live, parts: Sequence[Part]) -> str:
    """Terms with their figures, added up; one that begins with a minus needs no plus before it.

    A line breaks before a sign, not after it.
    """
    text = ""
    for part in parts:
        term = formulas.as_latex(formulas.label(live.model, part.name, live.folder.run.settings))
        sign = "" if not text else r"\;\allowbreak" if term.startswith("-") else r"\allowbreak\;{+}\;"
        word = formulas.WORDS.get(part.name, "")
        below = rf"\textstyle {number(part.value)}" + (rf"\\ \textstyle\footnotesize\text{{{word}}}" if word else "")
        figure = rf"\underbrace{{{term}}}_{{\substack{{{below}}}}}"
        text += rf"{sign}\textcolor{{{part.colour}}}{{{figure}}}"
    return text


def number(hundredths: int) -> str:
    return waterfall.figure(hundredths).replace("−", "-").replace(",", "{,}")


def ref_of(live: Live) -> str:
    """The equation of what is shown of a method without a bound: of agreement, of the label, or of all."""
    refs = {w.name: w.ref for w in read_source.equations(live.model)}
    agrees = live.found["kind"] != "labelled" and live.unlabelled_terms()
    return refs.get("consistency" if agrees else "classification") or next(reversed(refs.values()))


def said(live: Live) -> str:
    """What the formula is, in words."""
    card, kind, known = MODELS[live.model].of(live.folder.run.settings), live.found["kind"], bound(live)
    ref = known[2] if known else ref_of(live)
    of = f"{card.title} did not learn from it" if kind == "test" else f"what training {card.title} makes small"
    nats = ", in nats" if card.in_nats else ""
    text = run_pickers.plain(f"{ref[0].upper()}{ref[1:]} of {card.paper} for this {kind} image{nats}: {of}.")
    if known is None:
        if kind == "labelled" or (kind == "unlabelled" and live.unlabelled_terms()):
            return text
        return f"{text} {'Without' if live.unlabelled_terms() else 'With'} its label, it would add this."
    summed = any(p.name == "entropy" for p in known[1].parts)
    over = f" and, by {run_pickers.plain(card.q_y)}, over the classes y" if summed else ""
    drawn = " and ".join(filter(None, [card.inner, "z"]))
    return f"{text} $E_q$ is the mean over draws of {drawn}{over}."
