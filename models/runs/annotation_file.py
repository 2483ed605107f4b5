"""Labels from a file that somebody made: CSV as spreadsheets and scripts write it, JSON, or JSON Lines. Loads no torch.

All of a file is read or nothing is: whatever cannot be read is named with its line, so that no run trains with fewer
labels than its file has.
"""

import codecs
import csv
import json
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import data
from data import DATASETS
from models.errors import RunError
from models.runs.annotations import HOW, Label, name, now, trouble

LARGEST = 4 * 2**20  # bytes; a thousand labels take some ten thousand
DELIMITERS = (",", ";", "\t", "|", " ")
COLUMNS = {  # what a column or a key may be called, the likeliest first: beside "image", an "id" is the row's own
    "image": ("image", "image_id", "image_index", "index", "id"),
    "class": ("class", "y", "label", "target", "class_name"),
    "by": ("by", "annotator"),
    "how": ("how",),
}
PLACES = ("image", "class", "by", "how")  # of columns without names
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.0{0,12})?")  # "12.0" is how some tools write 12

Row = dict[str, object]  # "image", "class", "by", "how", as far as the file says them
Found = list[tuple[str, Row]]  # where each stands ("line 3"), and what it says


def read_given(path: Path, dataset: str, by: str = "") -> list[Label]:
    """Labels from a file: CSV, or JSON: a list of [image, class] or of objects, or {image: class}; or one JSON a line.

    Columns go by their names, or are image and class. A class is its number or its name. Raises RunError, one sentence,
    and DataError if the data set is not there.
    """
    spec, text = DATASETS[dataset], decoded(path)
    classes = {spelled(c): k for k, c in enumerate(data.load(dataset).classes)}
    found, seen = [], {}
    for where, row in rows(path, text, lambda row: readable(row, classes)):
        if not readable(row, classes):
            raise RunError(f"{where} of {path} is no image and class: {short(row)}. Give two numbers, such as 12,3.")
        label = given(row, classes, by)
        if why := trouble([label], spec):
            raise RunError(f"{where} of {path}: {why}")
        if label.image in seen:
            raise RunError(
                f"{where} of {path}: training image {label.image} has a label already in {seen[label.image].lower()}. "
                "Keep one of the two."
            )
        seen[label.image] = where
        found.append(label)
    if not found:
        raise RunError(f"{path} holds no label. Give one image and class a line, such as 12,3.")
    return found


# Text


