"""A Run: everything that defines one training run, frozen, checked, with a name."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from data import DATASETS
from data.split import MAX_VALIDATION
from models import BASELINE, MODELS, backbones, is_preset, limits, standing_on
from models.errors import RunError
from models.methods.presets import OF_IMAGES, PRESETS
from models.nn import pretrained_weights
from models.nn.settings import FIELDS, Settings, written
from models.nn.settings import from_dict as settings_from_dict
from models.runs import parts
from models.runs.annotations import Label, Parent, trouble

DEVICES = ("auto", "cpu", "cuda", "mps")
ID = re.compile(r"[a-z0-9][a-z0-9-]{2,79}")
NO_ID = re.compile(r"[^a-z0-9]+")  # what of a method's name cannot stand in one
LONGEST_MODEL = 40  # characters of that name
LONGEST_NAME = 72  # of a run: an id is that and a few characters more


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
    threads: int = 0  # CPU threads; 0: what the machine or the queue gives, or one while one is faster
    validation: int = 0  # if above 0, evaluate on so many held-out training images instead of the test set
    given: tuple[Label, ...] = ()  # more labels, which somebody gave
    parent: Parent | None = None  # the run whose weights this one begins from
    custom: tuple[str, ...] = ()  # the settings that somebody chose in place of the preset's

    def __post_init__(self) -> None:
        one_of("model", self.model, MODELS)
        one_of("data set", self.dataset, DATASETS)
        preset_of(self.model, self.preset)
        one_of("device", self.device, DEVICES)
        whole("labels", self.labels, at_least=1)
        whole("seed", self.seed, at_least=0)
        whole("epochs", self.epochs, at_least=1, at_most=limits.MOST_EPOCHS)
        whole("threads", self.threads, at_least=0, at_most=limits.MOST_THREADS)
        whole(f"validation {DATASETS[self.dataset].noun()}", self.validation, at_least=0, at_most=MAX_VALIDATION)
        if why := limits.trouble(self.settings):
            raise RunError(why)
        spec = DATASETS[self.dataset]
        if spec.fixed and self.labels != spec.fixed:
            raise RunError(f"{spec.title} have {spec.fixed} labels, not {self.labels}. Choose as many.")
        if not spec.fixed and self.labels % spec.n_classes:
            near = max(1, round(self.labels / spec.n_classes)) * spec.n_classes
            raise RunError(
                f"{self.labels} labels cannot be shared equally by the {spec.n_classes} classes of {spec.title}. "
                f"Choose a multiple of {spec.n_classes}, such as {near}."
            )
        if self.labels + len(self.given) >= spec.n_train:
            raise RunError(
                f"{self.budget()} are too many: {spec.title} has {spec.n_train} training {spec.noun()}, "
                "and some must stay unlabelled."
            )
        card = MODELS[self.model]
        if spec.kind not in card.kinds:
            able = ", ".join(name for name, other in MODELS.items() if spec.kind in other.kinds)
            raise RunError(f"{card.title} cannot learn from {spec.kind} such as {spec.title}. Choose one of: {able}.")
        if spec.points and (why := trouble_of_points(self.settings)):
            raise RunError(why)
        if why := self.trouble_of_pretraining():
            raise RunError(why)
        if card.most_labels and self.labels + len(self.given) > card.most_labels:
            raise RunError(
                f"{self.budget()} are too many for {card.why_most_labels}. Choose at most {card.most_labels}."
            )
        if unread := [name for name in self.custom if name not in card.reads]:
            raise RunError(
                f"{card.title} does not use the setting {limits.shown(unread[0])}. Choose among: "
                f"{', '.join(name for name in FIELDS if name in card.reads)}."
            )
        if why := trouble(self.given, spec):
            raise RunError(why)
        if self.given and self.parent is None:
            raise RunError("Labels are given to a run that goes on from another one; this one names none.")
        if self.parent is not None and not (is_id(self.parent.id) and limits.WHOLE.holds(self.parent.epoch)):
            raise RunError(f"{limits.shown(self.parent.id)} is no run to go on from.")

    def trouble_of_pretraining(self) -> str:
        """A sentence if this run cannot begin with the contrastive pretraining that it asks for; "" if it can."""
        asked = self.settings.contrastive_epochs
        if asked and self.settings.net == "dense":
            return (
                "Contrastive pretraining teaches convolutions, and net=dense has none. Leave contrastive_epochs at 0, "
                "or choose net=tuned or net=conv."
            )
        if asked >= self.epochs:
            return (
                f"With contrastive_epochs={asked:,}, a run of {self.epochs:,} epochs has none left for J. "
                f"Choose at most {self.epochs - 1:,}, or more epochs."
            )
        return ""

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
        custom: Mapping[str, Any] | None = None,
    ) -> "Run":
        """A Run with the defaults filled in. Raises RunError, one sentence.

        `custom`: settings in place of the preset's. One that is the preset's own changes nothing. Epochs of contrastive
        pretraining come before the preset's, unless `epochs` says how many there are in all.
        """
        one_of("data set", dataset, DATASETS)
        one_of("model", model, MODELS)
        preset_of(model, preset)
        usual = MODELS[model].settings(DATASETS[dataset], preset)
        if unknown := [name for name in custom or {} if name not in FIELDS]:
            raise RunError(f"There is no setting {limits.shown(unknown[0])}. Choose one of: {', '.join(FIELDS)}.")
        changes = {name: v for name, v in (custom or {}).items() if v != getattr(usual, name)}
        usual_epochs = MODELS[model].epochs(DATASETS[dataset], preset)
        return cls(
            dataset=dataset,
            model=model,
            labels=DATASETS[dataset].default_labels if labels is None else labels,
            seed=seed,
            epochs=usual_epochs + changes.get("contrastive_epochs", 0) if epochs is None else epochs,
            preset=preset,
            settings=replace(usual, **changes),
            device=device,
            threads=threads,
            validation=validation,
            custom=tuple(name for name in FIELDS if name in changes),
        )

    def __str__(self) -> str:
        more = f"plus{len(self.given)}" if self.parent else ""
        model = NO_ID.sub("-", self.model)[:LONGEST_MODEL]
        name = f"{model}-{self.dataset}-{self.labels}{more}-s{self.seed}"
        if not self.custom:
            return name
        without = "".join(f"-no-{part.name}" for part in self.without or ())
        digest = hashlib.sha256(self.changes.encode()).hexdigest()[:4]
        return f"{name}{without}" if without and len(name + without) <= LONGEST_NAME else f"{name}-{digest}"

    @property
    def without(self) -> tuple[parts.Part, ...] | None:
        """The parts of its method that were taken off; None if other settings were changed, too."""
        card = MODELS[self.model]
        usual = card.settings(DATASETS[self.dataset], self.preset)
        return parts.taken_off(self.custom, card, self.settings, usual)

    @property
    def changes(self) -> str:
        """The settings that somebody chose, as the shell takes them: "n_z=2 lr=0.01"; "" if there are none."""
        return " ".join(f"{name}={written(getattr(self.settings, name))}" for name in self.custom)

    def with_custom(self, more: Mapping[str, Any]) -> "Run":
        """The same run with more custom settings. Raises RunError for one that its method does not use."""
        custom = {name: getattr(self.settings, name) for name in self.custom} | dict(more)
        made = Run.make(self.dataset, self.model, self.labels, epochs=self.epochs, preset=self.preset, custom=custom)
        return replace(self, settings=made.settings, custom=made.custom)

    def command(self) -> str:
        """The line of the shell that trains the same run; "" where no line does.

        One that goes on from another run needs that run, and of a preset that has changed since the old settings are
        in no line.
        """
        if self.parent or self.with_custom({}) != self:
            return ""
        card = MODELS[self.model]
        model = self.model if self.model in list(MODELS) else f"{card.method} --on {card.backbone}"
        words = [f"--dataset {self.dataset} --model {model} --labels {self.labels} --seed {self.seed}"]
        words += [f"--epochs {self.epochs} --preset {self.preset}", *(f"--set {c}" for c in self.changes.split())]
        words += [f"--device {self.device}"] if self.device != "auto" else []
        words += [f"--threads {self.threads}"] if self.threads else []
        words += [f"--validation {self.validation}"] if self.validation else []
        return f"python -m models train {' '.join(words)}"

    @property
    def setup(self) -> str:
        """Which settings it has, in words: "paper preset, n_z=2"; "" for those of the tuned preset."""
        preset = [f"{self.preset} preset"] if self.preset != PRESETS[0] else []
        return ", ".join([*preset, *self.changes.split()])

    @property
    def explained(self) -> str:
        """What its bound is on log p of, written out: "x", or "x, h" where patch features are explained beside x."""
        return MODELS[self.model].explained(self.settings)

    def budget(self, form: str = "") -> str:
        """How many labels it has, in words: "100 labels", or "100 + 12 given labels". `form` formats the numbers."""
        more = f" + {len(self.given):{form}} given" if self.given else ""
        return f"{self.labels:{form}}{more} labels"

    def to_dict(self) -> dict:
        """What `from_dict` reads. Of given labels, a parent and custom settings it says nothing if there are none."""
        d = asdict(self)
        return {k: v for k, v in d.items() if v or k not in ("given", "parent", "custom")}

    @classmethod
    def from_dict(cls, d: dict) -> "Run":
        """The Run that `to_dict` wrote. Raises RunError if a field is missing or unknown."""
        try:
            settings = settings_from_dict(d["settings"])
            given = tuple(Label(**g) for g in d.get("given", ()))
            parent = Parent(**d["parent"]) if d.get("parent") else None
            custom = tuple(name for name in FIELDS if name in tuple(d.get("custom", ())))
            named: dict[str, Any] = {**d, "settings": settings, "given": given, "parent": parent, "custom": custom}
            return cls(**named)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as e:
            if isinstance(e, RunError):
                raise
            known = ", ".join(f.name for f in fields(cls))
            raise RunError(f"This is not a run of this version ({e}); a run has the fields {known}.") from e


def on_backbone(model: str, backbone: str) -> str:
    """The name of a method on a backbone; its own for "". Raises RunError."""
    if not backbone:
        return model
    one_of("model", model, MODELS)
    for name in pretrained_weights.parts(backbone):
        if not pretrained_weights.is_network(name):
            one_of("backbone", name, [*backbones(), "timm:NAME"])
    if not pretrained_weights.is_backbone(backbone):
        raise RunError(f"{backbone} names a network twice. Join different ones.")
    name = standing_on(model, backbone)
    if name not in MODELS:
        able = ", ".join(other for other in MODELS if standing_on(other, backbone) in MODELS)
        raise RunError(f"{MODELS[model].title} cannot stand on the features of a network. Choose one of: {able}.")
    return name


def trouble_of_points(s: Settings) -> str:
    """A sentence on a setting that is for images alone; "" if there is none."""
    for name, usual in OF_IMAGES.items():
        if getattr(s, name) != usual:
            return (
                f"The setting {name} cannot be {written(getattr(s, name))} on points in the plane: it is for images. "
                f"Leave it at {written(usual)}."
            )
    return ""


def one_of(what: str, value: object, known: Collection[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise RunError(f"There is no {what} {limits.shown(value)}. Choose one of: {', '.join(known)}.")


def preset_of(model: str, preset: object) -> None:
    """Raise RunError unless the method has such a preset; `as-adgm` is one of labels only alone."""
    if not is_preset(model, preset):
        if isinstance(preset, str) and is_preset(BASELINE, preset):
            raise RunError(f"The preset {preset} is for labels only, not for {MODELS[model].title}.")
        one_of("preset", preset, PRESETS)


def whole(what: str, value: object, at_least: int, at_most: int = limits.MOST) -> None:
    if why := limits.trouble_of_number(what, value, at_least, at_most):
        raise RunError(why)


def new_id(run: Run) -> str:
    """A new name for a run's folder and links: what it is, and four characters that tell it from its twins."""
    return f"{run}-{''.join(secrets.choice('abcdefghjkmnpqrstuvwxyz23456789') for _ in range(4))}"


def is_id(text: object) -> bool:
    """Whether `text` may be used as a run's folder name. What comes from a URL must pass here first."""
    return isinstance(text, str) and ID.fullmatch(text) is not None


def is_todays(run: Run) -> bool:
    """Whether `run` is what its preset means today, evaluated on the test set, on whatever device."""
    try:
        today = Run.make(run.dataset, run.model, run.labels, run.seed, preset=run.preset)
    except RunError:
        return False
    if run.parent is not None:
        return False
    return (run.epochs, run.settings, run.validation) == (today.epochs, today.settings, 0)
