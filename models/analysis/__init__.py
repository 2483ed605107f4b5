"""Every kind of background analysis of a run, in one list, which loads no torch.

The queue, the engine, the supervisor, its worker process and the pages read it and nothing else, so that no kind can be
known to one of them and unknown to another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from models import MODELS, environment

# Every latent variable that some method has: z, a, and h of those without a generative model.
LATENTS = tuple(dict.fromkeys(name for method in MODELS.values() for name in method.latents))
# Those that have a prior: z, and what lies between x and it.
USED = tuple(
    dict.fromkeys(name for method in MODELS.values() if method.generative for name in ("z", method.inner) if name)
)
FULL_DATASET = "every"  # stands where the queue keeps the latent variable, for an analysis of all images in all of them


@dataclass(frozen=True)
class Analysis:
    """One kind: what it is called, what makes it, and what it is made of."""

    name: str  # in the queue, and in file names below maps/
    title: str  # in sentences on pages
    make: str  # "module:function" of (run folder, latent variable, epoch), or (run folder, epoch) of a whole data set
    latents: tuple[str, ...] = LATENTS  # the latent variables it can be made of; of a whole data set FULL_DATASET alone
    at_end: bool = False  # made of the last epoch of every finished run, before anybody asks
    patience: float = 600.0  # seconds after which its process is taken for hung
    slow: bool = False  # takes minutes: it waits until all that takes seconds is made

    @property
    def of_dataset(self) -> bool:
        """Whether it is made of the whole data set, not of one latent variable of a snapshot."""
        return self.latents == (FULL_DATASET,)

    def function(self) -> Callable[..., object]:
        """What makes it; in the tests, `make_NAME` of the module that FEWLABELS_ANALYSES names."""
        stand_ins = environment.analyses_stand_in()
        module, _, function = (f"{stand_ins}:make_{self.name}" if stand_ins else self.make).partition(":")
        return getattr(import_module(module), function)


ANALYSES: dict[str, Analysis] = {
    a.name: a
    for a in (
        Analysis("umap", "UMAP", "models.analysis.projections:make_map", at_end=True),
        Analysis("tsne", "t-SNE", "models.analysis.projections:make_tsne"),
        Analysis("film", "film of UMAPs", "models.analysis.projections:make_film"),
        Analysis("separation", "separation of the classes", "models.analysis.separability:make"),
        Analysis("usage", "use of each dimension", "models.analysis.usage:make", USED),
        Analysis("likelihood", "likelihood", "models.analysis.likelihood:make", ("z",), patience=3600.0, slow=True),
        Analysis("samples", "scoring", "models.analysis.sample_scores:make", ("z",), patience=7200.0, slow=True),
        Analysis(
            "whole",
            "encoding of all images",
            "models.analysis.full_dataset:make",
            (FULL_DATASET,),
            patience=7200.0,
            slow=True,
        ),
    )
}
