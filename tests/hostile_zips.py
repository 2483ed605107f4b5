"""Zips that are no run, each by a name: damaged, lying, greedy, or leading elsewhere. `every(good)` makes them all.

`good` is the zip of a run. Where a manifest is needed it fits the files, so that each is refused for its own fault.
"""

import hashlib
import io
import json
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from safetensors.numpy import save

from models.runs.archive import MANIFEST

HERE = Path(__file__).parent
DEEP = b"[" * 100_000
NOT_AN_OBJECT = (b"", b"null", b"3", b'"text"', b"[]", b"{}", b"\xff\xfe", b"nul", b'{"a": 1', b"\0" * 64)


def contents(good: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(good)) as z:
        return {n: z.read(n) for n in z.namelist()}


def fitting(inside: dict[str, bytes], manifest: dict) -> bytes:
    """A manifest that names these files as they are."""
    listed = {n: {"bytes": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in inside.items()}
    return json.dumps({**manifest, "files": listed}).encode()


def packed(entries: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as z:
        for name, data in entries:
            z.writestr(name, data)
    return out.getvalue()


def changed(good: bytes, files: dict[str, bytes | None], method: int = zipfile.ZIP_STORED) -> bytes:
    """With some files replaced, added or (None) left out, and a manifest that fits."""
    inside = contents(good)
    manifest = json.loads(inside.pop(MANIFEST))
    inside = {n: d for n, d in {**inside, **files}.items() if d is not None}
    return packed([*inside.items(), (MANIFEST, fitting(inside, manifest))], method)


def every(good: bytes) -> Iterator[tuple[str, bytes]]:
    for family in (cut, flipped, json_files, records, tensors_and_pictures, names, kinds, headers, manifests, greedy):
        for name, data in family(good):
            yield f"{family.__name__}: {name}", data
    yield "encrypted", (HERE / "encrypted_tiny.zip").read_bytes()


def cut(good: bytes) -> Iterator[tuple[str, bytes]]:
    for tenth in range(10):
        yield f"after {tenth} tenths", good[: len(good) * tenth // 10]
    yield "its last byte", good[:-1]
    yield "its beginning", good[200:]


def flipped(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Bytes of each deflated file turned over, so that zlib or the checksum finds them; and of the list at the end."""
    with zipfile.ZipFile(io.BytesIO(packed(list(contents(good).items()), zipfile.ZIP_DEFLATED))) as z:
        whole, infos = z.fp.getvalue(), z.infolist()
    for info in infos[:6]:
        begin = info.header_offset + 30 + len(info.filename)
        for at in (begin, begin + 1, begin + info.compress_size // 2):  # the last byte may hold nothing
            yield f"{info.filename} at {at - begin}", turned(whole, at)
    for back in (22, 21, 10, 9, 6, 4, 3):  # of the end record, its numbers of files aside, which nobody needs
        yield f"end record -{back}", turned(whole, len(whole) - back)


def turned(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def json_files(good: bytes) -> Iterator[tuple[str, bytes]]:
    run, status = (json.loads(contents(good)[n]) for n in ("run.json", "status.json"))
    for file in ("run.json", "status.json"):
        yield f"{file} deep", changed(good, {file: DEEP})
        yield f"{file} deep and closed", changed(good, {file: b'{"run":' + b"[" * 500 + b"]" * 500 + b"}"})
        yield f"{file} left out", changed(good, {file: None})
        for data in NOT_AN_OBJECT:
            yield f"{file} {data[:12]!r}", changed(good, {file: data})
    yield "whole/progress.json deep", changed(good, {"whole/progress.json": DEEP})
    for key in run["run"]:
        for value in ({"a": 1}, [[]], None, 10**30):
            yield f"run.{key} = {value}", changed(good, {"run.json": dump(run, run={**run["run"], key: value})})
    for key, value in (("width", 4000), ("hidden", [10**9]), ("hidden", DEEPISH), ("n_z", "50"), ("lr", float("nan"))):
        settings = {**run["run"]["settings"], key: value}
        yield (
            f"{key} = {str(value)[:9]}",
            changed(good, {"run.json": dump(run, run={**run["run"], "settings": settings})}),
        )
    for key, value in (("threads", 2**31), ("epochs", 10**18), ("seed", -1), ("labels", 7), ("model", "m9")):
        yield f"{key} = {value}", changed(good, {"run.json": dump(run, run={**run["run"], key: value})})
    for state in ("running", "queued", "", None, 1, ["done"], {"done": 1}):
        yield f"status {state}", changed(good, {"status.json": dump(status, state=state)})


DEEPISH: list = []
for _ in range(200):
    DEEPISH = [DEEPISH]


def dump(what: dict, **other: object) -> bytes:
    return json.dumps({**what, **other}).encode()


def records(good: bytes) -> Iterator[tuple[str, bytes]]:
    metrics = contents(good)["metrics.jsonl"]
    yield "deep", changed(good, {"metrics.jsonl": metrics + DEEP + b"\n"})
    yield "3,000 brackets", changed(good, {"metrics.jsonl": b"[" * 3000 + b"\n"})
    yield "deep in a record", changed(good, {"metrics.jsonl": b'{"kind":' + b"[" * 99 + b"]" * 99 + b"}\n"})
    epoch = {"kind": "epoch", "step": 1, "epoch": 1}
    for odd in ({"test_accuracy": {"a": 1}}, {"J": "low"}, {"epoch": None}, {"step": [1]}, {"epoch": 10**400},
                {"terms": 3}, {"terms": {"kl_z": []}}, {"kind": ["epoch"]}, {"seconds": True}):  # fmt: skip
        yield (
            f"{str(odd)[:40]}",
            changed(good, {"metrics.jsonl": metrics + json.dumps({**epoch, **odd}).encode() + b"\n"}),
        )
    yield "an epoch without its number", changed(good, {"metrics.jsonl": b'{"kind": "epoch"}\n'})
    yield "one endless line", changed(good, {"metrics.jsonl": b"x" * 200_000})
    yield "newlines", changed(good, {"metrics.jsonl": b"\n" * 4_000_000})
    yield "numbers", changed(good, {"metrics.jsonl": b"1\n" * 2_000_000})


def tensors_and_pictures(good: bytes) -> Iterator[tuple[str, bytes]]:
    inside = contents(good)
    latents = next(n for n in inside if n.startswith("latents/"))
    sample = next(n for n in inside if n.startswith("samples/"))
    empty = json.dumps({"z": {"dtype": "F16", "shape": [0, 2**43], "data_offsets": [0, 0]}}).encode()
    for name, data in {
        "empty": b"", "eight bytes": b"\xff" * 8, "deep": struct.pack("<Q", len(DEEP)) + DEEP, "cut": save({})[:4],
        "8 TiB": struct.pack("<Q", len(empty)) + empty, "cut in half": inside[latents][:1000], "a zip": good[:500],
        "a long header": struct.pack("<Q", 50 << 20) + b" " * (50 << 20),
    }.items():  # fmt: skip
        yield f"tensors {name}", changed(good, {latents: data})
    png = inside[sample]
    for name, data in {
        "empty": b"", "cut": png[:100], "text": b"no picture", "GIF": b"GIF89a" + b"\0" * 60,
        "flipped": turned(png, 60), "no end": png[:-12],
        "wide": png_of(100_000, 100_000), "wider": png_of(20_000, 5_000),
    }.items():  # fmt: skip
        yield f"picture {name}", changed(good, {sample: data})


def png_of(width: int, height: int) -> bytes:
    """The beginning of a picture that says it is so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def names(good: bytes) -> Iterator[tuple[str, bytes]]:
    strange = (
        "../evil.json", "/etc/evil.json", "samples/../../evil.png", "..\\evil.json", "C:\\evil.json", "./run.json",
        "evil.py", "lock", "a/b/c.json", "model.pkl", "a" * 5000 + ".json", "x//y.json", "Ünïcode.json", "evil\n.json",
        "evil\x1b[31m.json", "run.json ", "RUN.JSON", "samples/manifest.json/x.png", "-.json",
    )  # fmt: skip
    for name in strange:
        yield f"a file {name[:40]!r}", changed(good, {name: b"{}"})
        yield f"unlisted {name[:40]!r}", packed([*contents(good).items(), (name, b"{}")])
    inside = contents(good)
    for outer in ("../", "/", "a/../", "..\\", "C:\\", "\x1b[2J/", "a" * 600 + "/"):
        yield f"all below {outer[:20]!r}", packed([(outer + n, d) for n, d in inside.items()])
    for folder in ("../evil/", "/evil/"):
        yield f"a folder {folder}", packed([(folder, b""), *inside.items()])
    yield "in two folders", packed([(f"{'a' if i % 2 else 'b'}/{n}", d) for i, (n, d) in enumerate(inside.items())])
    # zipfile itself writes neither a NUL nor another encoding than it says: put in afterwards, in both lists.
    plain = changed(good, {"whole/qqqq.json": b"{}"})
    yield "with a NUL", plain.replace(b"whole/qqqq.json", b"whole/\0qqq.json")
    yield "run.json with a NUL", changed(good, {"run.jsonqq.json": b"{}"}).replace(b"run.jsonqq", b"run.json\0q")
    utf8 = changed(good, {"whole/ää.json": b"{}"})
    yield "not in UTF-8", utf8.replace("whole/ää.json".encode(), b"whole/\xff\xfe\xff\xfe.json")


def kinds(good: bytes) -> Iterator[tuple[str, bytes]]:
    inside = contents(good)
    for name, mode in (
        ("link", stat.S_IFLNK),
        ("device", stat.S_IFCHR),
        ("pipe", stat.S_IFIFO),
        ("folder", stat.S_IFDIR),
    ):
        entries = []
        for n, data in inside.items():
            info = zipfile.ZipInfo(n)
            info.external_attr = ((mode if n == "status.json" else stat.S_IFREG) | 0o777) << 16
            entries.append((info, data))
        yield f"a {name} for status.json", packed(entries)
    yield "a folder where a file should be", packed([(f"{n}/" if n == "run.json" else n, d) for n, d in inside.items()])
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield f"packed by {method}", changed(good, {}, method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of it
        yield "twice one name", packed([*inside.items(), ("run.json", inside["run.json"])])
        yield "twice the manifest", packed([*inside.items(), (MANIFEST, inside[MANIFEST])])
    yield "only folders", packed([("a/", b""), ("a/b/", b"")])
    yield "nothing", packed([])
    yield "a zip in a zip", packed([("run.zip", good)])
    yield "two runs", packed([(f"{a}/{n}", d) for a in "ab" for n, d in inside.items()])
    yield "text", b"This is no zip."
    yield "half of a signature", b"PK\x03\x04 nothing of ours"


def headers(good: bytes) -> Iterator[tuple[str, bytes]]:
    """One number in the central list of run.json changed, at its place in the record."""
    with zipfile.ZipFile(io.BytesIO(good)) as z:
        begin = z.start_dir
    at = good.index(b"run.json", begin) - 46
    assert good[at : at + 4] == b"PK\x01\x02"
    for name, place, value in (
        ("a newer format", 6, struct.pack("<H", 99)), ("encrypted", 8, struct.pack("<H", 1)),
        ("a patch", 8, struct.pack("<H", 0x20)), ("strongly encrypted", 8, struct.pack("<H", 0x41)),
        ("method 9", 10, struct.pack("<H", 9)), ("method 99", 10, struct.pack("<H", 99)),
        ("checksum", 16, b"\1\2\3\4"), ("packed size 0", 20, b"\0" * 4), ("packed size 4 GiB", 20, b"\xfe\xff\xff\xff"),
        ("size 0", 24, b"\0" * 4), ("size 1", 24, b"\1\0\0\0"), ("size 4 GiB", 24, b"\xfe\xff\xff\xff"),
        ("zip64 without its field", 24, b"\xff" * 4), ("another place", 42, b"\7\0\0\0"),
        ("a place beyond the end", 42, b"\xf0\xff\xff\x7f"), ("a name of 60,000", 28, struct.pack("<H", 60_000)),
        ("an extra field of 60,000", 30, struct.pack("<H", 60_000)), ("no signature", 0, b"XXXX"),
    ):  # fmt: skip
        yield name, good[: at + place] + value + good[at + place + len(value) :]
    end = good.rindex(b"PK\x05\x06")
    for name, place, value in (
        ("a list of 2 GiB", 12, b"\xff\xff\xff\x7f"), ("a list at 2 GiB", 16, b"\xff\xff\xff\x7f"),
        ("an empty list", 12, b"\0" * 4), ("a list of 3 bytes", 12, b"\3\0\0\0"),
    ):  # fmt: skip
        yield name, good[: end + place] + value + good[end + place + len(value) :]
    for size in (2**62, 2**64 - 1, 2**31):  # the list of files, by a zip64 record of one's own
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 5, 5, size, begin)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
        yield f"a zip64 list of {size:.0e}", good[:end] + record + locator + good[end:]


def manifests(good: bytes) -> Iterator[tuple[str, bytes]]:
    inside = contents(good)
    manifest = json.loads(inside.pop(MANIFEST))
    for data in (DEEP, *NOT_AN_OBJECT):
        yield f"{data[:12]!r}", packed([*inside.items(), (MANIFEST, data)])
    yield "left out", packed(list(inside.items()))
    for key, values in {
        "format": (None, "other", [], {}), "version": (None, 2, True, "1", 1.5, [[]], DEEPISH),
        "id": (None, 1, "../x", "a/b", "", "x" * 500, [], {"a": 1}), "files": (None, [], {}, "run.json", 3),
    }.items():  # fmt: skip
        for value in values:
            data = json.dumps({**manifest, key: value}).encode()
            yield f"{key} = {str(value)[:20]}", packed([*inside.items(), (MANIFEST, data)])
    for said in (None, 3, "x", [], {}, {"sha256": None}, {"sha256": ["x"]}, {"sha256": "0" * 64}):
        files = {**manifest["files"], "run.json": said}
        data = json.dumps({**manifest, "files": files}).encode()
        yield f"run.json: {said}", packed([*inside.items(), (MANIFEST, data)])


def greedy(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Small here, large there."""
    for file, byte in (("metrics.jsonl", b"\n"), ("model.safetensors", b"\0"), ("run.json", b" "), (MANIFEST, b" ")):
        for said in (None, 100, 2 << 20):
            yield f"{file} of 40 MiB, said to be {said}", bomb(good, file, byte, 40, said)
    yield "many long names", packed([(f"whole/{i:06d}-{'x' * 380}.json", b"") for i in range(20_000)])


def bomb(good: bytes, file: str, byte: bytes, mebibytes: int, said: int | None = None) -> bytes:
    """`file` deflated from so many MiB of one byte; the list of files says so, or that it has `said` bytes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(byte * 2**20) + deflate.flush(zlib.Z_FULL_FLUSH)
    data = block * mebibytes + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    stored = packed([*((n, d) for n, d in contents(good).items() if n != file), (file, data)])
    at = stored.index(file.encode(), stored.index(b"PK\1\2")) - 46
    size = struct.pack("<L", mebibytes << 20 if said is None else said)
    return (
        stored[: at + 10]
        + struct.pack("<H", zipfile.ZIP_DEFLATED)
        + stored[at + 12 : at + 24]
        + size
        + stored[at + 28 :]
    )
