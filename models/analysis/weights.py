"""Which weights a run has now. No torch."""

from models import MODELS
from models.errors import StoreError
from models.runs.store import FINAL, Folder


def stamp(folder: Folder) -> tuple[int, ...]:
    """What tells the weights of one epoch from those of the next: belongs into the key of whatever is kept of them."""
    found: list[int] = []
    for name in MODELS[folder.run.model].weights:
        try:
            at = (folder.path / name).stat()
        except OSError as e:
            if folder.status()["state"] in FINAL:
                why = "it ended without weights. Continue it on the Train page, or train it again"
            else:
                why = "its weights come with its first epoch"
            raise StoreError(f"There is nothing to see in {folder.id}: {why}.") from e
        found += [at.st_mtime_ns, at.st_size, at.st_ino]
    return tuple(found)
