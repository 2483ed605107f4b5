"""What stands beside the code on Equations: factorisations, symbols, and which part of a formula is which term."""

import re
from collections.abc import Sequence

from models import MODELS, TERMS
from models.analysis import read_source
from models.methods import pretraining
from models.methods.card import Symbol
from models.nn.settings import Settings
from pages.parts.shared import palette

# A term has one colour in every formula and every bar. Told apart also by their order, which is that of the formula.
COLOURS = {
    "reconstruction": palette.COLOURS[0],
    "filters": palette.COLOURS[2],
    "prior_y": palette.COLOURS[5],
    "kl_z": palette.COLOURS[8],
    "kl_a": palette.COLOURS[4],
    "kl_z1": palette.COLOURS[4],  # no method has both
    "entropy": palette.COLOURS[7],
    "classification": palette.COLOURS[1],
    "consistency": palette.COLOURS[6],
    "reconstructed": palette.COLOURS[2],  # no method has that of filters, too
}
EXTRA = palette.COLOURS[3], palette.COLOURS[9]  # of terms that only some methods have, in the order of their cards
TERM_NAMES = {  # a term in text, with the sign with which it is added to what is minimised
    "prior_y": "−log p(y)",
}


WORDS = {  # what a term pays for, in a word or two
    "reconstruction": "the pixels", "filters": "their features", "prior_y": "the class", "kl_z": "the code z",
    "kl_a": "the auxiliary a", "kl_z1": "the code z1", "entropy": "entropy", "classification": "the label",
}  # fmt: skip
# Of the flow picture; other terms: the class.
NODES = {"reconstruction": "p", "filters": "p", "kl_z": "z", "kl_a": "a", "kl_z1": "z1", "code": "z1"}
PLAIN = {  # what an equation says, by the name of the method that computes it
    "generate": "An image from a class and a style",
    "bound": "What an image costs to describe",
    "L": "The cost of an image whose class is known",
    "U": "The cost of an image whose class is not known",
    "classification": "Learning the class from the labels",
    "consistency": "Agreeing about images without labels",
    "J": "The objective: all costs together",
    "nt_xent": "Which two views are of one image",
}
OWN = {name: says for card in MODELS.values() for name, says in card.own_equations.items()}


def plain(name: str) -> str:
    """What the equation that the method `name` computes says, in plain words."""
    return OWN.get(name, PLAIN.get(name, name))


def of_others() -> dict[str, str]:
    """Colours of the terms that only some methods have: no two terms of a method have the same."""
    found: dict[str, str] = {}
    for term in (t for t in TERMS if t not in COLOURS and "/" not in t):
        beside = {t.rpartition("/")[2] for card in MODELS.values() if term in card.terms for t in card.terms}
        taken = {COLOURS.get(t) or found.get(t) for t in beside}
        first = len(found) % len(EXTRA)
        found[term] = next(c for c in (*EXTRA[first:], *EXTRA, *palette.COLOURS) if c not in taken)
    return found


OTHERS = of_others()


def colour(term: str) -> str:
    """The colour of a term; one that is not of the bounds has its own, too."""
    return COLOURS.get(term) or OTHERS.get(term, palette.COLOURS[0])


def coloured(model: str, key: str, latex: str) -> str:
    """The LaTeX of an equation with each of its terms in the term's colour."""
    for piece, term in (pretraining.PIECES | MODELS[model].pieces).get(key, ()):
        latex = latex.replace(piece, rf"\textcolor{{{colour(term)}}}{{{piece}}}", 1)
    return latex


def legible(colour: str) -> str:
    """A term's colour as CSS for text: nearer to that of the text around it, on a light and on a dark page."""
    return f"color-mix(in oklab,{colour} 74%,currentColor)"


