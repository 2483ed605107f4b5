"""In what formats the codes of a run are taken away: one list, which Share and export and the shell's `export` read."""

from collections.abc import Callable
from dataclasses import dataclass

from models import MODELS
from models.analysis import codes_table, projector
from models.errors import LatentError
from models.runs.run import one_of
from models.runs.store import Folder


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    wanted: str  # how one asks for it: "as Parquet"
    ending: str  # of its name, after run and space
    mime: str
    about: str  # what is in it, and what opens it
    make: Callable[[Folder, str], bytes]  # of a run and a space; raises a UserError

    def file_name(self, folder: Folder, space: str) -> str:
        return f"{folder.id}-{space}{self.ending}"


FORMATS: dict[str, Format] = {
    "parquet": Format(
        "as Parquet",
        ".parquet",
        "application/vnd.apache.parquet",
        "A row each: id, place in the map, code, true and predicted class, entropy, and the image or point. "
        "embedding-atlas and Hugging Face datasets open it.",
        codes_table.parquet,
    ),
    "projector": Format(
        "for the Embedding Projector",
        "-projector.zip",
        "application/zip",
        "tensors.tsv and metadata.tsv, which projector.tensorflow.org opens by its Load button; sprite.png and "
        "projector_config.json, with which a Projector that serves all four also shows the images.",
        projector.projector,
    ),
}


def spaces(folder: Folder) -> tuple[str, ...]:
    """The spaces of which a run has kept codes, as its method has them; none without a snapshot."""
    return tuple(MODELS[folder.run.model].of(folder.run.settings).spaces) if folder.snapshots() else ()


def space_of(folder: Folder, asked: str | None) -> str:
    """The space that is asked for, or the first. Raises LatentError without codes, RunError for a space it has not."""
    if not spaces(folder):
        raise LatentError(f"The run {folder.id} has kept no codes. Train it for an epoch first.")
    space = asked or spaces(folder)[0]
    one_of("space", space, spaces(folder))
    return space
