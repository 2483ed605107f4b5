"""Recorded sessions in the plane: what a session showed is what its recording says, in few bytes, of today's code."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_javascript import node

import data
from models.errors import StoreError
from models.plane import film
from models.plane.setup import SetUp
from models.results import plane_recordings
from models.results.outcome import fingerprint_key, same, todays_fingerprints
from models.runs.run import is_todays
from models.shell.commands import run as shell
from pages.parts import components
from pages.parts.start.standalone import plane as in_a_page


def of_few(n: int = 3) -> plane_recordings.PlaneRecording:
    return plane_recordings.of_session(SetUp("clusters", ("supervised", "label-spreading"), 4), n)


def test_a_recording_says_what_the_session_showed(tmp_path) -> None:
    made = of_few()
    plane_recordings.keep(made, tmp_path)
    found = plane_recordings.read("clusters", tmp_path)
    assert (found.setup, found.fingerprints) == (made.setup, made.fingerprints)
    assert plane_recordings.there(tmp_path) == ["clusters"]
    assert [frame["supervised"].step for frame in found.frames] == [0, round(1000 * 0.5**1.7), 1000]
    for one, other in zip(made.frames, found.frames, strict=True):
        for model, seen in one.items():
            back = other[model]
            assert (back.step, back.total, back.accuracy, back.curve) == (
                seen.step, seen.total, seen.accuracy, seen.curve,
            )  # fmt: skip
            assert back.arrays.keys() == seen.arrays.keys()
            assert np.array_equal(back.arrays["predicted"], seen.arrays["predicted"])
            assert np.abs(back.arrays["q_y"].astype(int) - seen.arrays["q_y"]).max() <= 1
            if "z" in seen.arrays:
                assert np.abs(back.arrays["z"] - seen.arrays["z"]).max() <= film.FINE / 2 + 0.001
    kept = plane_recordings.read("clusters")
    assert kept.frames[-1]["supervised"].accuracy == made.frames[-1]["supervised"].accuracy, "the very same training"


def test_what_is_kept_in_the_repository_is_of_todays_code_and_small() -> None:
    """Where this fails after a change of training: `python -m models record --plane`."""
    setups = plane_recordings.wanted()
    assert [setup.dataset for setup in setups] == list(data.POINT_SETS) == plane_recordings.there()
    assert sum(plane_recordings.path_of(s.dataset).stat().st_size for s in setups) <= 1.1 * (1 << 20)
    today = todays_fingerprints()
    for setup in setups:
        found = plane_recordings.read(setup.dataset)
        assert found.setup == setup
        assert len(found.frames) == plane_recordings.FRAMES
        for model in setup.models:
            run = setup.run(model)
            assert is_todays(run)
            assert same(found.fingerprints[model], today[fingerprint_key(run.dataset, model, run.preset)]), run
            first, last = found.frames[0][model], found.frames[-1][model]
            assert (first.step, last.settled) == (0, True)
            assert set(last.arrays) <= set(plane_recordings.ARRAYS)
            assert len(last.arrays["q_y"]) == 1600


@pytest.mark.parametrize("harm", ["cut", "text", "frames", "array"])
def test_a_damaged_recording_is_a_sentence(tmp_path, harm: str) -> None:
    path = plane_recordings.keep(replace(of_few(), frames=of_few().frames[: 1 if harm == "frames" else 3]), tmp_path)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    if harm == "text":
        path.write_text("not a recording")
    if harm == "array":
        kept = dict(np.load(path))
        np.savez_compressed(path, about=kept["about"], numbers=kept["numbers"][:-9])
    with pytest.raises(StoreError, match="cannot be read"):
        plane_recordings.read("clusters", tmp_path)


def test_arrays_of_any_shape_are_read_as_they_were_written() -> None:
    rng = np.random.default_rng(0)
    numbers, refs, all_of = film.Writer(), [], []
    for n in (40, 40, 7, 40):
        values = {"z": rng.normal(size=(n, 2)).astype(np.float16), "q_y": rng.integers(0, 256, (n, 2), np.uint8),
                  "gap": np.where(rng.uniform(size=n) < 0.5, np.nan, 5e3 * rng.normal(size=n)).astype(np.float32),
                  "predicted": rng.integers(0, 3, n, np.uint8)}  # fmt: skip
        all_of.append(values)
        refs.append({name: numbers.put(name, name, a) for name, a in values.items()})
    reader = film.Reader(bytes(numbers.bytes))
    for values, of in zip(all_of, refs, strict=True):
        for name, a in values.items():
            back = reader.get(name, of[name])
            assert back.shape == a.shape
            step = film.STEP.get(name, film.FINE if a.dtype.kind == "f" else 1)
            wide = np.clip(a.astype(float), -32767 * step, 32767 * step)
            assert np.array_equal(np.isnan(back), np.isnan(a))
            assert np.nanmax(np.abs(back - wide)) <= 0.51 * step


def test_a_browser_writes_and_reads_the_same_bytes() -> None:
    rng = np.random.default_rng(1)
    z = [rng.normal(size=(5, 2)).astype(np.float32) for _ in range(3)]
    q = [rng.integers(0, 256, (5, 2), np.uint8) for _ in range(3)]
    numbers = film.Writer()
    refs = [(numbers.put("z", "z", a), numbers.put("q_y", "q_y", b)) for a, b in zip(z, q, strict=True)]
    given = json.dumps({"z": [a.ravel().tolist() for a in z], "q": [b.ravel().tolist() for b in q], "refs": refs})
    script = f"""
