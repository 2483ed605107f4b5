"""A Run: everything that defines one training run, frozen, checked, with a name."""

import re
import secrets
from dataclasses import asdict, dataclass, fields

from data import DATASETS
from models import MODELS
from models.presets import PRESETS, Settings, default_epochs, preset_settings

DEVICES = ("auto", "cpu", "cuda", "mps")
MOST_SVM_LABELS = 10_000
ID = re.compile(r"[a-z0-9][a-z0-9-]{2,79}")


class RunError(ValueError):
    """A run that cannot be: one sentence that names the value and says what to do."""


@dataclass(frozen=True)
class Run:
    """One training run. The same Run gives the same numbers on the same machine and thread count."""

    dataset: str
    model: str
    labels: int  # labelled images in all, the same number per class
    seed: int  # draws the split, the initial weights and the batches
    epochs: int  # passes over the unlabelled images
    preset: str  # "paper": the paper's architecture; "tuned": the most accuracy in the time given
    settings: Settings  # what the preset stood for on the day the run was made
    device: str = "auto"  # "auto": CUDA, else Apple's MPS, else the CPU
    threads: int = 0  # CPU threads; 0: what the machine or the queue gives
    validation: int = 0  # if above 0, evaluate on so many held-out training images instead of the test set

    def __post_init__(self) -> None:
        one_of("model", self.model, MODELS)
        one_of("data set", self.dataset, DATASETS)
        one_of("preset", self.preset, PRESETS)
        one_of("device", self.device, DEVICES)
        whole("labels", self.labels, at_least=1)
        whole("seed", self.seed, at_least=0)
        whole("epochs", self.epochs, at_least=1)
        whole("threads", self.threads, at_least=0)
        whole("validation images", self.validation, at_least=0)
        spec = DATASETS[self.dataset]
        if self.labels % spec.n_classes:
            near = max(1, round(self.labels / spec.n_classes)) * spec.n_classes
            raise RunError(
                f"{self.labels} labels cannot be shared equally by the {spec.n_classes} classes of {spec.title}. "
                f"Choose a multiple of {spec.n_classes}, such as {near}."
            )
        if self.labels >= spec.n_train:
            raise RunError(
                f"{self.labels} labels are too many: {spec.title} has {spec.n_train} training images, "
                "and some must stay unlabelled."
            )
        if self.model == "m1" and self.labels > MOST_SVM_LABELS:
            raise RunError(
                f"{self.labels} labels are too many for the SVM of M1, whose memory grows with their square. "
                f"Choose at most {MOST_SVM_LABELS}."
            )

    @classmethod
    def make(
        cls,
        dataset: str = "digits",
        model: str = "m2",
        labels: int | None = None,
        seed: int = 0,
        epochs: int | None = None,
        preset: str = "tuned",
        device: str = "auto",
        threads: int = 0,
        validation: int = 0,
    ) -> "Run":
        """A Run with the defaults filled in. Raises RunError, one sentence."""
        one_of("data set", dataset, DATASETS)
        one_of("model", model, MODELS)
        one_of("preset", preset, PRESETS)
        return cls(
            dataset=dataset,
            model=model,
            labels=DATASETS[dataset].default_labels if labels is None else labels,
            seed=seed,
            epochs=default_epochs(model, dataset, preset) if epochs is None else epochs,
            preset=preset,
            settings=preset_settings(model, dataset, preset),
            device=device,
            threads=threads,
            validation=validation,
        )

    def __str__(self) -> str:
        return f"{self.model}-{self.dataset}-{self.labels}-s{self.seed}"

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, d: dict) -> "Run":
        """The Run that `to_dict` wrote. Raises RunError if a field is missing or unknown."""
        try:
            settings = {**d["settings"], "hidden": tuple(d["settings"]["hidden"])}
            return cls(**{**d, "settings": Settings(**settings)})
        except (KeyError, TypeError) as e:
            known = ", ".join(f.name for f in fields(cls))
            raise RunError(f"This is not a run of this version ({e}); a run has the fields {known}.") from e


def one_of(what: str, value: object, known: object) -> None:
    if value not in known:
        raise RunError(f"There is no {what} {value!r}. Choose one of: {', '.join(known)}.")


def whole(what: str, value: object, at_least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise RunError(f"{value!r} is not a possible number of {what}. Choose a whole number of at least {at_least}.")
    if value > 2**31:
        raise RunError(
            f"{value!r} {what} is more than this explorer can take. Choose a number below two thousand million."
        )


def new_id(run: Run) -> str:
    """A new name for a run's folder and links: what it is, and four characters that tell it from its twins."""
    return f"{run}-{''.join(secrets.choice('abcdefghjkmnpqrstuvwxyz23456789') for _ in range(4))}"


def is_id(text: object) -> bool:
    """Whether `text` may be used as a run's folder name. What comes from a URL must pass here first."""
    return isinstance(text, str) and ID.fullmatch(text) is not None
