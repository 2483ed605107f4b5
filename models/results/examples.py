"""Example runs: finished ones that come with Few Labels, for pages that look inside before anything was trained.

`python -m models record` makes them of the runs that it records with `LABELS` labels, and nothing else does. Each is a
zip as `export` writes it, with the weights in half precision, four snapshots and their maps, and without a checkpoint.
On the first look they are brought into the runs folder, so that all that works with a run works with them; `store.runs`
leaves them out, and so does every table.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from data import DATASETS
from models import CLASS, MODELS
from models.analysis import projections
from models.errors import StoreError
from models.runs import archive
from models.runs.files import replacing, sentence, write_json
from models.runs.store import PROJECT, Folder, open_folder, root

EXAMPLES = PROJECT / "docs" / "examples"
DATASET = "digits"
LABELS = DATASETS[DATASET].few_labels
SHARES = (1 / 27, 1 / 9, 1 / 3, 1)  # of a run's epochs after which a snapshot is kept: most is learned early


def bring(where: Path | None = None) -> list[Folder]:
    """The examples as runs in `where` (the runs folder unless given), put there if they are not: first a model with y.

    Fewer, or none, where the folder cannot be written or an example was damaged: a page then says what it says without.
    """
    found = []
    for path in EXAMPLES.glob("*.zip"):
        with suppress(StoreError):
            found.append(open_folder(where, path.stem) or archive.bring(path, where or root(), example=True))
    order = [CLASS, *MODELS]
    return sorted(found, key=lambda folder: order.index(folder.run.model))


def id_of(model: str) -> str | None:
    """The id of a method's example, for a link: the page that it opens brings it in. None if there is none."""
    return next((path.stem for path in EXAMPLES.glob(f"{model}-{DATASET}-{LABELS}-s*.zip")), None)


def keep(folder: Folder, where: Path | None = None) -> Path:
    """Write a finished run as an example, in place of an older one of the same run, and return its file.

    Lays out the UMAPs of its last snapshot and of the epochs before. Raises LatentError or StoreError.
    """
    to = where or EXAMPLES
    run, last = folder.run, max(e for e, _ in folder.snapshots())
    with tempfile.TemporaryDirectory() as place:
        draft = Path(place) / folder.id
        for name in kept(folder, last):
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder.path / name, draft / name)
        for space in projections.kept(draft, last).spaces:
            projections.make_map(draft, space, last)
            projections.make_film(draft, space, last)
        weights = draft / "model.safetensors"
        save_file({name: half(t) for name, t in load_file(weights).items()}, weights)
        write_json(draft / "run.json", {"run": run.to_dict(), "made": {**folder.made, "example": True}})
        path = to / f"{folder.id}.zip"
        try:
            to.mkdir(parents=True, exist_ok=True)
            with replacing(path) as new, open(new, "wb") as file:
                archive.write(Folder(draft), file)
            for older in to.glob(f"{folder.id.rpartition('-')[0]}-*.zip"):
                if older != path:
                    older.unlink()
        except OSError as e:
            raise StoreError(sentence(e, path)) from e
    return path


def kept(folder: Folder, last: int) -> list[str]:
    """The files of a run that its example has, by their names in its folder."""
    epochs = [e for e, _ in folder.snapshots()]
    shown = sorted({min(epochs, key=lambda e: abs(e - share * last)) for share in SHARES})
    drawn = [f"samples/{path.name}" for epoch, path in folder.samples() if epoch == last]
    files = ("run.json", "status.json", "metrics.jsonl", *MODELS[folder.run.model].weights)
    return [*files, *(f"latents/{epoch:04d}.safetensors" for epoch in shown), *drawn]


def half(t: np.ndarray) -> np.ndarray:
    """Weights in half precision; counts as they are."""
    return t.astype(np.float16) if t.dtype == np.float32 else t
