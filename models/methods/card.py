"""A method's card: everything that pages, presets, estimates, the shell and README may know of it without torch.

A method is a folder `models/methods/<name>/` with `card.py`, whose CARDS names its cards, and `model.py`, the class
behind it (models/methods/method.py says what a class has), and one line in `models/__init__.py`. What a method does
not have, its card leaves out, and pages show less.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from data import Spec
from models.nn.settings import Settings

Symbol = tuple[str, str, str]  # in LaTeX, what it means, its name in the code
Places = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Graph:
    """One graphical model: nodes inside a plate, and outside it the weights that all images share."""

    title: str  # "Generative model p"
    says: str  # the graph in words
    nodes: Places  # within 228 x 196
    arrows: tuple[tuple[str, str], ...]
    weights: str = ""
    weighed: tuple[str, ...] = ()  # the nodes whose distribution has these weights
    dashed: tuple[tuple[str, str], ...] = ()  # a classifier beside the model
    fixed: tuple[str, ...] = ()  # computed by a network that does not learn
    labelled: bool = False  # whether the plate holds the labelled images alone

    def without(self, node: str) -> "Graph":
        """The same without a node and what comes from it or leads to it."""
        nodes = {name: place for name, place in self.nodes.items() if name != node}
        arrows = tuple(arrow for arrow in self.arrows if node not in arrow)
        given = [(to, [a for a, b in arrows if b == to]) for to in nodes]
        says = "; ".join(f"{' and '.join(of)} give{'s' * (len(of) == 1)} {to}" for to, of in given if of)
        weighed = tuple(name for name in self.weighed if name != node)
        return replace(self, says=says, nodes=nodes, arrows=arrows, weighed=weighed)


CLASSIFIER = Graph("Classifier q", "x gives y", {"x": (68, 98), "y": (168, 98)}, (("x", "y"),), "φ", ("y",))


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What pages say of the pictures that a method draws from nothing but a class and a style."""

    picture: str  # the distribution whose mean is a picture: "p(x|y,z), eq. 4"
    class_grid: str  # what rows and columns of a class grid are; {each} is how many labelled images a class has
    rows: str = "a class each"  # of a class grid, in few words
    sees_class: bool = True  # whether a picture depends on y beside z; else the class lies in z


@dataclass(frozen=True, kw_only=True)
class Generative(Pictures):
    """What they say of one with a p(x|.), which also draws an image anew from its code, and has a bound."""

    bound: str  # the equation of its bound on -log p(x): "eq. 6"
    swap: str  # what stays and what changes where an image is drawn as every class; {q_z} is the encoder
    walk: str  # what is held and what moves on a walk between two images; {q_z} is the encoder
    style: str  # a picture of one's own image as every class, in few words
    p_x: str = "p(x|y,z)"  # as the bound has it
    class_bound: str = ""  # the equation of the bound with y observed, L(x, y): "eq. 6"; "": it has none
    shared_draws: str = ""  # what all classes of that bound share
    plane: str = "p(z) itself"  # what a plane through z is of where a run keeps no codes
    note: str = ""  # what must be said where its pictures stand beside those of others; "": nothing


