"""A run as one file: a zip of JSON, safetensors and PNG that another machine can import. Loads no torch.

Nothing in such a file can execute, and nothing in it is believed: names must be those of a run folder, sizes are
bounded before anything is unpacked and counted while it is, every file is held against its SHA-256 in `manifest.json`,
and the run, its state, its records, each tensor file's header and each picture must be readable. A run appears among
the others whole or not at all. A zip that Finder or Explorer packed again is the same run.
"""

import errno
import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from models.errors import StoreError
from models.limits import shown
from models.runs import naming, records, unzip
from models.runs.files import sentence, write_json
from models.runs.run import is_id, new_id
from models.runs.store import FINAL, STATES, Folder
from models.runs.store import root as default_root

FORMAT, VERSION = "few-labels run", 1
MANIFEST = "manifest.json"
MEMBER = re.compile(r"(?:[a-z][a-z0-9_-]{0,30}/)?[a-z0-9][a-z0-9_.-]{0,80}\.(?:json|jsonl|safetensors|png)")
NEEDED = ("run.json", "status.json")
CHECKPOINT = "checkpoint.safetensors"  # what it takes to train on; the largest file of most runs
WHERE = "node.json"  # on which node of a cluster it was trained: nobody else's matter
PACKED = (".json", ".jsonl")  # what a zip makes smaller; tensors and pictures it does not

# How large a run may be, as a zip and unpacked: in a browser, in a shell, and in .streamlit/config.toml. The largest
# that a preset makes is M1's on CIFAR with its checkpoint: 36 MiB of weights, seven times over with their averages, the
# optimiser's memory and a parent's weights (249 MiB), the codes of all images (31) and 2 MiB an epoch: 300 MiB after
# its 8 epochs, 700 after 200 (2026-11-28).
MOST_MIB = 1024
MOST_BYTES = MOST_MIB << 20
MOST_FILES = 50_000
# Of one file, by its kind. A run adds at most four records a second, of half a kilobyte: 128 MiB are 20 hours.
MOST_OF = {".json": 8 << 20, ".jsonl": 128 << 20, ".png": 32 << 20, ".safetensors": MOST_BYTES}
MOST_RATIO, RATIO_FROM = 200, 8 << 20  # unpacked over packed, of a file so large; JSON has some 10
MOST_LINES, LONGEST_LINE = 1_000_000, 64 << 10  # of records; a reader looks for the result in the last 64 KiB
MOST_TORN = 1000  # of these, lines that are no records; a process that is killed leaves one
MOST_PIXELS = 16_000_000  # of a picture


def members(folder: Folder, checkpoint: bool = True) -> list[str]:
    """The files of a run that go into its archive, sorted: not the lock, nor what names folders or machines here."""
    found = []
    for path in folder.path.rglob("*"):
        name = path.relative_to(folder.path).as_posix()
        if MEMBER.fullmatch(name) and name != WHERE and path.is_file() and (checkpoint or name != CHECKPOINT):
            found.append(name)
    return sorted(found)


def size(folder: Folder, checkpoint: bool = True) -> int:
    """Bytes of these files, roughly those of the archive."""
    total = 0
    for name in members(folder, checkpoint):
        try:
            total += (folder.path / name).stat().st_size
        except OSError:  # replaced at this moment
            continue
    return total


def export(folder: Folder, to: Path | str, checkpoint: bool = True) -> Path:
    """Write `folder` as a zip file `to`, as `new_file` does; into a folder `to` under the run's name.

    Without the checkpoint it cannot be trained on. Raises StoreError, also if the run still goes on.
    """
    return new_file(to, f"{folder.id}.zip", lambda f: write(folder, f, checkpoint))


def new_file(to: Path | str, name: str, fill: Callable[[BinaryIO], object]) -> Path:
    """A new file `to`, or `name` in a folder `to`, that `fill` writes, whole or not at all; returns its path.

    Raises StoreError if there is such a file already, or it cannot be written, and what `fill` raises.
    """
    into_folder = str(to).endswith(os.sep) or Path(to).is_dir()
    to = Path(to) / name if into_folder else Path(to)
    if not to.parent.is_dir():
        raise StoreError(f"There is no folder {to.parent}. Make it first, or choose another.")
    if to.exists():
        raise StoreError(f"{to} exists already. Choose another name, or remove it.")
    draft = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with open(draft, "wb") as f:
            fill(f)
            f.flush()
            os.fsync(f.fileno())
        with open(to, "xb"):  # takes the name, unless a file has come into being meanwhile; not every disk has links
            pass
        os.replace(draft, to)
    except FileExistsError as e:
        raise StoreError(f"{to} exists already. Choose another name, or remove it.") from e
    except OSError as e:
        if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(f"{to} may not be written. Choose another place for it.") from e
        raise StoreError(sentence(e, to)) from e
    finally:
        draft.unlink(missing_ok=True)
    return to


