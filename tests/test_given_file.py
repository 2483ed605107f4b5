"""Labels from a file: every label in it is read as it was meant, or a sentence names the line that cannot be."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.errors import RunError
from models.runs import annotation_file
from models.runs.annotation_file import read_given

CASES = Path(__file__).parent / "cases" / "labels"
PAIRS = [(12, 3), (57, 8)]


def read(path: Path, dataset: str = "digits") -> list[tuple[int, int]]:
    return [(g.image, g.y) for g in read_given(path, dataset, "Ada")]


def refusal(path: Path, dataset: str = "digits") -> str:
    with pytest.raises(RunError) as e:
        read_given(path, dataset)
    assert "\n" not in str(e.value)
    assert len(str(e.value)) < 600
    return str(e.value)


@pytest.fixture
def named(monkeypatch) -> None:
    """A data set whose classes have names."""
    of = SimpleNamespace(
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "a_b")
    )
    monkeypatch.setattr(annotation_file.data, "load", lambda name: of)


def test_the_cases_met_in_public_reports() -> None:
    assert read(CASES / "given_bom_noheader.csv") == [(1200, 3), (1201, 4), (1202, 5)]
    assert read(CASES / "given_semicolon_one.csv") == [(1200, 3)]
    assert read(CASES / "given_swapped_small.csv") == [(7, 3)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ", ", " "])
@pytest.mark.parametrize("head", ["image,class\n", "", "Image,Label\n", "#image,class\n"])
def test_tables_as_spreadsheets_and_scripts_write_them(tmp_path, encoding, end, delimiter, head) -> None:
    text = (head + "12,3\n57,8\n").replace(",", delimiter).replace("\n", end)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert read(tmp_path / "a.csv") == PAIRS


@pytest.mark.parametrize(
    "text",
    [
        "class,image\n3,12\n8,57\n",
        "class, image\n3, 12\n8, 57\n",
        ',class,note,image\n0,3,"a, b",12\n1,8,,57\n',
        "id,image,class\n0,12,3\n1,57,8\n",
        '"class";"image"\n"3";"12"\n"8";"57"\n',
        'image,class,note\n12,3,"two\nlines"\n57,8,\n',
        "sep=;\nimage;class\n12;3\n57;8\n",
        "image,class\n12.0,3.0\n57.0,8.0\n",
        "image,class,,\n12,3,,\n57,8,,\n,,,\n",
        "\n\n image , class \n 12 , 3 \n\n 57 , 8",
        "y\timage_id\n3\t12\n8\t57",
        "[[12, 3], [57, 8]]",
        "[12, 3]\n[57, 8]\n",
    ],
)
def test_columns_go_by_their_names(tmp_path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert read(tmp_path / "a.csv") == PAIRS


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.json", "[[12, 3], [57, 8]]"),
        ("a.json", '\ufeff[["12", "3"], [57.0, 8]]'),
        ("a.json", '[{"image": 12, "class": "3", "by": "Bo"}, {"y": 8, "image": 57}]'),
        ("a.json", '{"labels": [[12, 3], [57, 8]]}'),
        ("a.json", '{"12": 3, "57": 8}'),
        ("a.json", '{"image": 12, "class": 3}\n{"class": 8, "image": 57}\n'),
        ("a.jsonl", '{"image": 12, "class": 3, "note": "\u2028"}\r\n\r\n[57, 8]\r\n'),
        ("a.ndjson", "[12, 3]\n[57, 8]"),
    ],
)
def test_json_in_its_forms(tmp_path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8", newline="")
    assert read(tmp_path / file) == PAIRS
    assert {g.by for g in read_given(tmp_path / file, "digits", "Ada")} <= {"Ada", "Bo"}


def test_classes_go_by_name(tmp_path, named) -> None:
    text = "image,class\n12,cat\n13,Bird\n14,9\n15,A b\n"
    for said in (text, text.partition("\n")[2], "cat,12\nBird,13\n14,9\n15,A b\n", text.replace(",", ";")):
        (tmp_path / "a.csv").write_text(said)
        assert read(tmp_path / "a.csv", "cifar10") == [(12, 3), (13, 2), (14, 9), (15, 9)]
    (tmp_path / "a.csv").write_text(text + "16,unicorn\n")
    assert "Line 6" in refusal(tmp_path / "a.csv", "cifar10")


@pytest.mark.parametrize(
    "row",
    ["-5,2", "1e3,2", "--5,2", "+-5,2", "1_000,2", "0x1f,2", "12", "12,", ",3", "12,3.5", "12.5,3", "nan,2",
     "inf,2", "１２,3", "٣,2", "12,３", "12,three", "12,-1", "12,10", "9" * 5000 + ",2", "12," + "9" * 5000,
     "9999999,1", "1,2,3", "12 3,x", "x" * 9999, "=1+1,2", "12,3,a,b,c", "image,image", "bild,klasse", "\0,3",
     '"12,3', "12;3,4"],
)  # fmt: skip
@pytest.mark.parametrize("line", [1, 3])
def test_a_row_that_cannot_be_read_is_named_with_its_line(tmp_path, row: str, line: int) -> None:
    """Also as the first line, where it must not be taken for the names of columns; nothing is left out."""
    good = ["20,1", "21,1", "22,1", "23,1"]
    good.insert(line - 1, row)
    (tmp_path / "a.csv").write_text("\n".join(good) + "\n")
    said = refusal(tmp_path / "a.csv")
    assert f"Line {line} of " in said or row == '"12,3'  # a quotation mark that nothing ends: nobody can tell where


def test_lines_are_counted_as_an_editor_does(tmp_path) -> None:
    (tmp_path / "a.csv").write_text('image,class,note\n\n12,3,"over\ntwo lines"\n\n57,x,\n')
    assert "Line 6 of " in refusal(tmp_path / "a.csv")
    (tmp_path / "a.jsonl").write_text("[12, 3]\n\n[57]\n")
    assert "Line 3 of " in refusal(tmp_path / "a.jsonl")
    (tmp_path / "a.json").write_text("[[12, 3], [57]]")
    assert "Entry 2 of " in refusal(tmp_path / "a.json")


@pytest.mark.parametrize("text", ["12,3\n57,8\n12,3\n", "12,3\n57,8\n12,4\n", "12,3\n57,8\n12.0,4\n"])
def test_an_image_that_is_there_twice_is_named_with_both_lines(tmp_path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert "Line 3 of " in (said := refusal(tmp_path / "a.csv"))
    assert "line 1" in said


@pytest.mark.parametrize("text", ["", "\n \n", "image,class\n", ",,\n;;\n", "\ufeff", "[]", "sep=;\n"])
def test_a_file_without_labels_is_refused(tmp_path, text: str) -> None:
    for file in ("a.csv", "a.txt"):
        (tmp_path / file).write_text(text, encoding="utf-8")
        assert "no label" in refusal(tmp_path / file) or "no image and class" in refusal(tmp_path / file)


@pytest.mark.parametrize(
    "text",
    ["{", "{}", "[3]", "[[1]]", "[[]]", "[null]", "[[12, null]]", "[[true, 3]]", "[[12, 3, 4, 5, 6]]",
     "[[12, [3]]]", "[[NaN, 3]]", "[[1e999, 3]]", "[[12, Infinity]]", "[[1.5, 3]]", "[[1, 2], [1, 3]]",
     '{"12": 3, "12": 4}', '{"12": 3, "x": 4}', "3", '"x"', "null", "[" * 100_000, "[" * 900 + "]" * 900,
     "[[12, " + "[" * 900 + "]" * 900 + "]]", '[{"a":' * 5000, "[[" + "9" * 5000 + ", 3]]",
     "[[" + "9" * 4000 + ", 3]]", "[[12, 3]", '[{"image": 12}]', '[{"image": 12, "image": 13, "class": 3}]',
     "[[12, 3],]"],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv"])
def test_json_that_is_no_labels_is_one_sentence(tmp_path, text: str, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_text(text)
    refusal(tmp_path / f"a{suffix}")


def test_files_that_are_no_text_are_one_sentence(tmp_path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.csv")
    assert "cannot be read" in refusal(tmp_path)
    for i, raw in enumerate([b"PK\x03\x04" + bytes(99), b"\xff\xfe1", b"\0" * 99, bytes(range(256)) * 9]):
        (tmp_path / f"{i}.csv").write_bytes(raw)
        refusal(tmp_path / f"{i}.csv")
    (tmp_path / "large.csv").write_text("12,3\n" * 10**6)
    assert "larger than" in refusal(tmp_path / "large.csv")


def test_a_thousand_labels_and_who_gave_them(tmp_path) -> None:
    rows = [{"image": i, "class": i % 10, "by": "Bo", "how": "random"} for i in range(1000)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    found = read_given(tmp_path / "a.json", "digits", "Ada")
    assert len(found) == 1000
    assert {(g.by, g.how) for g in found} == {("Bo", "random")}
