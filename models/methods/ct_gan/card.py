"""What may be known of CT-GAN without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Graph, Pictures
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    return presets.consistent(spec, preset, 1.0, ramp_up=0.0, dropout=0.1 if preset == "paper" else 0.5)


CARDS = (
    Card(
        name="ct-gan",
        title="CT-GAN",
        path="models.methods.ct_gan.model:CTGAN",
        summary="A classifier that also tells images from generated ones, and says the same of an image twice.",
        family="A generator makes images of noise z. The classifier learns the labels, to tell images from generated "
        "ones, and to say the same of an image under another dropout; the generator learns to make images like them.",
        factorisation=("p(x,z) = p(x|z)\\,p(z)", "q(y|x)"),
        graphs=(
            Graph("Generator G", "z gives x", {"z": (118, 52), "x": (118, 138)}, (("z", "x"),), "θ", ("x",)),
            Graph("Classifier q", "x gives y", {"x": (118, 138), "y": (188, 138)}, (("x", "y"),), "φ", ("y",)),
        ),
        notation=(
            n.X,
            n.Y,
            ("z", "noise, of which an image is made", "z"),
            n.PRIOR_Z,
            ("G(z)", "the generator’s image: p(x|z) is all at that place", "generator"),
            ("q(y|x)", "the classifier: a softmax of its logits l", "q_y"),
            ("h(x)", "its last hidden layer, |h| values", "body, compared"),
            ("D(x)", "how likely x is an image, not generated: Z / (1 + Z), Z being the sum of all exp l", "real"),
            ("x', x''", "an image augmented at random, each time under another dropout", "augment, dropout"),
            ("d(x)", "how far the classifier is from itself: squared distances, no nats", "apart"),
            ("w", "the weight of consistency, in units of α", "consistency"),
            n.J,
            n.ALPHA,
        ),
        terms=n.CLASSIFICATION
        | {
            "real": "−log D(x), unlabelled",
            "generated": "−log(1 − D(G(z))), generated",
        }
        | n.ONE_CONSISTENCY
        | {"matching": "the generator’s distance from features of images"},
        pieces={
            "2J": (
                (r"-\alpha\log q(y|x')", "classification"),
                (r"\tfrac12(-\log D(x'))", "real"),
                (r"w\,d(x)", "consistency"),
                (r"\tfrac12[-\log(1-D(G(z)))]", "generated"),
                (r"\big\|\, E_{x_u} h(x_u) - E_z h(G(z)) \,\big\|^2", "matching"),
            ),
        },
        own_equations={
            "real": "Taking images for images",
            "generated": "Telling generated images from them",
            "apart": "Saying the same twice",
            "matching": "What the generator learns",
        },
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | {"n_z", "consistency"},
        spaces={"h": n.HIDDEN},
        sampler=Pictures(
            picture="G(z)",
            class_grid="CT-GAN’s generator knows no class. Of 64 images about each column’s z, a row shows the one "
            "that q(y|x) finds most like its class: a column is a place in z, not one style. A picture is G(z).",
            rows="a class each (of 64 images about one z, the one most like it to q(y|x))",
            sees_class=False,
        ),
        classifier_is="a classifier",
        paper="Wei et al. 2018",
        source="Wei et al., Improving the improved training of Wasserstein GANs, 2018",
        in_nats=False,
        # Estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"digits": 1.8, "mnist": 80.0, "cifar10": 120.0},
    ),
)  # fmt: skip