def decoded(path: Path) -> str:
    """The text of a file, in whatever encoding spreadsheets and editors write it. Raises RunError."""
    try:
        with open(path, "rb") as f:
            raw = f.read(LARGEST + 1)
    except (OSError, ValueError) as e:
        raise RunError(f"{path} cannot be read ({getattr(e, 'strerror', None) or e}).") from e
    if len(raw) > LARGEST:
        raise RunError(f"{path} is larger than {LARGEST // 2**20} MiB, which no list of labels is.")
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise RunError(f"{path} is a spreadsheet's own file. Save it there as CSV, then give that file.")
    for mark, encoding in BOMS:
        if raw.startswith(mark):
            return strictly(raw[len(mark) :], encoding, path)
    if b"\0" in raw[:4]:  # UTF-16 without a mark: each ASCII character has a zero beside it
        return strictly(raw, "utf-16-be" if raw[0] == 0 else "utf-16-le", path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # what spreadsheets save as plain CSV; every byte is a character in it


def strictly(raw: bytes, encoding: str, path: Path) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as e:
        raise RunError(f"{path} begins as {encoding.upper()} text and is none. Save it again as UTF-8.") from e


# Rows


def rows(path: Path, text: str, good: Callable[[Row], bool]) -> Found:
    """Every row of a file and where it stands. Raises RunError."""
    begin = text.lstrip()[:1]
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return json_lines(path, text)
    if suffix == ".json" or begin in ("[", "{"):
        try:
            return json_rows(path, parsed(text))
        except ValueError as e:
            lines = [line.strip() for line in text.split("\n") if line.strip()]
            if len(lines) > 1 and all(line[0] in "[{" and line[-1] in "]}" for line in lines):
                return json_lines(path, text)
            raise RunError(f"{path} cannot be read as JSON ({said(e)}).") from e
    return table(path, text, good)


def parsed(text: str) -> object:
    """JSON in which nothing is said twice, no number is endless, and nothing lies too deep. Raises ValueError."""
    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except RecursionError as e:
        raise ValueError("it is nested too deep") from e


def once(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(k for k, _ in pairs if sum(k == other for other, _ in pairs) > 1)
        raise ValueError(f"{twice[:40]!r} stands in it twice")
    return found


def refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no label")


def said(e: ValueError) -> str:
    """What the parser says; Python's advice about huge integers is for programmers."""
    return "a number in it has thousands of digits" if "integer string conversion" in str(e) else str(e)


def json_lines(path: Path, text: str) -> Found:
    found = []
    for i, line in enumerate(text.split("\n"), 1):  # not by `splitlines`: JSON may hold other separators
        if line.strip():
            try:
                found.append((f"Line {i}", row_of(parsed(line))))
            except ValueError as e:
                raise RunError(f"Line {i} of {path} cannot be read as JSON ({said(e)}).") from e
    return found


def json_rows(path: Path, whole: object) -> Found:
    if isinstance(whole, dict):
        lists = [v for v in whole.values() if isinstance(v, list)]
        if len(whole) == 1 and lists:  # {"labels": [...]}
            whole = lists[0]
        elif whole and not lists and all(NUMBER.fullmatch(k.strip()) for k in whole):  # {"12": 3, "57": 8}
            whole = [list(pair) for pair in whole.items()]
        elif {"image", "class"} <= set(columns(whole)):  # a single label
            whole = [whole]
    if not isinstance(whole, list):
        raise RunError(f"{path} is no list. Give one of [image, class], such as [[12, 3], [57, 8]].")
    return [(f"Entry {i}", row_of(entry)) for i, entry in enumerate(whole, 1)]


def row_of(entry: object) -> Row:
    """What an entry says, by its keys or by position; what cannot be taken for a label says so under "else"."""
    if isinstance(entry, dict):
        return {c: v for c, v in zip(columns(entry), entry.values(), strict=True) if c} or {"else": entry}
    if isinstance(entry, list) and 2 <= len(entry) <= len(PLACES):
        return dict(zip(PLACES, entry, strict=False))
    return {"else": entry}


def table(path: Path, text: str, good: Callable[[Row], bool]) -> Found:
    """The rows of CSV, whatever stands between its columns: of the delimiters that by which most rows can be read."""
    text = re.sub(r"\r\n?", "\n", text)
    announced = re.match(r'"?sep=([,;\t|])"?\n', text)  # spreadsheets write this
    read, why = [], None
    for delimiter in [announced[1]] if announced else DELIMITERS:
        try:
            read.append(by_columns(list(cells(text, delimiter))[1 if announced else 0 :]))
        except csv.Error as e:  # quotation marks that mean nothing between these delimiters
            why = why or e
    if not read:
        raise RunError(f"{path} cannot be read as a table ({why}). Save it again as CSV.")
    counts = [sum(good(row) for _, row in found) for found in read]
    return max(zip(counts, [n - len(found) for n, found in zip(counts, read, strict=True)], read, strict=True),
               key=lambda r: r[:2])[2]  # fmt: skip


def cells(text: str, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """(where, the cells) of each line that is not blank."""
    lines = [re.sub(" +", " ", line.strip()) if delimiter == " " else line for line in text.split("\n")]
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != " ", strict=True)
    begin = 1
    for row in reader:
        values = [cell.strip() for cell in row]
        while values and not values[-1]:
            values.pop()
        if values:
            yield f"Line {begin}", values
        begin = reader.line_num + 1


def by_columns(found: Sequence[tuple[str, list[str]]]) -> Found:
    """Cells under the names of the first line, if that has names; else by position."""
    first = columns(cell.lstrip("#") for cell in found[0][1]) if found else []
    if not {"image", "class"} <= set(first):
        return [(where, by_position(values)) for where, values in found]
    made = []
    for where, values in found[1:]:
        named = {c: v for c, v in zip(first, values, strict=False) if c}
        made.append((where, named | {"text": values} if len(values) <= len(first) else {"else": values}))
    return made


def by_position(values: list[str]) -> Row:
    if len(values) > 2 and NUMBER.fullmatch(values[2]):  # three numbers, and nothing says which two are meant
        return {"else": values}
    if len(values) > 1 and NUMBER.fullmatch(values[1]) and not NUMBER.fullmatch(values[0]):  # a class by name, first
        return row_of([values[1], values[0], *values[2:]]) | {"text": values}
    return row_of(values)


def columns(words: Iterable[str]) -> list[str]:
    """Which column each of these names is, "" for one of no use here. A name that stands there twice is of no use."""
    words = [spelled(word) for word in words]
    meant = {}
    for c, names in COLUMNS.items():
        if (word := next((w for w in names if w in words), None)) and words.count(word) == 1:
            meant[word] = c
    return [meant.get(word, "") for word in words]


# Values


def readable(row: Row, classes: dict[str, int]) -> bool:
    return number(row.get("image")) is not None and class_of(row.get("class"), classes) is not None


def given(row: Row, classes: dict[str, int], by: str) -> Label:
    how = row.get("how") if row.get("how") in HOW else HOW[0]
    who = row.get("by") if isinstance(row.get("by"), str) else ""
    return Label(number(row["image"]), class_of(row["class"], classes), name(who or by), now(), how)


def class_of(value: object, classes: dict[str, int]) -> int | None:
    """The class by its name or its number; None if it is neither."""
    known = classes.get(spelled(value) if isinstance(value, str) else str(number(value)))
    return number(value) if known is None else known


def spelled(word: str) -> str:
    """A name without what people write differently: "Aquarium fish" is aquarium_fish."""
    return re.sub(r"[\s_-]+", "_", str(word).strip().casefold())


def number(value: object) -> int | None:
    """A whole number, in JSON or in a cell; None if it is none. Its range is not asked here."""
    if isinstance(value, float) and abs(value) < 2**53 and value == int(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**12 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text.partition(".")[0]) if NUMBER.fullmatch(text) else None


def short(row: Row) -> str:
    """A row as a sentence may repeat it."""
    what = row.get("text", row.get("else", [v for v in row.values() if v is not None]))
    cells = what if isinstance(what, list) else [what]
    text = ",".join(c if isinstance(c, str) else reprlib.repr(c) for c in cells[:9])  # which goes into no depth
    return repr(text if len(text) <= 60 else text[:60] + "…")
