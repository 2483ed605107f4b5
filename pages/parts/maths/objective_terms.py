"""One image of one run, and what the equations come to for it: shown term by term, as a chart's level, as CSV."""

import csv
import io
from dataclasses import dataclass

import numpy as np
import streamlit as st

import data
from data import DATASETS
from models import MODELS, TERMS
from models.analysis import door
from models.analysis.read_source import Written
from models.methods import notation
from models.runs.store import Folder
from pages.parts.maths import formulas, pretraining, waterfall
from pages.parts.maths.waterfall import Sum
from pages.parts.shared import figures, image_grid, words
from pages.parts.shared.run_metrics import Metrics

STYLE = """<style>
.eq-image {display:flex; gap:.9rem; align-items:flex-start; font-size:.85rem; line-height:1.35}
.eq-image figure {margin:0; width:7rem}
.eq-image figcaption {margin-top:.3rem}
.eq-image i {display:block; border-radius:.4rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 5%,transparent)}
.eq-image i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.eq-image small {opacity:.65}
</style>"""


@dataclass(frozen=True)
class Live:
    """One image of one run: what every equation below is filled with."""

    folder: Folder
    epoch: int  # after which the weights are
    id: int
    found: dict  # what models/analysis/objective_terms.py says
    y: int  # the class for which L(x,y) is taken apart
    names: tuple[str, ...]  # of the classes
    usual: dict[str, float]  # the mean terms that the run recorded last, per image
    usual_epoch: int

    @property
    def model(self) -> str:
        return self.folder.run.model

    @property
    def image(self) -> str:
        """ "training image 7"."""
        return f"test image {-1 - self.id}" if self.id < 0 else f"training image {self.id}"

    def add_up(self, label: str, draws: dict[str, np.ndarray], of: str = "") -> Sum:
        """Terms as they are shown; `of`: which batch's means stand beside them, "labelled" or "unlabelled"."""
        labels = {name: formulas.label(self.model, name, self.folder.run.settings) for name in draws}
        usual = {name: self.usual[where] for name in draws for where in (f"{of}/{name}", name) if where in self.usual}
        return waterfall.add_up(label, draws, labels, {name: formulas.colour(name) for name in draws}, usual)

    def L(self, k: int) -> Sum:
        """L(x, k), taken apart."""
        return self.add_up("L(x,y)", {name: t[k] for name, t in self.found["L"].items()}, "labelled")

    def U(self) -> Sum:
        return self.add_up("U(x)", self.found["U"], "unlabelled")

    def classification(self) -> dict[str, np.ndarray]:
        if "classification" not in self.found:
            return {}
        return {"classification": self.found["classification"][self.found["true"]]}

    def in_J(self, terms: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Terms of L or U as J has them."""
        weight = self.found["bound_weight"]
        return {name: weight * t for name, t in terms.items()} if weight else {}

    def labelled_terms(self) -> dict[str, np.ndarray]:
        """What J holds of it as a labelled image, draw by draw."""
        found = self.found
        own = self.in_J({name: t[found["true"]] for name, t in found.get("L", {}).items()})
        return found.get("bound", {}) | own | self.classification()

    def unlabelled_terms(self) -> dict[str, np.ndarray]:
        """What J holds of it as an unlabelled image, draw by draw."""
        return self.found.get("bound", {}) | self.in_J(self.found.get("U", {})) | self.found.get("unlabelled", {})

    def as_labelled(self) -> Sum | None:
        """What J holds of it as a labelled image; None: nothing."""
        return self.add_up("together", terms, "labelled") if (terms := self.labelled_terms()) else None

    def as_unlabelled(self) -> Sum | None:
        """What J holds of it as an unlabelled image; None: nothing."""
        return self.add_up("together", terms, "unlabelled") if (terms := self.unlabelled_terms()) else None


def said_of(live: Live) -> None:
    """The image, what it is to this run, and what the figures below are."""
    run, found = live.folder.run, live.found
    images = data.load(run.dataset)
    tile = figures.last(data.pixels(images, np.array([live.id])))
    n = len(live.names)
    (picture,) = image_grid.strip(tile, [found["true"]], n, [live.image])
    own = image_grid.safe(found["true"], live.names)
    h, w = tile.shape[1:3]
    kind = {
        "labelled": f"One of the {found['n_l']:,} labelled images of this run, of class {own}.",
        "unlabelled": f"One of the {found['n_u']:,} unlabelled images. Its class is {own}, which this run was never "
        "told; it stands here for looking only.",
        "test": f"A test image of class {own}. It is no part of J; what it would add is shown for looking only.",
    }[found["kind"]]
    guess = ""
    if "q_y" in found:
        q_y = found["q_y"].mean(0)
        k = int(q_y.argmax())
        guess = f" q(y|x) says {image_grid.safe(k, live.names)}, {figures.probability(float(q_y[k]))}."
    parts = [f"means over {found['draws']} draws, ± their standard error"] * (found["draws"] > 1)
    parts += ["in nats"] * MODELS[run.model].in_nats + ["with the sign with which they are minimised. "]
    draws = ", ".join(parts)
    draws = draws[0].upper() + draws[1:]
    if not DATASETS[run.dataset].grey and MODELS[run.model].draws:
        draws += "The likelihood of a colour image is a density, so a cost may lie below 0. "
    st.html(
        f'<div class="eq-image" style="--ratio:{w}/{h};--sheet:{image_grid.address(image_grid.lay(tile[None]))}">'
        f"<figure>{picture}</figure><div><b>{live.image.capitalize()}</b><br>{kind}{guess}<br>"
        f"<small>{draws}{MODELS[run.model].title} on {DATASETS[run.dataset].title}, {run.budget(',')}, "
        f"seed {run.seed}, after epoch {live.epoch} of {run.epochs}.</small></div></div>"
    )


# The values of an equation


def values(written: Written, live: Live) -> None:
    """The terms of one equation for the image; of one that a method has for itself there are none."""
    shown = {
        "generate": show_drawn,
        "bound": show_bound,
        "L": show_L,
        "U": show_U,
        "classification": show_classification,
        "consistency": show_consistency,
        "J": show_J,
        "nt_xent": show_pretraining,
    }.get(written.name)
    if shown:
        shown(live)


def beside(written: Written, live: Live) -> None:
    """What stands below the code of an equation: of U, the sum over classes."""
    if written.name == "U":
        show_classes(live)


def show_sum(live: Live, total: Sum, title: str, of: str) -> None:
    """A waterfall, and what the image costs beside the run's mean."""
    st.html(waterfall.bars(total, title))
    if total.excess is not None:
        more = f"{'nats ' * MODELS[live.model].in_nats}{'more' if total.excess >= 0 else 'less'}"
        st.caption(
            f"This image costs {waterfall.figure(abs(total.excess))} {more} than the mean of {of}, as recorded "
            f"in epoch {live.usual_epoch}."
        )


def show_bound(live: Live) -> None:
    total = live.add_up("bound", live.found["bound"])
    show_sum(live, total, f"The bound on −log p({live.folder.run.explained})", "all images")


def class_words(live: Live) -> str:
    own = live.y == live.found["true"]
    return f"y = {image_grid.name_of(live.y, live.names)}{', its own class' if own else ''}"


def show_L(live: Live) -> None:
    show_sum(live, live.L(live.y), f"L(x,y) for {class_words(live)}", "the labelled images, each with its own class")
    if live.folder.run.settings.encoder_sees_y:
        st.caption("This run has Kingma’s encoder: q(z|x,y) stands where the formula has q(z|x).")


def show_U(live: Live) -> None:
    total = live.U()
    show_sum(live, total, "U(x), each term of L weighed by q", "the unlabelled images")


def show_classes(live: Live) -> None:
    """The sum over classes of U, class by class."""
    total = live.U()
    found = live.found
    L = [live.L(k).value for k in range(len(live.names))]
    weighed = (found["q_y"].T * sum(found["L"].values())).mean(-1)
    st.html(waterfall.by_class(found["q_y"].mean(0), L, weighed.tolist(), total, live.names, found["true"]))
    few = " In training, the sum is estimated from a few classes; here it is whole."
    estimated = live.folder.run.settings.classes_exact
    st.caption(
        f"• its own class. Bold: the likeliest. The bars of L(x,y) begin at the least.{few if estimated else ''}"
    )


def show_classification(live: Live) -> None:
    found = live.found
    note = "as it would count with its label" if found["kind"] != "labelled" else ""
    total = live.add_up("together", live.classification())
    st.html(waterfall.bars(total, "−α log q(y|·) of its own class", note))
    alpha = f"{found['beta']:g} × ({found['n_l']:,} + {found['n_u']:,}) / {found['n_l']:,}"
    varied = " q(y|·) sees the image augmented at random, as in training." if varies(live) else ""
    if live.folder.run.settings.mixup:
        varied += " In training it is also mixed with another labelled image, and asked for the classes of both."
    st.caption(f"α = β (Nₗ + Nᵤ) / Nₗ = {alpha} = {found['alpha']:.2f}.{besides(live)}{varied}")


def besides(live: Live) -> str:
    """What weighs a label beside alpha, where J has terms of unlabelled images, too."""
    if not MODELS[live.model].unlabelled:
        return ""
    n_l, n_u = live.found["n_l"], live.found["n_u"]
    return (
        " Beside α: labelled and unlabelled images come in batches of their own, each term is a mean over its batch, "
        f"and so a labelled image weighs Nᵤ / Nₗ = {n_u:,} / {n_l:,} = {n_u / n_l:.1f} times as much in J as an "
        f"unlabelled one. {notation.AUTHORS}"
    )


def show_consistency(live: Live) -> None:
    """What an unlabelled image costs that is not of a bound."""
    found = live.found
    if not (costs := found.get("unlabelled")):
        st.caption("What this costs one image is known while the method learns, and not kept.")
        return
    note = "as it would count without its label" if found["kind"] == "labelled" else ""
    st.html(waterfall.bars(live.add_up("together", costs, "unlabelled"), "With its weight in J at this epoch", note))


def varies(live: Live) -> bool:
    s = live.folder.run.settings
    return bool((s.augment or s.flip or s.color_jitter or s.cutout) and not MODELS[live.model].frozen)


def show_J(live: Live) -> None:
    found = live.found
    if found["kind"] != "unlabelled" and (total := live.as_labelled()):
        show_sum(live, total, share(found, "labelled"), "the labelled images")
    if found["kind"] != "labelled" and (total := live.as_unlabelled()):
        show_sum(live, total, share(found, "unlabelled"), "the unlabelled images")
        added = [formulas.label(live.model, name, live.folder.run.settings) for name in found.get("unlabelled", {})]
        if (weight := found["bound_weight"]) != 1:
            st.caption(
                f"L and U have the weight {weight:g} in this run’s J." if weight else "This run’s J has no bound."
            )
        if added and "U" in found:
            st.caption(
                f"Not in the paper’s equation: {', '.join(added)}. Its section 5 names the idea of consistency, and "
                "the preset adds it."
            )
    if epochs := live.folder.run.settings.contrastive_epochs:
        n = words.number_of(epochs, "epoch")
        st.caption(f"This run began with {n} of contrastive pretraining, whose cost is no part of J: see further down.")
    st.caption(
        f"The code takes means where the equation has sums: over the {found['n_l']:,} labelled images and over the "
        f"{found['n_u']:,} unlabelled ones."
    )


def show_pretraining(live: Live) -> None:
    pretraining.show(live.folder, live.found["n_u"])


def share(found: dict, kind: str) -> str:
    n = found["n_l" if kind == "labelled" else "n_u"]
    if found["kind"] == "test":
        return f"Were it {kind}: what it would add to the sum in J"
    return f"One of {n:,} {kind} images: what it adds to their sum in J"


def show_drawn(live: Live) -> None:
    """The mean of p(x|y,z) at the image's own style, and how likely that makes the image."""
    swap = {name: of[0] for name, of in door.ask("swap", live.folder, ids=[live.id]).items()}
    two = np.stack([swap["image"], swap["classes"][live.y]])
    h, w = two.shape[1:3]
    n = len(live.names)
    name = image_grid.safe(live.y, live.names)
    first, second = image_grid.strip(
        two, (live.found["true"], live.y), n, (live.image.capitalize(), f"p(x|y,z), y {name}")
    )
    (part,) = live.add_up("", {"reconstruction": live.found["L"]["reconstruction"][live.y]}).parts
    error = f" ± {part.error:.2f}" if part.error else ""
    st.html(
        f'<div class="eq-image" style="--ratio:{w}/{h};--sheet:{image_grid.address(image_grid.lay(two[None]))}">'
        f"<figure>{first}<figcaption>x</figcaption></figure>"
        f"<figure>{second}<figcaption>mean of p(x|y,z)<br><small>y = {name}, z from the image</small></figcaption>"
        "</figure>"
        f'<div>log p(x|y,z) = <b style="color:{formulas.legible(part.colour)}">{waterfall.figure(-part.value)}</b>'
        f"{error} nats<br>"
        "<small>mean over q(z|·)</small></div></div>"
    )


def of_this_image(live: Live) -> dict[str, float]:
    """Every term of the image, as it is shown, by the name under which the run records its mean."""
    found = live.found
    draws = dict(found.get("bound", {}))
    if "L" in found:
        draws |= {f"labelled/{name}": t[live.y] for name, t in found["L"].items()}
        draws |= {f"unlabelled/{name}": t for name, t in found["U"].items()}
    if "classification" in found:
        draws |= live.classification()
    draws |= found.get("unlabelled", {})
    return {name: waterfall.hundredths(t.mean()) / 100 for name, t in draws.items()}


SUMS = {  # what is added up: its name in a chart, and the terms of it
    "bound": ("the bound, all images", ("reconstruction", "filters", "kl_z")),
    "L": ("L(x,y), labelled", tuple(t for t in TERMS if t.startswith("labelled/"))),
    "U": ("U(x), unlabelled", tuple(t for t in TERMS if t.startswith("unlabelled/"))),
}


def recorded(m: Metrics) -> dict[str, tuple[str, list[float], list[float], tuple[str, ...]]]:
    """What a run has recorded, by name: (in words, epochs, values per image, the terms in it), sums before terms."""
    out = {}
    for name, (title, terms) in SUMS.items():
        there = tuple(t for t in terms if t in m.means)
        if len(there) > 1 and len({tuple(m.means[t][0]) for t in there}) == 1:
            total = np.round([m.means[t][1] for t in there], 2).sum(0).tolist()  # as the bars add up
            out[name] = (title, m.means[there[0]][0], total, there)
    for name in TERMS:
        if name in m.means:
            out[name] = (TERMS[name], *m.means[name], (name,))
    return out


def table(live: Live) -> str:
    """Every figure of the page as CSV."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(
        ["run", "image", "quantity", "class", "term", "mean_nats", "standard_error", "draws", "run_mean_nats"]
    )
    found = live.found

    def add(quantity: str, k: str, draws: dict[str, np.ndarray], of: str) -> None:
        for name, values in (*draws.items(), *([("total", sum(draws.values()))] if len(draws) > 1 else [])):
            mean, error = waterfall.mean_error(values)
            usual = live.usual.get(f"{of}/{name}" if of else name, "")
            rows.writerow([live.folder.id, live.id, quantity, k, name, mean, error, len(values), usual])

    if "bound" in found:
        add("bound", "", found["bound"], "")
    for k, name in enumerate(live.names):
        if "L" in found:
            add("L", name, {term: t[k] for term, t in found["L"].items()}, "labelled")
        if "classification" in found:
            add("classification", name, {"classification": found["classification"][k]}, "")
    if "U" in found:
        add("U", "", found["U"], "unlabelled")
    for name, values in found.get("unlabelled", {}).items():
        add(name, "", {name: values}, "")
    if live.folder.run.settings.contrastive_epochs and (of := pretraining.recorded(live.folder, found["n_u"])):
        levels = {pretraining.TERM: ("", of.cost), "guessing": (of.guessing, ""), "least": (of.least, "")}
        for name, (mean, usual) in levels.items():
            rows.writerow([live.folder.id, "", pretraining.TERM, "", name, mean, "", "", usual])
    return out.getvalue()
