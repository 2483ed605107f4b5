"""A run as one file: a zip of JSON, safetensors and PNG that another machine can import. Loads no torch.

Nothing in such a file can execute, and nothing in it is believed: names must be those of a run folder, sizes are
bounded before anything is unpacked, every file is held against its SHA-256 in `manifest.json`, and the run, its state,
each tensor file's header and each picture must be readable. A run appears among the others whole or not at all.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from models.nn.settings import Settings
from models.run import is_id, new_id
from models.store import FINAL, Folder, StoreError, sentence, write_json
from models.store import root as default_root

FORMAT, VERSION = "few-labels run", 1
MANIFEST = "manifest.json"
MEMBER = re.compile(r"(?:[a-z][a-z0-9_-]{0,30}/)?[a-z0-9][a-z0-9_.-]{0,80}\.(?:json|jsonl|safetensors|png)")
NEEDED = ("run.json", "status.json")
CHECKPOINT = "checkpoint.safetensors"  # what it takes to train on; the largest file of most runs
PACKED = (".json", ".jsonl")  # what a zip makes smaller; tensors and pictures it does not
MOST_FILES = 20_000
MOST_BYTES = 4 << 30  # of a whole run, unpacked
MOST_MANIFEST = 8 << 20
MOST_PIXELS = 64_000_000  # of a picture
MOST_UNITS, MOST_LAYERS = 4096, 8  # of a network: what run.json asks for is built when somebody looks into the run
CHUNK = 1 << 20


def members(folder: Folder, checkpoint: bool = True) -> list[str]:
    """The files of a run that go into its archive, sorted: not the lock, nor the log, which names folders here."""
    found = []
    for path in folder.path.rglob("*"):
        name = path.relative_to(folder.path).as_posix()
        if MEMBER.fullmatch(name) and path.is_file() and (checkpoint or name != CHECKPOINT):
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


def export(folder: Folder, to: Path, checkpoint: bool = True) -> Path:
    """Write `folder` as a zip file `to`, whole or not at all; without the checkpoint it cannot be trained on.

    Raises StoreError: the run still goes on, `to` exists already, or it cannot be written.
    """
    if to.exists():
        raise StoreError(f"{to} exists already. Choose another name, or remove it.")
    draft = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with open(draft, "wb") as f:
            write(folder, f, checkpoint)
            f.flush()
            os.fsync(f.fileno())
        os.link(draft, to)  # as a rename, but it does not replace a file that has come into being meanwhile
    except FileExistsError as e:
        raise StoreError(f"{to} exists already. Choose another name, or remove it.") from e
    except OSError as e:
        raise StoreError(sentence(e, to)) from e
    finally:
        draft.unlink(missing_ok=True)
    return to


def write(folder: Folder, out: BinaryIO, checkpoint: bool = True) -> None:
    """Write the archive of `folder` into an open file. Raises StoreError if the run goes on, OSError of the disk's."""
    before = folder.status()
    if before["state"] not in FINAL:
        raise StoreError(f"{folder.id} is {before['state']}. Stop it or wait until it has ended, then take it away.")
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
        while part := f.read(CHUNK):
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


def bring(archive: Path | BinaryIO, root: Path | None = None, name: str = "") -> Folder:
    """Import a run into `root` (the runs folder unless given) and return its folder; one that is here already as it is.

    It keeps its id, unless another run has it. `name` is how an open file is called in sentences.
    Raises StoreError, one sentence: no such archive, damaged, of another version, too large, or no room.
    """
    root = default_root() if root is None else Path(root)
    name = name or getattr(archive, "name", None) or str(archive)
    with opened(archive, name) as z:
        manifest = check(z, name)
        try:
            root.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
        except OSError as e:
            raise StoreError(sentence(e, root)) from e
        try:
            unpack(z, manifest, draft, name)
            inspect(draft, name)
            return settle(draft, manifest["id"], root)
        except OSError as e:
            raise StoreError(sentence(e, root)) from e
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def opened(archive: Path | BinaryIO, name: str) -> Iterator[zipfile.ZipFile]:
    """The archive open for reading; whatever a damaged one raises while it is read becomes a sentence."""
    try:
        with zipfile.ZipFile(archive) as z:
            yield z
    except FileNotFoundError as e:
        raise StoreError(f"There is no file {name}.") from e
    # The fourth is what zipfile raises for a way of packing that it does not know.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, ValueError) as e:
        if isinstance(e, StoreError):
            raise
        raise StoreError(f"{name} is no run that was taken away from here, or it is damaged ({e}).") from e
    except OSError as e:
        raise StoreError(f"{name} cannot be read ({e.strerror or e}).") from e


