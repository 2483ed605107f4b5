"""What stands beside the code on Equations: factorisations, symbols, and which part of a formula is which term."""

from models import MODELS
from pages.parts import palette

# A term has one colour in every formula and every bar. Told apart also by their order, which is that of the formula.
COLOURS = {
    "reconstruction": palette.COLOURS[0],
    "filters": palette.COLOURS[2],
    "prior_y": palette.COLOURS[5],
    "kl_z": palette.COLOURS[3],
    "kl_a": palette.COLOURS[4],
    "entropy": palette.COLOURS[7],
    "classification": palette.COLOURS[1],
    "consistency": palette.COLOURS[6],
}
PIECES: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    # (model, equation): parts of its LaTeX, each there once, and the term that each belongs to
    ("m1", "3"): ((r"\log p(x|z)", "reconstruction"), (r"\log p(z)", "kl_z"), (r"\log q(z|x)", "kl_z")),
    ("m2", "4"): (("p(x|y,z)", "reconstruction"),),
    ("m2", "6L"): (
        (r"E_{q(z|x)}[\log p(x|y,z)]", "reconstruction"),
        (r"\log p(y)", "prior_y"),
        (r"\mathrm{KL}[q(z|x)\,\|\,p(z)]", "kl_z"),
    ),
    ("m2", "6"): ((r"\mathcal H(q(y|x))", "entropy"),),
    ("m2", "11"): ((r"\alpha\log q(y|x)", "classification"),),
    ("m2", "12"): ((r"\alpha\log q(y|x)", "classification"),),
    ("adgm", "17"): (("p(x|z,y)", "reconstruction"),),
    ("adgm", "21"): (
        ("p(x|y,z)", "reconstruction"),
        ("p(a|z,y,x)", "kl_a"),
        ("p(y)", "prior_y"),
        ("p(z)", "kl_z"),
        ("q(a|x)", "kl_a"),
        ("q(z|a,y,x)", "kl_z"),
    ),
    ("adgm", "22"): ((r"\mathcal H(q(y|a,x))", "entropy"),),
    ("adgm", "23"): ((r"\alpha\, E_{q(a|x)}[-\log q(y|a,x)]", "classification"),),
    ("supervised", "11"): ((r"\alpha\log q(y|x)", "classification"),),
    ("inception", "3.4"): ((r"\alpha\log q(y|x)", "classification"),),
    ("efficientnet", "3.4"): ((r"\alpha\log q(y|x)", "classification"),),
}
FACTORS: dict[str, tuple[str, ...]] = {
    "m1": ("p(x,z) = p(x|z)\\,p(z)", "q(z|x)"),
    "m2": ("p(x,y,z) = p(x|y,z)\\,p(y)\\,p(z)", "q(y,z|x) = q(y|x)\\,q(z|x)"),
    "adgm": (
        "p(x,y,a,z) = p(x|y,z)\\,p(a|z,y,x)\\,p(y)\\,p(z)",
        "q(a,y,z|x) = q(a|x)\\,q(y|a,x)\\,q(z|a,y,x)",
    ),
    "supervised": ("q(y|x)",),
    **dict.fromkeys(("inception", "efficientnet"), ("q(y|x) = \\mathrm{softmax}(W h(x) + b)",)),
}
READS = {  # a method's factorisations in a sentence
    "m1": "An image x comes from a code z. The class has no place in it: an SVM reads y from the mean of q(z|x).",
    "m2": "An image comes from its class y and its style z, which know nothing of each other. Reading goes back: "
    "one network says the class, another the style.",
    "adgm": "An image comes from its class and its style as in M2. The auxiliary a is drawn from x first, and both "
    "q(y|a,x) and q(z|a,y,x) look at it, so that q(z|x) can take other shapes than a Gaussian.",
    "supervised": "No generative model: a network says the class, and learns from the labelled images alone.",
    **dict.fromkeys(
        ("inception", "efficientnet"),
        "No generative model: a network pretrained on ImageNet gives h(x), and one dense layer learns the classes.",
    ),
}

