"""CIFAR-10 and CIFAR-100, from whichever of these lies in a folder of data sets:

- `cifar-10-batches-py`, `cifar-100-python`: the official batches, as torchvision unpacks them;
- `cifar-10-python.tar.gz`, `cifar-100-python.tar.gz`: those batches in the archive as published;
- `cifar10/train/<class>/*`, `cifar10/test/<class>/*`: folders of images (PNG, WebP, ...), one a class;
- `cifar10-images.tar.xz`: those folders in an archive, which is read without being unpacked.

All come out in the same order, so that a seed draws the same images from each.
"""

import gzip
import hashlib
import io
import lzma
import pickle
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import ClassVar, NamedTuple

import numpy as np

from data.images import DataError, Found, Images, Progress, Spec, draw_order

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".bmp"}
PARTS = ("train", "test")
MEND = "Replace it, or remove its folder to download the data set again."

# The official batches and their published md5 sums: only files that have them are unpickled.
BATCHES = {
    "cifar10": {
        "train": {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        "test": {"test_batch": "40351d587109b95175f43aff81a1287e"},
    },
    "cifar100": {
        "train": {"train": "16019d7e3df5f24257cddd939b257f8d"},
        "test": {"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    },
}

TEN = "airplane automobile bird cat deer dog frog horse ship truck"
HUNDRED = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
CLASSES = {"cifar10": tuple(TEN.split()), "cifar100": tuple(HUNDRED.split())}  # the official numbers, 0 first


PACKED = {"cifar10": "cifar-10-python.tar.gz", "cifar100": "cifar-100-python.tar.gz"}  # as published


class Row(NamedTuple):
    """One image, before the set is put in order."""

    label: int
    stem: str  # its file name without the ending
    pixels: np.ndarray  # uint8 (3, 32, 32)


def find(spec: Spec, folder: Path) -> Found | None:
    """Whichever source is whole, else the first of which a part is there."""
    found = []
    batches, images, archive = folder / spec.folder, folder / spec.name, folder / f"{spec.name}-images.tar.xz"
    packed = folder / PACKED[spec.name]
    names = [name for part in PARTS for name in BATCHES[spec.name][part]]
    if folder.name == spec.folder:  # the folder of the batches itself was named
        batches = folder
    if batches.is_dir():
        found.append(Found(batches, listed([name for name in names if not (batches / name).is_file()])))
    if images.is_dir():
        wanted = [f"{part}/{name}" for part in PARTS for name in CLASSES[spec.name]]
        found.append(Found(images, listed([name for name in wanted if not (images / name).is_dir()])))
    if archive.is_file():
        found.append(Found(archive))
    if packed.is_file():
        found.append(Found(packed))
    return min(found, key=lambda f: bool(f.lacks), default=None)


def load(spec: Spec, path: Path, progress: Progress) -> Images:
    """Decode. Raises DataError: damaged files, wrong md5 sums, sizes or counts."""
    read = from_batches if path.name in (spec.folder, PACKED[spec.name]) else from_images
    rows = read(spec, path, progress)
    classes = CLASSES[spec.name]
    arrays = []
    for part, n in zip(PARTS, (spec.n_train, spec.n_test), strict=True):
        counts = np.bincount([row.label for row in rows[part]], minlength=len(classes))
        for name, count in zip(classes, counts, strict=True):
            if count != n // len(classes):
                where = f"{path} holds {count:,} {part} images of the class {name}"
                raise DataError(f"{where} instead of {n // len(classes):,}. {MEND}")
        # By class and name, since that is the one order that every source knows; then shuffled, because where an
        # image stands must not tell its class to whoever sees the unlabelled images.
        inorder = sorted(rows[part], key=lambda row: (row.label, row.stem))
        shuffled = [inorder[i] for i in draw_order(n, seed=0)]
        arrays.append(np.stack([row.pixels for row in shuffled]))
        arrays.append(np.array([row.label for row in shuffled], np.int64))
    x, y, x_test, y_test = arrays
    return Images(spec.name, x, y, x_test, y_test, tuple(name.replace("_", " ") for name in classes))


def from_images(spec: Spec, path: Path, progress: Progress) -> dict[str, list[Row]]:
    """Decode class folders, or an archive of them, image by image."""
    number = {name: k for k, name in enumerate(CLASSES[spec.name])}
    rows: dict[str, list[Row]] = {part: [] for part in PARTS}
    total = spec.n_train + spec.n_test
    files = tree(path) if path.is_dir() else archived(path)
    for n, (part, name, file, data) in enumerate(files):
        if n % 500 == 0:
            progress(min(1.0, n / total), f"Decoding {spec.title}: {n:,} of {total:,} images")
        if name in number:
            rows[part].append(Row(number[name], PurePosixPath(file).stem, pixels(data, spec.shape, path / file)))
    return rows


def is_image(file: PurePath) -> bool:
    """By its name; `._cat.png` is what macOS keeps beside cat.png, and no image."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith("._")


def file_bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """What a regular file of an archive holds."""
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def tree(path: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """(part, class, file below `path`, its bytes) of every image in class folders."""
    for part in PARTS:
        for file in sorted((path / part).glob("*/*")):
            if is_image(file):
                yield part, file.parent.name, str(file.relative_to(path)), file.read_bytes()


def archived(path: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """The same from an archive. Nothing is unpacked to the disk, so no name in it can do harm."""
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                file = PurePosixPath(member.name)
                if member.isfile() and is_image(file) and file.parts[-3:-2] in (("train",), ("test",)):
                    yield file.parts[-3], file.parts[-2], "/".join(file.parts[-3:]), file_bytes(tar, member)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise DataError(f"{path} is damaged: it cannot be unpacked. Copy it again.") from error


def pixels(data: bytes, shape: tuple[int, int, int], file: Path) -> np.ndarray:
    """uint8 (3, h, w) of one image file."""
    from PIL import Image

    wanted = shape[2], shape[1]
    try:
        with Image.open(io.BytesIO(data)) as image:
            size = image.size
            colours = np.asarray(image.convert("RGB")) if size == wanted else None  # a large one is not decoded at all
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # whatever Pillow cannot read
        raise DataError(f"{file} is damaged, or is no image. {MEND}") from error
    if colours is None:
        raise DataError(f"{file} is {size[0]}x{size[1]} pixels, but should be {wanted[0]}x{wanted[1]}. {MEND}")
    return np.ascontiguousarray(colours.transpose(2, 0, 1))


def from_batches(spec: Spec, path: Path, progress: Progress) -> dict[str, list[Row]]:
    """Unpickle the official batches, each after its md5 sum was checked."""
    rows: dict[str, list[Row]] = {part: [] for part in PARTS}
    todo = [(part, name, md5) for part in PARTS for name, md5 in BATCHES[spec.name][part].items()]
    for n, (part, name, md5) in enumerate(todo):
        progress(n / len(todo), f"Reading {name}")
        data = unpacked(path, spec.folder, name) if path.is_file() else (path / name).read_bytes()
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            raise DataError(f"{path / name} is damaged: its md5 sum is not the published {md5}. {MEND}")
        batch = BatchUnpickler(io.BytesIO(data), encoding="latin1").load()
        images = batch["data"].reshape(-1, *spec.shape)
        labels = batch["labels"] if "labels" in batch else batch["fine_labels"]
        for k, file, image in zip(labels, batch["filenames"], images, strict=True):
            rows[part].append(Row(k, PurePosixPath(file).stem, image))
    return rows


def unpacked(path: Path, folder: str, name: str) -> bytes:
    """One batch of the published archive; nothing is unpacked to the disk. Raises DataError."""
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isfile() and PurePosixPath(member.name).parts[-2:] == (folder, name):
                    return file_bytes(tar, member)
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged: it cannot be unpacked. Copy it again.") from error
    raise DataError(f"{path} lacks {folder}/{name}. Copy it again.")


class BatchUnpickler(pickle.Unpickler):
    """Builds arrays of numbers and nothing else: a second lock beside the md5 sum, which is an old one."""

    # The batches were written by Python 2: what they call is given as numpy expects it today.
    BUILDERS: ClassVar = {
        "_reconstruct": lambda kind, shape, code: np.ndarray(shape, np.uint8),
        "ndarray": np.ndarray,
        "dtype": lambda code, align, copy: np.dtype(code, align=bool(align), copy=bool(copy)),
    }

    def find_class(self, module: str, name: str) -> object:
        if module.split(".")[0] != "numpy" or name not in self.BUILDERS:
            raise pickle.UnpicklingError(f"A batch may not use {module}.{name}.")
        return self.BUILDERS[name]


def listed(names: list[str]) -> str:
    """ "a", "a and b", "a, b and 7 more": a sentence stays short when a hundred folders are missing."""
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} more"]
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