def check(z: zipfile.ZipFile, name: str) -> dict:
    """The manifest, when the archive's list of files is that of a run. Nothing has been unpacked yet."""
    entries = {info.filename: info for info in z.infolist()}
    if len(entries) != len(z.infolist()) or len(entries) > MOST_FILES:
        raise StoreError(f"{name} lists {len(z.infolist()):,} files, some twice or too many for a run.")
    if MANIFEST not in entries or entries[MANIFEST].file_size > MOST_MANIFEST:
        raise StoreError(f"{name} has no {MANIFEST}, so it is no run that was taken away from here.")
    manifest = json.loads(z.read(MANIFEST))
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(listed, dict) or manifest.get("format") != FORMAT:
        raise StoreError(f"The {MANIFEST} of {name} is not that of a run.")
    if manifest.get("version") != VERSION:
        raise StoreError(f"{name} is of format {manifest.get('version')!r}; this explorer reads format {VERSION}.")
    if not is_id(manifest.get("id")):
        raise StoreError(f"The {MANIFEST} of {name} does not say which run it is.")
    strange = next((n for n in listed if not isinstance(n, str) or n == MANIFEST or not MEMBER.fullmatch(n)), None)
    if strange is not None:
        raise StoreError(f"{name} holds {strange[:80]!r}, which is no file of a run.")
    if {*listed, MANIFEST} != set(entries):
        raise StoreError(f"{name} does not hold the files that its {MANIFEST} names.")
    for needed in NEEDED:
        if needed not in listed:
            raise StoreError(f"{name} lacks {needed}.")
    total = sum(info.file_size for info in entries.values())
    if total > MOST_BYTES:
        raise StoreError(f"{name} would unpack to {total / 2**30:.1f} GiB; a run may have {MOST_BYTES / 2**30:.0f}.")
    return manifest


def unpack(z: zipfile.ZipFile, manifest: dict, to: Path, name: str) -> None:
    """Write the files into `to`, each no longer than announced and with the hash that the manifest names."""
    for member, said in manifest["files"].items():
        path, digest, left = to / member, hashlib.sha256(), z.getinfo(member).file_size
        path.parent.mkdir(exist_ok=True)
        with z.open(member) as f, open(path, "xb") as out:
            while part := f.read(CHUNK):
                left -= len(part)
                if left < 0:
                    raise StoreError(f"{member} in {name} is longer than announced.")
                digest.update(part)
                out.write(part)
        if not isinstance(said, dict) or digest.hexdigest() != said.get("sha256"):
            raise StoreError(f"{member} in {name} is damaged: it is not what was put in.")


def inspect(draft: Path, name: str) -> None:
    """Read what was unpacked as a page would. Raises StoreError."""
    from PIL import Image
    from safetensors import SafetensorError, safe_open

    folder = Folder(draft)
    try:
        _ = folder.run
    except StoreError as e:
        raise StoreError(f"The run in {name} cannot be opened here: {str(e).partition(': ')[2] or e}") from e
    if wrong := immodest(folder.run.settings):
        raise StoreError(f"The run in {name} cannot be opened here: its setting {wrong} is none that a run can have.")
    if folder.written_status()["state"] not in FINAL:
        raise StoreError(f"The run in {name} had not ended when it was taken away.")
    for path in draft.rglob("*"):
        where = path.relative_to(draft).as_posix()
        try:
            if path.suffix == ".safetensors":
                with safe_open(path, "np") as f:
                    f.keys()
            elif path.suffix == ".png":
                with Image.open(path, formats=["PNG"]) as picture:
                    if picture.width * picture.height > MOST_PIXELS:
                        raise ValueError(f"{picture.width} x {picture.height} pixels")
                    picture.verify()
        except (SafetensorError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
            raise StoreError(f"{where} in {name} cannot be read ({e}).") from e


def immodest(s: Settings) -> str:
    """The first setting, "name = value", that is of another kind or far larger than any network here; "" if none is."""
    for field in fields(s):
        value, usual = getattr(s, field.name), field.default
        layers = value if isinstance(usual, tuple) else ()
        kinds = (int, float) if isinstance(usual, float) else (type(usual),)
        fine = type(value) in kinds and len(layers) <= MOST_LAYERS and all(type(n) is int for n in layers)
        sizes = layers or ([value] if field.name in ("n_z", "n_a", "width") and fine else [])
        if not fine or not all(0 < n <= MOST_UNITS for n in sizes):
            return f"{field.name} = {value!r}"[:120]
    return ""


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
    """Whether two folders hold one run at one point: the same settings and records."""

    def told(folder: Folder) -> list[bytes | None]:
        return [p.read_bytes() if (p := folder.path / n).is_file() else None for n in ("run.json", "metrics.jsonl")]

    return told(a) == told(b)