Row = tuple[str, str, str]  # symbol in LaTeX, meaning, name in the code
X = ("x", "an image, each value in [0, 1]; labelled and unlabelled ones apart in J", "x, x_l, x_u")
Y = ("y", "its class, one of K", "y, y_l")
Z = ("z", "its style: what there is to say of it besides the class", "z")
PRIOR_Z = ("p(z)", "standard normal", "p_z")
PRIOR_Y = ("p(y)", "every class equally likely: log p(y) = −log K", "p_y")
DECODER = ("p(x|y,z)", "the decoder: Bernoulli for grey images, Gaussian for colour", "p_x")
SEEN = ("h(x)", "only where settings name filters: their answers, which the classifier sees beside x", "filters")
L = (r"\mathcal L(x,y)", "the bound on −log p(x,y), nats per image, minimised", "L")
U = (r"\mathcal U(x)", "the bound on −log p(x), nats per image, minimised", "U")
J = (r"\mathcal J", "what training minimises", "J")
ALPHA = (
    r"\alpha = \beta\,(N_l + N_u)/N_l",
    "the weight of a label; Nₗ and Nᵤ are the numbers of labelled and unlabelled images",
    "alpha, beta",
)
FLOOR: tuple[Row, ...] = (("x", "an image, each value in [0, 1]", "x, x_l"), Y)
NOTATION: dict[str, tuple[Row, ...]] = {
    "m1": (
        ("x", "an image, each value in [0, 1]", "x"),
        ("z", "its code", "z"),
        ("y", "its class; only the SVM sees it", "y_l"),
        PRIOR_Z,
        ("p(x|z)", "the decoder: Bernoulli for grey images, Gaussian for colour", "p_x"),
        ("q(z|x)", "the encoder: a diagonal Gaussian", "q_z"),
        ("h(x)", "only where settings name filters: their answers, which q sees in place of x", "filters"),
        ("p(h|z)", "a Gaussian around what z says of them; (3) has it beside p(x|z) then", "p_h"),
    ),
    "m2": (
        X, Y, Z, PRIOR_Z, PRIOR_Y, DECODER,
        ("q(y|x)", "the classifier", "q_y"),
        SEEN,
        ("q(z|x)", "the encoder: a diagonal Gaussian", "q_z"),
        (r"\mathcal H", "entropy, in nats", "entropy"),
        L, U, J, ALPHA,
    ),
    "adgm": (
        X, Y, Z,
        ("a", "the auxiliary variable", "a"),
        PRIOR_Z, PRIOR_Y, DECODER,
        ("p(a|z,y,x)", "a diagonal Gaussian; only the bound needs it", "p_a"),
        ("q(a|x)", "a diagonal Gaussian", "q_a"),
        ("q(y|a,x)", "the classifier; its mean over draws of a is q(y|x)", "q_y"),
        SEEN,
        ("q(z|a,y,x)", "the encoder: a diagonal Gaussian", "q_z"),
        (r"\mathcal H", "entropy, in nats", "entropy"),
        L, U, J, ALPHA,
    ),
    "supervised": (*FLOOR, ("q(y|x)", "the classifier", "q_y"), SEEN, ALPHA),
    **dict.fromkeys(
        ("inception", "efficientnet"),
        (
            *FLOOR,
            ("h(x)", "what the frozen network finds in an image", "h"),
            (r"q(y|x)", "softmax of the dense layer with weights W and b", "q_y"),
            ALPHA,
        ),
    ),
}  # fmt: skip


def coloured(model: str, key: str, latex: str) -> str:
    """The LaTeX of an equation with each of its terms in the term's colour."""
    for piece, term in PIECES.get((model, key), ()):
        latex = latex.replace(piece, rf"\textcolor{{{COLOURS[term]}}}{{{piece}}}", 1)
    return latex


def legible(colour: str) -> str:
    """A term's colour as CSS for text: nearer to that of the text around it, on a light and on a dark page."""
    return f"color-mix(in oklab,{colour} 74%,currentColor)"


def style() -> str:
    """Coloured formulas legible on any page; a term under the pointer lights up, in the formula and in the bars alike.

    The browser writes a colour that KaTeX was given as #rrggbb in numbers.
    """
    # The rows of a fraction are laid over each other: let the pointer through to the terms in them.
    rules = [".katex [class^=vlist], .katex [class^=vlist] > span {pointer-events:none}"]
    for term, colour in COLOURS.items():
        written = f'.katex [style*="rgb({", ".join(map(str, palette.rgb(colour)))})"]'
        lit = f"{{background:color-mix(in srgb,{colour} 24%,transparent);border-radius:.25em}}"
        rules += [
            f"{written} {{color:{legible(colour)} !important;pointer-events:auto}}",
            f"[class*=st-key-eq-]:has(.eq-fall .t-{term}:hover) {written} {lit}",
            f"[class*=st-key-eq-]:has({written}:hover) .eq-fall .t-{term} {lit}",
        ]
    return f"<style>{' '.join(rules)}</style>"


def label(model: str, term: str, encoder_sees_y: bool = False) -> str:
    """A term in text, with the sign with which it is added to what is minimised."""
    q_y = "q(y|a,x)" if model == "adgm" else "q(y|x)"
    q_z = {"adgm": "q(z|a,y,x)"}.get(model, "q(z|x,y)" if encoder_sees_y else "q(z|x)")
    return {
        "reconstruction": "−log p(x|z)" if model == "m1" else "−log p(x|y,z)",
        "filters": "−log p(h|z)",
        "prior_y": "−log p(y)",
        "kl_z": f"KL[{q_z} ‖ p(z)]",
        "kl_a": "log q(a|x) − log p(a|z,y,x)",
        "entropy": f"−H({q_y})",
        "classification": f"−α log {q_y}",
        "consistency": f"consistency of {q_y}",
    }[term]


def notation(model: str) -> str:
    """The table of symbols, as Markdown."""
    rows = [
        f"| ${symbol.replace('|', chr(92) + 'mid ')}$ | {meaning} | {', '.join(f'`{c}`' for c in code.split(', '))} |"
        for symbol, meaning, code in NOTATION[model]
    ]
    return "\n".join(["| Symbol | Meaning | In the code |", "| --- | --- | --- |", *rows])


def document(model: str, equations: tuple, notes: tuple) -> str:
    """A method's equations beside their code as a Markdown file to take away."""
    parts = [f"# {MODELS[model].title}: equations and code", MODELS[model].summary, READS[model]]
    parts += [f"$$\n{f}\n$$" for f in FACTORS[model]]
    parts += ["## Notation", notation(model)]
    for e in equations:
        parts += [f"## {e.title}", e.says, f"$$\n{e.latex}\n$$", f"`{e.path}`, `{e.cls}.{e.name}`, line {e.line}:"]
        parts += [f"```python\n{e.code}\n```"]
    if notes:
        parts += ["## How the code reads the paper", *(f"- `{n.of}`: {n.text}" for n in notes)]
    return "\n\n".join(parts) + "\n"
