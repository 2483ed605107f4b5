"""The runs that are compared: which ones, what they are called, and the latest snapshot of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import data
from data import DATASETS
from models import MODELS, in_order
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.shared import latent_map, palette, run_pickers, words

GROUP = "compare"  # of the components on the page that look at the same image


def first_choice(folders: list[Folder]) -> list[Folder]:
    """The newest run of each method, on the data set and with the labels of the newest run that has company there.

    All of one seed, where one has several methods; and none that goes on from another run, unless all do.
    """
    folders = run_pickers.begun_anew(folders)
    alike: dict[tuple[str, str], list[Folder]] = {}
    for f in folders:
        alike.setdefault((f.run.dataset, f.run.budget()), []).append(f)
    group = next((g for g in alike.values() if len(g) > 1), folders[:1])
    newest: dict[str, Folder] = {}
    for f in run_pickers.of_one_seed(group):
        newest.setdefault(f.run.model, f)
    order = [newest[m] for m in in_order(newest)]
    return (order if len(order) > 1 else group)[: words.MOST_COMPARED]


def names(folders: Sequence[Folder]) -> list[str]:
    """A short name for each run: its method, and as much more as it takes to tell it from the others."""
    short = [run_pickers.short_title(f) for f in folders]
    more = (
        lambda f: DATASETS[f.run.dataset].title,
        lambda f: f.run.budget(),
        lambda f: f"seed {f.run.seed}",
        lambda f: f.run.setup or "tuned preset",
        lambda f: f"{f.run.epochs} epochs",
        lambda f: f.id.rsplit("-", 1)[-1],
    )
    for what in more:
        twice = {n for n, k in Counter(short).items() if k > 1}
        for name in twice:
            mine = [i for i, n in enumerate(short) if n == name]
            if len({what(folders[i]) for i in mine}) > 1:
                for i in mine:
                    short[i] = f"{name}, {what(folders[i])}"
    return short


@dataclass(frozen=True)
class Side:
    """One of the runs, and all of it that is shown."""

    folder: Folder
    name: str
    colour: str
    state: str
    snapshot: SnapshotImages | None  # None: there is nothing to see, and `why` says so
    why: str = ""

    @property
    def mapped(self) -> "Side":
        """The same, without a snapshot if it has no codes that a map could be of."""
        if self.snapshot is None or self.snapshot.spaces:
            return self
        return replace(self, snapshot=None, why=MODELS[self.folder.run.model].no_map)


def sides(folders: Sequence[Folder]) -> list[Side]:
    """The runs as they are now."""
    made = []
    colours = palette.run_colours([f.run.model for f in folders])
    for folder, name, colour in zip(folders, names(folders), colours, strict=True):
        snapshot, why = look(folder)
        made.append(Side(folder, name, colour, folder.status()["state"], snapshot, why))
    return made


def look(folder: Folder) -> tuple[SnapshotImages | None, str]:
    """The latest snapshot of a run, or a sentence why there is none."""
    if data.availability(folder.run.dataset) != "ready":
        title = DATASETS[folder.run.dataset].title
        return None, f"The images of {title} are not ready on this machine. Get them on the Data page."
    try:
        snapshot = latent_map.look(folder)
    except UserError as e:
        return None, str(e)
    if snapshot is None:
        going = folder.status()["state"] not in FINAL
        return None, "Its first latents come with its first epoch." if going else "This run has no saved latents."
    return snapshot, ""
