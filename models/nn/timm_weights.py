"""Networks of timm (PyTorch Image Models) as backbones: "timm:resnet18.a1_in1k". Loads neither torch nor timm.

timm is an extra that nobody needs for the rest: `pip install timm`. Its weights lie where it looks for them itself, in
Hugging Face's cache (HF_HOME, ~/.cache/huggingface), each network's in the repository timm/NAME.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from data.images import DataError, Progress

PREFIX = "timm:"  # of the name of a backbone
NAME = re.compile(PREFIX + r"[a-z0-9][a-z0-9_.]*")
FILE = "model.safetensors"


def installed() -> bool:
    """Whether there is timm here."""
    return find_spec("timm") is not None


def is_name(name: str) -> bool:
    """Whether a backbone's name is that of a network of timm; it may be one that timm does not know."""
    return NAME.fullmatch(name) is not None


def called(name: str) -> str:
    """What timm calls it."""
    return name.removeprefix(PREFIX)


@dataclass(frozen=True)
class OfTimm:
    """The weights of one of its networks, which answers as `Published` of models/nn/pretrained_weights.py does."""

    name: str
    images_per_second: float = 100.0  # nobody knows before it was tried
    sha: str = ""

    @property
    def title(self) -> str:
        return f"timm's {called(self.name)}"

    def find(self) -> Path | None:
        """The file; None if it, or timm, is not on this machine."""
        if not installed():
            return None
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(f"timm/{called(self.name)}", FILE)
        return Path(found) if isinstance(found, str) else None

    def missing(self) -> tuple[str, str]:
        """A sentence on what lacks, and the shell command that mends it."""
        if not installed():
            return f"{called(self.name)} is a network of timm, which is not installed. Install it:", "pip install timm"
        how = f"The weights of {self.title} are not on this machine. Download them in a shell:"
        return how, f"python -m models fetch {self.name}"

    def why_not(self) -> str:
        """The same in one sentence."""
        return " ".join(self.missing()) + "."

    def fetch(self, progress: Progress) -> None:
        """Have them in the cache. Raises DataError: timm is not installed, no network, no such network."""
        if not installed():
            raise DataError(self.why_not())
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

        progress(0.0, f"Downloading the weights of {self.title}")
        try:
            hf_hub_download(f"timm/{called(self.name)}", FILE)
        except RepositoryNotFoundError as e:
            raise DataError(
                f"timm has no weights named {called(self.name)}. Write the name as timm.list_pretrained() does, "
                "such as timm:resnet18.a1_in1k."
            ) from e
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as e:
            why = str(e).strip().partition("\n")[0]
            raise DataError(f"The weights of {self.title} could not be downloaded: {why}") from e
        progress(1.0, f"{self.title} is ready.")