import {{ Reader, Writer }} from "{(components.HERE / "plane" / "film.js").as_uri()}";
const given = {given};
const writer = new Writer();
given.z.forEach((z, i) => {{
  writer.put("z", "z", {{ shape: [5, 2], values: new Float32Array(z) }});
  writer.put("q_y", "q_y", {{ shape: [5, 2], values: new Uint8Array(given.q[i]) }});
}});
const bytes = writer.parts.flatMap((part) => [...part]);
const reader = new Reader(Uint8Array.from(bytes));
const back = given.refs.map(([z, q]) => [[...reader.get("z", z).values], [...reader.get("q_y", q).values]]);
console.log(JSON.stringify({{ bytes, back }}));"""
    done = node("--input-type=module", given=script)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert bytes(found["bytes"]) == bytes(numbers.bytes)
    reader = film.Reader(bytes(numbers.bytes))
    for (one, two), of in zip(found["back"], refs, strict=True):
        np.testing.assert_allclose(one, reader.get("z", of[0]).ravel(), atol=1e-6)
        assert np.array_equal(two, reader.get("q_y", of[1]).ravel())


def test_the_page_of_one_file_has_every_recorded_session_and_its_numbers() -> None:
    given, numbers = in_a_page.given()
    assert [s["name"] for s in given["sessions"]] == list(data.POINT_SETS)
    assert given["usual"] in data.POINT_SETS
    session = next(s for s in given["sessions"] if s["name"] == "moons")
    recording = plane_recordings.read("moons")
    reader = film.Reader(numbers[session["at"] : session["at"] + session["length"]])
    for frame, kept in zip(session["frames"], recording.frames, strict=True):
        for panel in frame["panels"]:
            seen = kept[panel["model"]]
            assert (panel["step"], panel["accuracy"]) == (seen.step, seen.accuracy)
            back = reader.get(f"{panel['model']} q_y", panel["q_y"])
            assert np.array_equal(back, seen.arrays["q_y"])
    assert f"{100 * recording.frames[-1]['m2'].accuracy:.1f} %" in session["frames"][-1]["claim"]


def test_in_the_shell_the_plane_takes_no_choice_of_runs(capsys) -> None:
    assert shell(["record", "--plane", "--dataset", "moons"], 0.0) == 2
    assert "--plane records every figure as it comes." in capsys.readouterr().err