def style() -> str:
    """Coloured formulas legible on any page; a term under the pointer lights up, in the formula and in the bars alike.

    Of the objective, a term marks its node in the flow picture, which takes the colour from a custom property, and a
    node its terms.

    The browser writes a colour that KaTeX was given as #rrggbb in numbers.
    """
    # The rows of a fraction are laid over each other: let the pointer through to the terms in them.
    rules = [".katex [class^=vlist], .katex [class^=vlist] > span {pointer-events:none}"]
    for term in dict.fromkeys([*COLOURS, *(t.rpartition("/")[2] for t in TERMS)]):
        of = colour(term)
        written = f'.katex [style*="rgb({", ".join(map(str, palette.rgb(of)))})"]'
        lit = f"{{background:color-mix(in srgb,{of} 24%,transparent);border-radius:.25em}}"
        rules += [
            f"{written} {{color:{legible(of)} !important;pointer-events:auto}}",
            # One within another is neither mixed nor lit again.
            f"{written} {written.removeprefix('.katex ')} {{color:inherit !important;background:none !important}}",
            f"[class*=st-key-eq-]:has(.eq-fall .t-{term}:hover) {written} {lit}",
            f"[class*=st-key-eq-]:has({written}:hover) .eq-fall .t-{term} {lit}",
            f"body:has(.st-key-eq-objective {written}:hover) {{--at-{NODES.get(term, 'y')}:{of}}}",
            f"body[data-flow-node={NODES.get(term, 'y')}] .st-key-eq-objective {written} {lit}",
        ]
    return f"<style>{' '.join(rules)}</style>"


def label(model: str, term: str, settings: Settings | None = None) -> str:
    """A term in text, with the sign with which it is added to what is minimised."""
    card = MODELS[model].of(settings)
    q_z = card.encoder(settings) if settings else card.q_z
    named = TERM_NAMES | {
        "reconstruction": f"−log {card.generative.p_x}" if card.generative else "−log p(x)",
        "kl_z": f"KL[{q_z} ‖ p(z)]",
        "filters": f"−log p(h|{card.between or 'z'})",
        f"kl_{card.inner}": f"log q({card.inner}|x) − log {card.p_a}",
        "entropy": f"−H({card.q_y})",
        "classification": f"−α log {card.q_y}",
        "consistency": f"consistency of {card.q_y}",
    }
    return named.get(term) or card.terms.get(term, term).removesuffix(", unlabelled").removesuffix(", labelled")


LATEX = {
    "−": "-", "log": r"\log ", "KL": r"\mathrm{KL}", "‖": r"\,\|\,", "H(": r"\mathcal H(", "N(": r"\mathcal N(",
    "α": r"\alpha ", "·": r"\cdot ",
}  # fmt: skip
# Two letters or more that are no function's name, and the words after them.
PROSE = re.compile(r"(?<!\w)(?!log\b|KL\b)([^\W\d_]{2,}(?:,? (?!log\b|KL\b)[\w’]+)*(?![\w(\[]) ?)")


def as_latex(label: str) -> str:
    """A term in text, as `label` says it, as LaTeX; words stay words."""
    parts = PROSE.split(label)
    for i, symbols in enumerate(parts[::2]):
        for text, latex in LATEX.items():
            symbols = symbols.replace(text, latex)
        parts[2 * i] = re.sub(r"([a-z])(\d)", r"\1_\2", symbols)
    parts[1::2] = [rf"\text{{{words}}}" for words in parts[1::2]]
    return "".join(parts)


def notation(model: str, settings: Settings | None = None) -> str:
    """The table of symbols, as Markdown; a second one of what a run with these settings learned before J."""
    parts = [table(MODELS[model].notation)]
    if read_source.before(settings):
        parts += ["Of contrastive pretraining:", table(pretraining.NOTATION)]
    return "\n\n".join(parts)


def table(symbols: Sequence[Symbol]) -> str:
    rows = [
        f"| ${symbol.replace('|', chr(92) + 'mid ')}$ | {meaning} | {', '.join(f'`{c}`' for c in code.split(', '))} |"
        for symbol, meaning, code in symbols
    ]
    return "\n".join(["| Symbol | Meaning | In the code |", "| --- | --- | --- |", *rows])


def document(model: str, settings: Settings | None = None) -> str:
    """The equations of a method, and of a run with these settings, beside their code: a Markdown file to take away."""
    card, notes = MODELS[model], read_source.notes(model)
    parts = [f"# {card.title}: equations and code", card.summary, card.family]
    parts += [f"$$\n{f}\n$$" for f in card.factorisation]
    parts += ["## Notation", notation(model, settings)]
    for e in (*read_source.equations(model), *read_source.before(settings)):
        parts += [f"## {e.title}", e.says, f"$$\n{e.latex}\n$$", f"`{e.path}`, `{e.cls}.{e.name}`, line {e.line}:"]
        parts += [f"```python\n{e.code}\n```"]
    if notes:
        parts += ["## How the code reads the paper", *(f"- `{n.of}`: {n.text}" for n in notes)]
    return "\n\n".join(parts) + "\n"