@dataclass(frozen=True)
class Card:
    """One method."""

    name: str  # in links, folders and the shell
    title: str  # in sentences and charts
    path: str  # of its class: "module:class"
    summary: str  # one sentence for somebody who has not read the paper
    family: str  # how p and q factorise, in words
    factorisation: tuple[str, ...]  # the same in LaTeX: p first, then q
    graphs: tuple[Graph, ...]
    notation: tuple[Symbol, ...]
    terms: dict[str, str]  # the terms of J by their names in metrics.jsonl, per image, each a mean over its batch
    settings: Callable[[Spec, str], Settings]  # what a preset means on a data set
    epochs: Callable[[Spec, str], int]  # how many epochs a run takes unless it is told
    reads: frozenset[str]  # the fields of Settings that its class reads
    spaces: dict[str, str] = field(default_factory=dict)  # the latents of a snapshot; what one sees in each, then why
    short: str = ""  # a title that fits into a legend; "": the title
    generative: Generative | None = None  # None: it has no p(x|.)
    sampler: Pictures | None = None  # of a method that draws pictures, and has neither codes of images nor a bound
    classifier: str = "q(y|x)"  # what says the class: "SVM, calibrated"
    classifier_is: str = ""  # where that comes from: "eq. 5"
    classifier_note: str = ""  # what must be said of it on a page about probabilities; "": nothing
    q_y: str = "q(y|x)"  # the classifier as the objective has it
    q_z: str = "q(z|x)"  # the encoder
    explained: Callable[[Settings], str] = lambda s: "x"  # what its bound is on log p of, written out
    pieces: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # equation: its LaTeX, term by term
    own_equations: dict[str, str] = field(default_factory=dict)  # by what computes one: what it says, in words
    # Wall seconds an epoch, evaluation included, of the `tuned` preset on 2 CPU cores with bfloat16 and no AMX, nothing
    # beside it, by data set: measured on 2026-11-24, the digits with one thread, M1 on photographs and CIFAR-100 two
    # days later. "moons" stands for all points; by processor time on a busy machine, 2026-11-30.
    seconds: dict[str, float] = field(default_factory=dict)
    paper_slowdown: float = 4.0  # how many times longer an epoch of the `paper` preset takes than one of `tuned`
    unlabelled: bool = True  # whether it learns from unlabelled images
    snapshot_is_seen: bool = True  # whether a snapshot holds q(y|x) of unlabelled images
    backbone: str = ""  # the pretrained network it stands on, whose features are computed once and kept
    method: str = ""  # whose class stands there: "m2"; "": it stands on no network
    weights: tuple[str, ...] = ("model.safetensors",)  # files without which it cannot be looked into
    most_labels: int = 0  # more than these it cannot take; 0: no limit
    why_most_labels: str = ""  # what grows with them
    paper: str = "the paper"  # whose equations its refs are of, in a word
    source: str = "the paper: Ojha, Semi Supervised Learning with Deep Generative Models, 2018"  # the same in full
    in_nats: bool = True  # whether all terms of J are nats
    yardstick: str = ""  # what it is shown beside, besides the baseline: "SVM on raw pixels"
    copies: Callable[[Settings, int], int] = lambda s, labels: 0  # augmented ones of each image it is fitted to
    auxiliary: str = ""  # an auxiliary variable that can be looked at beside z
    auxiliary_says: str = ""  # what stands over its draws
    between: str = ""  # a latent that lies between x and the others and is no auxiliary variable
    p_a: str = ""  # what the model itself says of either: "p(a|z,y,x)"
    on: Callable[[Spec], bool] = lambda spec: True  # the data sets it is offered for in tables
    kinds: tuple[str, ...] = ("images",)  # what it can learn from: "images", "points" (in the plane), "features"
    first: bool = False  # whether it is one of those with which pages begin, the paper's own and what they stand beside
    rank: int = 0  # where pages choose a few runs first: the higher, the sooner

    @property
    def learns(self) -> bool:
        """Whether it learns step by step: what has no settings has nothing to take steps with."""
        return bool(self.reads)

    @property
    def labels_train_a_classifier(self) -> bool:
        """Whether its labels teach a q(y|.) of images, as the baseline's do, and not one of codes or features."""
        return "beta" in self.reads and not self.between and not self.frozen

    @property
    def latents(self) -> tuple[str, ...]:
        """What a snapshot of it holds besides q(y|x)."""
        return tuple(self.spaces)

    def expected(self, space: str) -> tuple[str, str]:
        """What one sees in a space, in one sentence, and why, in others; empty of a space that it has not."""
        brief, stop, why = self.spaces.get(space, "").partition(". ")
        return brief + stop.strip(), why

    def suits(self, spec: Spec) -> bool:
        """Whether it is offered for a data set in tables."""
        return spec.kind in self.kinds and self.on(spec)

    @property
    def draws(self) -> bool:
        """Whether it has a p(x|.) to draw from, and codes of images."""
        return self.generative is not None

    @property
    def pictures(self) -> Pictures | None:
        """What is said of its pictures; None: it draws none at all."""
        return self.generative or self.sampler

    @property
    def inner(self) -> str:
        """The latent that x gives before y and z, if there is one."""
        return self.auxiliary or self.between

    @property
    def no_map(self) -> str:
        """Why runs of it have no map of codes; "" if they have one."""
        return "" if self.spaces else f"{self.title} has no codes, so there is no map of them."

    @property
    def draws_through(self) -> bool:
        """Whether that latent stands between z and what is drawn, so that p(x|.) alone does not make a picture of z."""
        return bool(self.graphs) and any(a == self.inner and b == "x" for a, b in self.graphs[0].arrows)

    @property
    def not_in_browser(self) -> str:
        """Why a browser does not draw its pictures by itself."""
        why = f"go through {self.inner}" if self.draws_through else "come from a convolutional decoder"
        return f"The pictures {why}"

    @property
    def classifier_short(self) -> str:
        """What says the class, in a legend: "SVM"."""
        return self.classifier.partition(",")[0]

    @property
    def legend(self) -> str:
        """Its title where there is little room."""
        return self.short or self.title

    @property
    def linear_probe(self) -> bool:
        """Whether it is one dense layer on a pretrained network, which sees the labelled images alone."""
        return self.frozen and not self.unlabelled

    @property
    def unit(self) -> str:
        """Of the terms of J, and of their sum."""
        return "nats per image" if self.in_nats else "per image"

    @property
    def frozen(self) -> bool:
        """Whether it stands on a pretrained network, whose features are computed once and kept."""
        return bool(self.backbone)

    def of(self, s: Settings | None) -> "Card":
        """The card as these settings have the method: without an auxiliary variable that they leave out."""
        if s is None or s.auxiliary or "auxiliary" not in self.reads:
            return self
        a = self.auxiliary
        return replace(
            self, auxiliary="", p_a="", q_y="q(y|x)", q_z="q(z|x,y)", classifier_is="classifier",
            spaces={name: says for name, says in self.spaces.items() if name != a},
            graphs=tuple(graph.without(a) for graph in self.graphs),
        )  # fmt: skip

    def encoder(self, s: Settings) -> str:
        """The encoder as these settings have it."""
        return "q(z|x,y)" if s.encoder_sees_y and "encoder_sees_y" in self.reads else self.of(s).q_z

    def drawn(self, s: Settings | None) -> tuple[Graph, ...]:
        """Its graphical models as these settings have them."""
        if s and s.encoder_sees_y and "encoder_sees_y" in self.reads:
            p, q = self.graphs
            return p, Graph(q.title, f"{q.says}, given y", q.nodes, (*q.arrows, ("y", "z")), q.weights, q.weighed)
        return self.of(s).graphs