def write(folder: Folder, out: BinaryIO, checkpoint: bool = True) -> None:
    """Write the archive of `folder` into an open file. Raises StoreError if the run goes on, OSError of the disk's."""
    before = folder.status()
    if before["state"] not in FINAL:
        raise StoreError(f"{folder.id} is {before['state']}. Stop it or wait until it has ended, then take it away.")
    if why := too_large(size(folder, checkpoint)):
        raise StoreError(f"{folder.id} {why} Leave out what it takes to train on (--small).")
    listed = {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as z:
        for name in members(folder, checkpoint):
            listed[name] = add(z, folder.path / name, name)
        manifest = {"format": FORMAT, "version": VERSION, "id": folder.id, "files": listed}
        z.writestr(entry(MANIFEST, time.time()), json.dumps(manifest, indent=1))
    after = folder.status()
    if (after["state"], after["since"]) != (before["state"], before["since"]):
        raise StoreError(f"{folder.id} has been started again meanwhile. Wait until it has ended, then take it away.")


def add(z: zipfile.ZipFile, path: Path, name: str) -> dict:
    """Copy one file into the archive; what the manifest says of it."""
    digest, n = hashlib.sha256(), 0
    with open(path, "rb") as f, z.open(entry(name, path.stat().st_mtime), "w", force_zip64=True) as to:
        while part := f.read(unzip.CHUNK):
            digest.update(part)
            to.write(part)
            n += len(part)
    return {"bytes": n, "sha256": digest.hexdigest()}


def entry(name: str, at: float) -> zipfile.ZipInfo:
    """How the archive lists a file: an ordinary one that its owner may change and everybody read."""
    info = zipfile.ZipInfo(name, time.localtime(max(at, 315_619_200.0))[:6])  # a zip knows no time before 1980
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(PACKED) else zipfile.ZIP_STORED
    return info


@dataclass(frozen=True)
class Listed:
    """What a zip says it holds, once that has been checked."""

    id: str
    files: dict[str, tuple[zipfile.ZipInfo, object]]  # by their names in a run folder; and the SHA-256 said


def bring(
    archive: Path | BinaryIO, root: Path | None = None, name: str = "", example: bool = False, owner: str = ""
) -> Folder:
    """Import a run into `root` (the runs folder unless given) and return its folder; one that is here already as it is.

    It keeps its id, unless another run has it. `name` is how an open file is called in sentences. It belongs to the
    `owner` who brings it, whomever it belonged to elsewhere.
    One that was an example elsewhere is a run like any other here, unless it is brought as an `example`.
    Raises StoreError, one sentence: no such archive, damaged, of another version, too large, or no room.
    """
    root = default_root() if root is None else Path(root)
    name = str(name or getattr(archive, "name", None) or archive)
    name = name if len(name) <= 200 else f"{name[:120]} ... {name[-60:]}"
    with unzip.source(archive, name) as file:
        with unzip.reading(name):
            z, listed = check(file, name)
        try:
            root.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
        except OSError as e:
            raise StoreError(sentence(e, root)) from e
        try:
            with unzip.reading(name):
                unpack(z, listed, draft, name)
            inspect(draft, name)
            own(draft, owner, example)
            return settle(draft, listed.id, root)
        except OSError as e:
            raise StoreError(sentence(e, root)) from e
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def too_large(n: int) -> str:
    """Why so many bytes are too many for a run, packed or not; "" if they are not. Goes on after a name."""
    if n <= MOST_BYTES:
        return ""
    return f"has {n / 2**20:,.0f} MiB; a run may have {MOST_BYTES / 2**20:,.0f}."


def check(file: BinaryIO, name: str) -> tuple[zipfile.ZipFile, Listed]:
    """The archive and what it lists, when that is a run. Nothing has been unpacked yet but the manifest."""
    z = unzip.opened(file)
    found = unzip.files(z, name)
    if len(found) > MOST_FILES:
        raise StoreError(f"{name} lists {len(found):,} files, some twice or too many for a run.")
    found = unzip.inner(found, MANIFEST, name)
    for member, info in found.items():
        if why := immodest(member, info):
            raise StoreError(f"{member[:80]!r} in {name} {why}")
    total = sum(info.file_size for info in found.values())
    if too_large(total):
        most = MOST_BYTES / 2**20
        raise StoreError(f"{name} would unpack to {total / 2**20:,.0f} MiB; a run may have {most:,.0f}.")
    there = unzip.size(file)
    if why := too_large(there):
        raise StoreError(f"{name} {why}")
    if sum(info.compress_size for info in found.values()) > there:
        raise StoreError(f"{name} is damaged: its files lie over one another.")
    manifest = records.parse(b"".join(unzip.parts(z, found.pop(MANIFEST), name)))
    return z, listed(manifest, found, name)


def immodest(member: str, info: zipfile.ZipInfo) -> str:
    """Why a file in an archive cannot be one of a run's, as far as its entry tells; "" if it can."""
    if why := unzip.trouble(info):
        return why
    most = MOST_OF.get(Path(member).suffix, MOST_BYTES)
    if info.file_size > most:
        n, most = info.file_size / 2**20, most / 2**20
        return f"would unpack to {n:,.0f} MiB; such a file of a run has at most {most:,.0f}."
    if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * info.compress_size:
        return f"would unpack to over {MOST_RATIO} times its size, as no file of a run does."
    return ""


def listed(manifest: object, found: dict[str, zipfile.ZipInfo], name: str) -> Listed:
    """What the manifest says of the files that were `found`. Raises StoreError if the two do not fit, or are no run."""
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(manifest, dict) or not isinstance(files, dict) or manifest.get("format") != FORMAT:
        raise StoreError(f"The {MANIFEST} of {name} is not that of a run.")
    if type(manifest.get("version")) is not int or manifest["version"] != VERSION:
        said = shown(manifest.get("version"))
        raise StoreError(f"{name} is of format {said}; this explorer reads format {VERSION}.")
    if not is_id(manifest.get("id")):
        raise StoreError(f"The {MANIFEST} of {name} does not say which run it is.")
    strange = next((n for n in files if n == MANIFEST or not MEMBER.fullmatch(n)), None)
    if strange is not None:
        raise StoreError(f"{name} holds {strange[:80]!r}, which is no file of a run.")
    if set(files) != set(found):
        raise StoreError(f"{name} does not hold the files that its {MANIFEST} names.")
    for needed in NEEDED:
        if needed not in files:
            raise StoreError(f"{name} lacks {needed}.")
    hashes = {n: said.get("sha256") if isinstance(said, dict) else None for n, said in files.items()}
    return Listed(manifest["id"], {n: (found[n], hashes[n]) for n in files})


def unpack(z: zipfile.ZipFile, listed: Listed, to: Path, name: str) -> None:
    """Write the files into `to`, each as long as announced and with the hash that the manifest names."""
    for member, (info, sha256) in listed.files.items():
        path, digest = to / member, hashlib.sha256()
        path.parent.mkdir(exist_ok=True)
        with open(path, "xb") as out:
            for part in unzip.parts(z, info, name):
                digest.update(part)
                out.write(part)
        if digest.hexdigest() != sha256:
            raise StoreError(f"{member} in {name} is damaged: it is not what was put in.")


def inspect(draft: Path, name: str) -> None:
    """Read what was unpacked as a page would. Raises StoreError."""
    for path in sorted(p for p in draft.rglob("*") if p.is_file()):
        where = f"{path.relative_to(draft).as_posix()} in {name}"
        try:
            {".safetensors": tensors, ".png": picture}.get(path.suffix, documents)(path)
            if path.relative_to(draft).as_posix() == naming.FILE:
                naming.read(path)
        except UNREADABLE as e:
            raise StoreError(f"{where} cannot be read, so the run cannot be opened here ({str(e)[:200]}).") from e
    folder = Folder(draft)
    try:
        _ = folder.run
    except StoreError as e:
        raise StoreError(f"The run in {name} cannot be opened here: {str(e).partition(': ')[2] or e}") from e
    status = records.parse((draft / "status.json").read_bytes())
    if not isinstance(status, dict) or status.get("state") not in STATES:
        raise StoreError(f"The status.json in {name} does not say what became of the run.")
    if folder.written_status()["state"] not in FINAL:
        raise StoreError(f"The run in {name} had not ended when it was taken away.")


# What a damaged tensor file or picture may raise: Pillow warns of a large one.
UNREADABLE = (ValueError, OSError, SyntaxError, EOFError, struct.error, zlib.error, Warning, OverflowError, MemoryError)


def documents(path: Path) -> None:
    """Look at a file of JSON, or of records. Readers skip a torn line, so a few are no reason to refuse a run."""
    if path.suffix == ".json":
        records.parse(path.read_bytes())
        return
    lines = torn = 0
    with open(path, "rb") as f:
        while line := f.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise ValueError(f"a line of more than {LONGEST_LINE >> 10} KiB")
            lines += 1
            torn += not fits(line, lines)
            if lines > MOST_LINES:
                raise ValueError(f"more than {MOST_LINES:,} lines")
            if torn > MOST_TORN:
                raise ValueError(f"more than {MOST_TORN:,} lines that are no records")


def fits(line: bytes, n: int) -> bool:
    """Whether line `n` is a record, not a torn one. Raises ValueError if it is one that pages cannot compute with."""
    try:
        record = records.parse(line)
        if not isinstance(record, dict):
            return False
        if not isinstance(record.get("kind"), str):
            raise records.Damaged(f"has the kind {shown(record.get('kind'))}, which no record has")
        records.checked(record)
        return True
    except records.Damaged as e:
        if str(e) == records.NO_JSON:
            return False
        raise ValueError(f"line {n:,} {e}") from e


def tensors(path: Path) -> None:
    """Look at a tensor file: a shape without elements may still ask for any amount of memory."""
    from safetensors import SafetensorError, safe_open

    for key, (_, shape) in records.check_tensors(path, empty=True).items():
        if math.prod(max(1, side) for side in shape) > MOST_BYTES:
            raise ValueError(f"{key[:80]!r} has the shape {shown(shape)}")
    try:
        with safe_open(path, "np"):  # holds the header against all the bytes that follow
            pass
    except SafetensorError as e:
        raise ValueError(str(e)) from e


def picture(path: Path) -> None:
    """Look at a picture, whose size stands in front."""
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels")
            image.verify()
    except Image.DecompressionBombError as e:
        raise ValueError(str(e)) from e


def own(draft: Path, owner: str, example: bool) -> None:
    """Let a run belong to `owner`, and take from it the mark of an example, with which no list would show it."""
    folder = Folder(draft)
    made = {key: value for key, value in folder.made.items() if example or key != "example"}
    write_json(draft / "run.json", {"run": folder.run.to_dict(), "made": {**made, "owner": owner}})


def settle(draft: Path, id: str, root: Path) -> Folder:
    """Give the unpacked run its place, and note where it came from."""
    folder = Folder(draft)
    status = {k: v for k, v in folder.written_status().items() if k != "pid"}
    write_json(draft / "status.json", {**status, "imported": {"id": id, "at": time.time()}})
    draft.chmod(0o755)
    wanted = id
    for _ in range(100):
        there = root / wanted
        if there.exists():
            if same(folder, Folder(there)):
                return Folder(there)
            wanted = new_id(folder.run)
            continue
        try:
            draft.rename(there)
        except OSError as e:
            if e.errno in (errno.EEXIST, errno.ENOTEMPTY):
                continue  # somebody else was quicker
            raise
        return Folder(there)
    raise StoreError(f"No free name was found for {id} in {root}. Delete runs that are not needed.")


def same(a: Folder, b: Folder) -> bool:
    """Whether two folders hold one run at one point: the same settings and records, whoever it belongs to."""

    def told(folder: Folder) -> tuple:
        made = {key: value for key, value in folder.made.items() if key not in ("owner", "example")}
        return folder.run, made, folder.metrics.read_bytes() if folder.metrics.is_file() else None

    try:
        return told(a) == told(b)
    except StoreError:  # the one that is here is damaged
        return False
