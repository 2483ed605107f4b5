"""Accuracies that others published, each with its source: what ours stand beside. Numbers only; loads nothing.

published("mnist", "m2", 1000)   # the paper's first, then the others
"""

from dataclasses import dataclass

PAPER = "ojha2018"  # the paper that this project follows; its Table 1 has eleven cells


@dataclass(frozen=True)
class Source:
    """Where numbers were published. `link` is empty where none is known, and pages say so."""

    title: str
    authors: str  # separated by ", "
    year: int
    venue: str
    link: str

    @property
    def short(self) -> str:
        """As one cites it in a table: "Kingma et al. 2014"."""
        names = [name.split()[-1] for name in self.authors.split(", ")]
        who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
        return f"{who} {self.year}"


@dataclass(frozen=True)
class Published:
    """One published test accuracy."""

    dataset: str  # a name in DATASETS, or one that is not here ("svhn")
    method: str  # a name in MODELS if it is the same method, else a name of its own
    title: str  # in sentences and charts
    labels: int
    accuracy: float  # fraction of the test images
    spread: float | None  # as the source gives it, in the same unit
    source: str  # a key of SOURCES
    note: str = ""


SOURCES: dict[str, Source] = {
    PAPER: Source(
        "Semi Supervised Learning with Deep Generative Models", "Ambuj Ojha", 2018, "Review with experiments", ""
    ),
    "kingma2014": Source(
        "Semi-supervised Learning with Deep Generative Models",
        "Diederik P. Kingma, Danilo J. Rezende, Shakir Mohamed, Max Welling",
        2014,
        "NIPS 2014",
        "https://arxiv.org/abs/1406.5298",
    ),
    "maaloe2016": Source(
        "Auxiliary Deep Generative Models",
        "Lars Maaløe, Casper Kaae Sønderby, Søren Kaae Sønderby, Ole Winther",
        2016,
        "ICML 2016",
        "https://arxiv.org/abs/1602.05473",
    ),
    "tarvainen2017": Source(
        "Mean teachers are better role models",
        "Antti Tarvainen, Harri Valpola",
        2017,
        "NIPS 2017",
        "https://arxiv.org/abs/1703.01780",
    ),
    "wei2018": Source(
        "Improving the Improved Training of Wasserstein GANs",
        "Xiang Wei, Boqing Gong, Zixia Liu, Wei Lu, Liqiang Wang",
        2018,
        "ICLR 2018",
        "https://openreview.net/forum?id=SJx9GQb0-",
    ),
    "keras2017": Source("M1 and M2 with convolutions in Keras", "Keras", 2017, "Public code, no paper", ""),
}


def table_1() -> tuple[Published, ...]:
    """Table 1 of the paper: 1000 labels, one figure a cell, seeds and spread not given."""
    titles = {"m1": "M1", "m2": "M2", "adgm": "ADGM", "inception": "Inception"}
    cells = {
        "mnist": {"m1": 0.873, "m2": 0.957, "adgm": 0.993},
        "cifar10": {"m1": 0.347, "m2": 0.452, "adgm": 0.605, "inception": 0.693},
        "cifar100": {"m1": 0.161, "m2": 0.267, "adgm": 0.418, "inception": 0.473},
    }
    return tuple(
        Published(dataset, method, titles[method], 1000, accuracy, None, PAPER, "Table 1")
        for dataset, methods in cells.items()
        for method, accuracy in methods.items()
    )


def wrong(
    dataset: str, method: str, title: str, labels: int, error: float, source: str, note: str = "", sd: float = 0.0
) -> Published:
    """What was published as an error rate and its spread in per cent."""
    spread = round(sd / 100, 6) if sd else None
    return Published(dataset, method, title, labels, round(1 - error / 100, 6), spread, source, note)


TSVM = "A VAE's code as M1's; the SVM is transductive: it sees the unlabelled codes too"
STACKED = "M2 on the codes of M1"

PUBLISHED: tuple[Published, ...] = (
    *table_1(),
    wrong("mnist", "m1+tsvm", "M1+TSVM", 100, 11.82, "kingma2014", TSVM),
    wrong("mnist", "m1+tsvm", "M1+TSVM", 600, 5.72, "kingma2014", TSVM),
    wrong("mnist", "m1+tsvm", "M1+TSVM", 1000, 4.24, "kingma2014", TSVM),
    wrong("mnist", "m1+tsvm", "M1+TSVM", 3000, 3.49, "kingma2014", TSVM),
    wrong("mnist", "m2", "M2", 100, 11.97, "kingma2014", sd=1.71),
    wrong("mnist", "m2", "M2", 1000, 3.60, "kingma2014"),
    wrong("mnist", "m1+m2", "M1+M2", 100, 3.33, "kingma2014", STACKED, sd=0.14),
    wrong("mnist", "m1+m2", "M1+M2", 1000, 2.40, "kingma2014", STACKED),
    wrong("mnist", "adgm", "ADGM", 100, 0.96, "maaloe2016"),
    wrong("mnist", "sdgm", "SDGM", 100, 1.32, "maaloe2016", "Skip connections: p(x|a,y,z)"),
    wrong("svhn", "adgm", "ADGM", 1000, 22.86, "maaloe2016"),
    wrong("svhn", "sdgm", "SDGM", 1000, 16.61, "maaloe2016", "Skip connections: p(x|a,y,z)"),
    wrong("cifar10", "mean-teacher", "Mean Teacher", 1000, 21.55, "tarvainen2017", "Consistency, no generative model",
          sd=1.48),
    wrong("cifar10", "ct-gan", "CT-GAN", 4000, 9.98, "wei2018", "A discriminator as classifier", sd=0.21),
    Published("mnist", "m1", "M1", 1000, 0.906, None, "keras2017", "Convolutions"),
    Published("mnist", "m2", "M2", 1000, 0.975, None, "keras2017", "Convolutions"),
    Published("cifar10", "m1", "M1", 1000, 0.321, None, "keras2017", "Convolutions"),
    Published("cifar10", "m2", "M2", 1000, 0.420, None, "keras2017", "Convolutions"),
    Published("cifar10", "inception", "Inception", 1000, 0.661, None, "keras2017", "Pretrained, frozen"),
)  # fmt: skip


def published(dataset: str, method: str | None = None, labels: int | None = None) -> tuple[Published, ...]:
    """What was published on a data set, the paper's own figures first; of one method or number of labels if given."""
    found = (p for p in PUBLISHED if p.dataset == dataset and method in (None, p.method) and labels in (None, p.labels))
    return tuple(sorted(found, key=lambda p: p.source != PAPER))
