"""What a session in the plane is about. No torch."""

from dataclasses import dataclass
from typing import Any

import data
from models import MODELS
from models.errors import RunError
from models.runs.run import Run

SETTINGS = ("beta", "n_z", "consistency", "threshold", "encoder_sees_y", "lr")  # what one may change on the page


@dataclass(frozen=True)
class SetUp:
    """What a session is about: everything that its runs are made of."""

    dataset: str
    models: tuple[str, ...]
    labels: int
    seed: int = 0
    custom: tuple[tuple[str, Any], ...] = ()  # settings in place of the preset's, as far as a method reads them

    def run(self, model: str) -> Run:
        """The Run of one of its methods. Raises RunError or DataError, one sentence."""
        custom = {name: value for name, value in self.custom if name in MODELS[model].reads}
        return Run.make(self.dataset, model, self.labels, self.seed, device="cpu", threads=1, custom=custom)

    def check(self) -> None:
        """Raises RunError unless this is a data set of points and every method can learn from it."""
        if self.dataset not in data.DATASETS or not data.DATASETS[self.dataset].points:
            sets = ", ".join(data.POINT_SETS)
            raise RunError(f"{self.dataset!r} is no data set of points in the plane. Choose one of: {sets}.")
        for model in self.models:
            self.run(model)

    @classmethod
    def from_dict(cls, d: dict) -> "SetUp":
        """What `dataclasses.asdict` made, also after it was JSON. Raises KeyError or TypeError if it is not that."""
        custom = tuple((str(name), tuple(v) if isinstance(v, list) else v) for name, v in d["custom"])
        return cls(str(d["dataset"]), tuple(map(str, d["models"])), int(d["labels"]), int(d["seed"]), custom)
