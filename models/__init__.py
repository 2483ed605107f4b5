"""The methods. One file a method, one line here; listing them loads no torch."""

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Method:
    """What a page may know of a method without loading it."""

    name: str  # in links, folders and the shell
    title: str  # in sentences and charts
    path: str  # "module:class"
    latents: tuple[str, ...]  # what a snapshot of it holds besides q(y|x)
    draws: bool  # whether it has a p(x|.) to draw from
    summary: str  # one sentence for somebody who has not read the paper
    frozen: bool = False  # whether it stands on a pretrained network, whose features are computed once and kept


MODELS: dict[str, Method] = {
    m.name: m
    for m in (
        Method("m1", "M1", "models.m1:M1", ("z",), True,
               "A VAE learns a code z from all images; an SVM reads the class from z."),
        Method("m2", "M2", "models.m2:M2", ("z",), True,
               "One generative model p(x|y,z): the class y is a latent that is sometimes seen."),
        Method("adgm", "ADGM", "models.adgm:ADGM", ("z", "a"), True,
               "M2 with an auxiliary variable a, which lets the posterior be other than Gaussian."),
        Method("supervised", "Supervised only", "models.supervised:Supervised", ("h",), False,
               "The same classifier on the labelled images alone: the floor."),
        Method("inception", "Inception v3", "models.inception:Inception", ("h",), False,
               "A network pretrained on ImageNet, frozen; a dense layer on it learns from the labelled images.", True),
        Method("efficientnet", "EfficientNet-Lite0", "models.inception:EfficientNet", ("h",), False,
               "The same on a smaller pretrained network, whose weights need no download.", True),
    )
}  # fmt: skip

# Every term of an objective by its name in metrics.jsonl. All are nats per image, each the mean over its own batch.
TERMS: dict[str, str] = {
    "reconstruction": "−log p(x|z)",
    "kl_z": "KL(q(z|x) ‖ p(z))",
    "filters": "−log p(h|z)",
    "labelled/reconstruction": "−log p(x|y,z), labelled",
    "labelled/prior_y": "−log p(y), labelled",
    "labelled/kl_z": "KL(q(z|·) ‖ p(z)), labelled",
    "labelled/kl_a": "log q(a|x) − log p(a|z,y,x), labelled",
    "unlabelled/reconstruction": "−log p(x|y,z), unlabelled",
    "unlabelled/prior_y": "−log p(y), unlabelled",
    "unlabelled/kl_z": "KL(q(z|·) ‖ p(z)), unlabelled",
    "unlabelled/kl_a": "log q(a|x) − log p(a|z,y,x), unlabelled",
    "unlabelled/entropy": "−H(q(y|·)), unlabelled",
    "classification": "−α log q(y|·), labelled",
    "consistency": "consistency of q(y|·), unlabelled",
    "agreement": "disagreement of q(y|·) on two views, unlabelled",
}


def load_class(name: str) -> type:
    """The class of a method, by its name in `MODELS`. Loads torch."""
    module, _, attribute = MODELS[name].path.partition(":")
    return getattr(import_module(module), attribute)
