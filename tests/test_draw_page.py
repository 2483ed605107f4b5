"""The page Draw, driven without a browser: every kind of run, every kind of address and message, no stack trace."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_runs import make as fake
from PIL import Image
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest
from test_drawing import JUNK, SEVEN, layer, pen, png
from test_inside import SMALL, weights

import data
from data import DATASETS, DataError, preprocess_drawing, unlike
from models.analysis import inference
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.components import drawing_pad
from pages.parts.inside import drawing, drawing_start, own_image

ROOT = Path(__file__).parents[1]
DIGITS = DATASETS["digits"]
DRAWN = preprocess_drawing.prepare(pen(*SEVEN, width=14), DIGITS)


@pytest.fixture
def runs(tmp_path, monkeypatch, no_supervisor) -> Path:
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def made(root: Path, model: str, dataset: str = "digits", state: str = "done", kept: bool = True, **more) -> Folder:
    """A run with weights, and with a snapshot of their codes if its data set is here."""
    folder = Folder.create(replace(Run.make(dataset, model, **more), settings=SMALL), root)
    weights(folder, seed=0)
    if kept and data.availability(dataset) == "ready":
        ids = np.concatenate([np.arange(40), -1 - np.arange(60)]).astype(np.int32)
        codes = {name: z.astype(np.float16) for name, z in inference.encode(folder, ids).items()}
        q_y = inference.q_y(folder, ids).astype(np.float16)
        (folder.path / "latents").mkdir()
        save_file({"id": ids, "q_y": q_y, **codes}, folder.path / "latents" / "0003.safetensors")
    folder.set_status(state)
    return folder


def visit(**address: object) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.switch_page("pages/draw.py")
    for key, value in address.items():
        at.query_params[key] = value
    return quiet(at.run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].stack_trace
    return at


def drawn(at: AppTest) -> str:
    return "".join(e.proto.body for e in at.get("html"))


def said(at: AppTest) -> str:
    return " ".join(e.value for e in (*at.caption, *at.markdown))


def png_of(x: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(x.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def message(ink: np.ndarray, n: int = 1, version: str = "0", strokes: str | None = "[1]") -> dict:
    return {"version": version, "n": n, "layer": base64.b64encode(png(layer(ink))).decode(), "strokes": strokes}


# A picture

CASES = sorted((Path(__file__).parent / "pictures").glob("*.png"))


def upload(at: AppTest, file: bytes, name: str = "picture.png") -> AppTest:
    return quiet(at.file_uploader(key="upload").set_value((name, file, "image/png")).run())


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A runs folder with a small classifier that has learned Digits."""
    from models.training.worker import work

    root = tmp_path_factory.mktemp("trained")
    run = Run.make("digits", "supervised", 600, epochs=12, threads=1)
    small = replace(run.settings, net="dense", hidden=(100,), augment=0.3, bf16=False)
    assert work(Folder.create(replace(run, settings=small), root)) == "done"
    return root


def test_uploaded_pictures_are_read_and_answered_or_warned_of(trained, monkeypatch, no_supervisor):
    """Through the page, to a classifier that has learned: a 7, or a warning that the data set has none like it."""
    monkeypatch.setenv("FEWLABELS_RUNS", str(trained))
    at = visit()
    for path in CASES:
        at = upload(at, path.read_bytes(), path.name)
        answer = re.search(r"<strong>(\d)</strong>", drawn(at))[1]
        warnings = " ".join(w.value for w in at.warning)
        assert answer == "7" or "No image of Digits is like this one" in warnings, path.stem
        note = {"seven_alpha_white": "light ink", "grid100": "lines of the paper were taken out"}.get(path.stem, "ink")
        assert note in said(at), path.stem
    assert len(CASES) == 7


def test_what_a_page_warns_of_is_gone_with_the_picture(runs):
    made(runs, "m2")
    at = upload(visit(), png_of(255 - pen([(0.2, 0.1), (0.2, 0.9), (0.8, 0.9)], width=14)))
    assert any("No image of Digits is like this one" in w.value for w in at.warning)
    button = next(b for b in at.button if b.label == "Empty paper")
    at = quiet(button.click().run())
    assert not at.warning


def test_a_digit_of_the_data_set_is_not_warned_of(runs):
    made(runs, "m2")
    at = upload(visit(), png_of(data.load("digits").x_test[0, 0]))
    assert not at.warning
    assert "Taken as it is" in said(at)


def test_a_file_that_is_no_picture_is_a_sentence_under_the_pad(runs):
    made(runs, "m2")
    at = upload(visit(), b"no picture")
    assert "This file is no picture that can be read" in said(at).replace("\\", "")
    assert not at.warning


# What is shown


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_a_drawing_is_seen_by_every_model(runs, model):
    folder = made(runs, model)
    at = visit(runs=folder.id, drawing=preprocess_drawing.to_text(DRAWN))
    html, text = drawn(at), said(at)
    assert "100 labels, seed 0" in text
    assert html.count("Entropy") == 1
    assert ("SVM on z, calibrated" in html) == (model == "m1")
    draws = model != "supervised"
    assert (html.count("Reconstruction</figcaption>") == 1) == draws
    assert (html.count('aria-label="as ') == 10) == draws
    assert ("−log p(x) ≤" in html and "of 300 test images" in html) == draws
    assert html.count('aria-label="The drawing"') == 1, "its place on the map"
    spaces = {"adgm": ["z", "a"], "supervised": ["h"]}.get(model, ["z"])
    assert [s for s in ("z", "a", "h") if f"**Nearest in {s}**" in text] == spaces
    assert html.count('class="dw-near"') == len(spaces)


def test_several_runs_see_the_same_drawing_side_by_side(runs):
    folders = [made(runs, model) for model in ("adgm", "m2", "supervised")]
    at = visit(runs=",".join(f.id for f in folders), drawing=preprocess_drawing.to_text(DRAWN))
    html = drawn(at)
    assert html.count("Entropy") == 3
    assert html.count('class="dw-row"') == 2, "two of them draw"
    quiet(at.segmented_control(key="map").set_value(folders[2].id).run())
    assert "**Nearest in h**" in said(at)
    quiet(at.segmented_control(key="map").set_value(folders[0].id).run())
    quiet(at.segmented_control(key="space").set_value("a").run())
    assert "a1 against a2" in said(at), "a space of two dimensions is shown as it is"
    assert "lies at its own code" in said(at)


def test_what_is_shown_is_what_the_model_says(runs):
    folder = made(runs, "m2")
    image = data.load("digits").x_test[5]
    html = drawn(visit(runs=folder.id, drawing=preprocess_drawing.to_text(image)))
    q = inference.q_y(folder, [-6])[0]
    shown = [float(p) for p in re.findall(r"<em>([\d.]+) %</em>", html)]
    assert np.allclose(shown, [round(100 * float(p), 1) for p in q if p >= 0.001], atol=0.11)
    assert f'<b class="k">{q.argmax()}</b>' in html


def test_the_nearest_image_of_an_image_is_itself_and_there_it_lies(runs):
    at = visit(runs=made(runs, "m2").id, drawing=preprocess_drawing.to_text(data.load("digits").x_test[7]))
    html = drawn(at)
    first = re.search(r'class="dw-near".*?title="([^"]*)".*?<small>([\d.]+)</small>', html, re.S)
    assert first[1] == "Test image 7"
    assert float(first[2]) < 0.02, "kept in half precision"
    mark = re.search(r'<s role="img" aria-label="The drawing" .*?left:([\d.]+)%;top:([\d.]+)%', html)
    rings = [tuple(map(float, r)) for r in re.findall(r'<u style="left:([\d.]+)%;top:([\d.]+)%"></u>', html)]
    assert min(abs(x - float(mark[1])) + abs(y - float(mark[2])) for x, y in rings) < 0.5


def pad_of(at: AppTest) -> dict:
    """What the pad is given."""
    (found,) = [e.proto for e in at.get("bidi_component") if e.proto.component_name == "few_labels_drawing_pad"]
    return json.loads(found.mixed.json or found.json)


def test_the_page_opens_with_an_example_that_is_nobodys_drawing(runs):
    at = visit(runs=made(runs, "m2").id)
    given = pad_of(at)
    lines = drawing.SKETCHES["A 7 with a bar"]
    assert [stroke["p"] for stroke in json.loads(given["strokes"])] == [
        [v for at in line for v in at] for line in lines
    ]
    assert given["example"]
    assert given["hint"] == "An example. Draw over it: the first stroke clears it."
    assert given["share"] == ""
    assert "drawing" not in at.query_params
    assert "Entropy" not in drawn(at), "the pad has to paint it first"
    assert "The models are looking at it." in said(at)
    assert len([b for b in at.button if "A 7 with a bar" in b.label]) == 1
    quiet(next(b for b in at.button if "A 4, nearly a 9" in b.label).click().run())
    assert not pad_of(at)["example"], "what was clicked can be drawn on, stroke by stroke"


def test_cleared_paper_is_given_no_verdict(runs):
    folder = made(runs, "m2")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    cleared = drawing.Drawing("1", heard=3).showing(np.zeros(DIGITS.shape, np.uint8))
    at.session_state["drawing-digits"] = cleared
    at.query_params["runs"] = folder.id
    at.switch_page("pages/draw.py")
    quiet(at.run())
    assert "Draw a digit, or click a drawing." in said(at)
    assert "Entropy" not in drawn(at)
    assert not at.info
    assert pad_of(at)["share"] == ""
    assert pad_of(at)["hint"] == "Draw a digit here"


def test_of_the_runs_that_come_along_m2_reads_the_example_and_labels_only_does_not(runs):
    lines, width = drawing.SKETCHES[drawing.EXAMPLE], drawing_pad.WIDTHS["digits"]
    image = preprocess_drawing.prepare(pen(*map(list, lines), width=112 * width), DIGITS)
    begun = drawing.Drawing("1", strokes=drawing.strokes_of(lines, width), example=True).showing(image)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.session_state["drawing-digits"] = begun
    at.switch_page("pages/draw.py")
    quiet(at.run())
    assert "Drawn as a 7: M2 is right, Labels only is wrong" in [s.value.replace("\\", "") for s in at.subheader]
    assert len(re.findall('<i class="right">right</i>', drawn(at))) == 1
    assert len(re.findall('<i class="wrong">wrong</i>', drawn(at))) == 1
    at.session_state["drawing-digits"] = replace(begun, strokes="[1]")  # somebody's own: nobody knows what was meant
    quiet(at.run())
    assert "The models disagree" in [s.value.replace("\\", "") for s in at.subheader]
    assert 'class="wrong"' not in drawn(at)


@pytest.mark.parametrize("name", drawing.SKETCHES)
def test_a_sketch_is_known_until_it_is_drawn_on(name):
    strokes = drawing.strokes_of(drawing.SKETCHES[name], drawing_pad.WIDTHS["digits"])
    from_browser = json.dumps(json.loads(strokes), separators=(",", ":"))
    assert drawing.sketch_on(DIGITS, drawing.Drawing("1", strokes=from_browser)) == name
    more = json.dumps([*json.loads(strokes), {"w": 0.1, "c": "#ffffff", "p": [0.5, 0.5]}])
    assert drawing.sketch_on(DIGITS, drawing.Drawing("1", strokes=more)) == ""
    assert drawing.sketch_on(DIGITS, drawing.Drawing("1", strokes="no JSON")) == ""
    assert drawing.sketch_on(DATASETS["cifar10"], drawing.Drawing("1", strokes=strokes)) == ""


def test_the_example_is_answered_and_the_first_stroke_makes_a_drawing_of_ones_own():
    begun = drawing.Drawing("1", strokes="[1, 2]", example=True)
    seen = drawing.taken(begun, message(pen(*SEVEN, width=14), 1, "1", None) | {"example": True}, DIGITS)
    assert (seen.example, seen.strokes) == (True, "[1, 2]")
    assert np.array_equal(seen.image, DRAWN)
    own = drawing.taken(seen, message(pen(*SEVEN, width=14), 2, "1", "[3]") | {"example": False}, DIGITS)
    assert (own.example, own.strokes) == (False, "[3]")


@pytest.mark.parametrize("id", [12, -8])
def test_an_image_that_comes_along_from_another_page_is_shown_in_place_of_the_example(runs, id):
    folder = made(runs, "m2")
    at = visit(runs=folder.id, image=str(id))
    image = data.pixels(data.load("digits"), [id])[0]
    assert np.array_equal(at.session_state["drawing-digits"].image, image)
    assert "Entropy" in drawn(at)
    assert not pad_of(at)["example"]
    assert f"From {'training image 12' if id > 0 else 'test image 7'}, as it is" in pad_of(at)["says"]
    at.query_params["image"] = "20"
    quiet(at.run())
    assert np.array_equal(at.session_state["drawing-digits"].image, data.load("digits").x[20])
    quiet(next(b for b in at.button if b.label == "Empty paper").click().run())
    assert at.session_state["drawing-digits"].image is None, "it does not come back by itself"


def test_a_drawing_of_ones_own_stays_whatever_comes_along(runs):
    at = visit(runs=made(runs, "m2").id, drawing=preprocess_drawing.to_text(DRAWN), image="12")
    assert np.array_equal(at.session_state["drawing-digits"].image, DRAWN)


def test_an_epoch_that_is_not_the_last_is_said_to_be_gone(runs):
    folder = made(runs, "m2")  # its snapshot is of epoch 3
    assert "keeps its last weights alone" in said(visit(runs=folder.id, epoch="1"))
    assert "keeps its last weights alone" not in said(visit(runs=folder.id, epoch="3"))


def test_the_first_choice_is_labels_only_beside_m2(runs):
    for model in ("m1", "supervised", "m2", "adgm"):
        made(runs, model, kept=False)
    at = visit()
    assert [i.split("-")[0] for i in at.multiselect(key="runs").value] == ["supervised", "m2"]


def test_a_link_from_another_page_names_one_run(runs):
    first = made(runs, "m1", kept=False)
    other = made(runs, "m2", kept=False)
    assert visit(run=first.id).multiselect(key="runs").value == [first.id]
    assert visit(beside=first.id).multiselect(key="runs").value == [first.id, other.id]


def test_runs_on_other_data_sets_are_left_out(runs):
    one, other = made(runs, "m2"), made(runs, "m2", "mnist", kept=False)
    at = visit(runs=f"{one.id},{other.id}", drawing=preprocess_drawing.to_text(DRAWN))
    assert "Only the runs on Digits see it" in said(at)
    assert drawn(at).count("Entropy") == 1


# Beginning with an image


def test_beginning_with_a_test_image_and_going_back_to_empty_paper(runs):
    at = visit(runs=made(runs, "m2").id)
    quiet(at.number_input(key="begin").set_value(12).run())
    quiet(next(b for b in at.button if b.label == "Begin").click().run())
    kept = at.session_state["drawing-digits"]
    assert np.array_equal(kept.image, data.load("digits").x_test[12])
    assert "Entropy" in drawn(at)
    quiet(next(b for b in at.button if b.label == "Any").click().run())
    assert at.session_state["drawing-digits"].version == "3"
    quiet(next(b for b in at.button if b.label == "Empty paper").click().run())
    assert at.session_state["drawing-digits"].image is None


def test_a_drawing_survives_other_pages(runs):
    at = visit(runs=made(runs, "m2").id, drawing=preprocess_drawing.to_text(DRAWN))
    html = drawn(at)
    del at.query_params["drawing"]
    at.switch_page("pages/data.py").run()
    quiet(at.switch_page("pages/draw.py").run())
    assert drawn(at) == html


def test_each_data_set_has_a_drawing_of_its_own(runs):
    one, other = made(runs, "m2"), made(runs, "m2", "mnist", kept=False)
    at = visit(runs=one.id, drawing=preprocess_drawing.to_text(DRAWN))
    quiet(at.multiselect(key="runs").set_value([other.id]).run())
    assert "Entropy" not in drawn(at)
    quiet(at.multiselect(key="runs").set_value([one.id]).run())
    assert "Entropy" in drawn(at)


@pytest.mark.parametrize("dataset", ["fashion-mnist", "cifar10", "cifar100"])
def test_other_data_sets_without_their_images(runs, dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    spec = DATASETS[dataset]
    image = np.random.default_rng(0).integers(0, 256, spec.shape).astype(np.uint8)
    at = visit(runs=made(runs, "m2", dataset).id, drawing=preprocess_drawing.to_text(image))
    assert "Entropy" in drawn(at)
    assert drawn(at).count('aria-label="as ') == spec.n_classes
    assert f"The images of {spec.title} are not ready on this machine" in said(at)


def test_photographs_begin_with_one_of_the_data_set(runs):
    if data.availability("cifar10") != "ready":
        pytest.skip("CIFAR-10 is not on this machine")
    at = visit(runs=made(runs, "m2", "cifar10", kept=False).id)
    assert np.array_equal(at.session_state["drawing-cifar10"].image, data.load("cifar10").x_test[0])
    assert "Paint over a part" in said(at)


# Runs and addresses of every kind


@pytest.mark.parametrize("state", ["queued", "running", "stopped", "failed", "lost", "done"])
@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised", "inception", "efficientnet"])
def test_runs_without_weights(runs, state, model):
    folder = fake(runs, state, model=model, epochs=2)
    at = visit(runs=folder.id, drawing=preprocess_drawing.to_text(DRAWN))
    why = "it ended without weights" if state in FINAL else "its weights come with its first epoch"
    assert why in said(at).replace("\\", "")


def test_a_frozen_network_without_its_weights_says_so(runs, monkeypatch):
    from models.nn import pretrained

    def ready(name, device):
        raise DataError("The weights of Inception v3 are not on this machine.")

    monkeypatch.setattr(pretrained, "ready", ready)
    at = visit(runs=made(runs, "inception", kept=False).id, drawing=preprocess_drawing.to_text(DRAWN))
    assert "The weights of Inception v3 are not on this machine" in said(at)


def test_a_frozen_network_sees_drawings(runs, small_backbones):
    at = visit(runs=made(runs, "efficientnet").id, drawing=preprocess_drawing.to_text(DRAWN))
    assert "on frozen features" in drawn(at)
    assert "**Nearest in h**" in said(at)


def test_a_run_that_goes_on_is_asked_already(runs):
    folder = made(runs, "m2")
    assert folder.lock()
    folder.set_status("running")
    at = visit(runs=folder.id, drawing=preprocess_drawing.to_text(DRAWN), projection="umap")
    assert "UMAP follows when the run has ended" in said(at)
    assert "Entropy" in drawn(at)


def test_a_umap_that_is_not_there_is_asked_for_and_then_shown(runs, monkeypatch):
    folder = made(runs, "m2")
    at = visit(runs=folder.id, drawing=preprocess_drawing.to_text(DRAWN), projection="umap")
    assert "UMAP is being computed; this is the PCA" in said(at)
    ids = np.concatenate([np.arange(40), -1 - np.arange(60)]).astype(np.int32)
    path = folder.map_path(3, "z")
    path.parent.mkdir(exist_ok=True)
    save_file({"id": ids, "xy": np.random.default_rng(0).standard_normal((100, 2)).astype(np.float32)}, path)
    quiet(at.run())
    assert "UMAP of z" in said(at)
    assert "weighed by 1/distance" in said(at)


def test_damaged_files(runs):
    image = preprocess_drawing.to_text(DRAWN)
    folder = made(runs, "m2")
    snapshot = folder.path / "latents" / "0003.safetensors"
    snapshot.write_bytes(b"no")
    assert "cannot be read" in said(visit(runs=folder.id, drawing=image))
    save_file({"id": np.arange(30, dtype=np.int32), "z": np.zeros((30, 7), np.float16)}, snapshot)
    assert "do not fit together" in said(visit(runs=folder.id, drawing=image))
    shutil.rmtree(snapshot.parent)
    assert "has no saved latents" in said(visit(runs=folder.id, drawing=image))
    (folder.path / "model.safetensors").write_bytes(b"no")
    assert "is damaged" in said(visit(runs=folder.id, drawing=image))


def test_a_run_that_diverged(runs):
    folder = made(runs, "m2", kept=False)
    kept = load_file(folder.path / "model.safetensors")
    for broken in ("q_y", "p_x"):
        few = {name: w * np.nan if name.startswith(broken) and w.dtype.kind == "f" else w for name, w in kept.items()}
        save_file(few, folder.path / "model.safetensors")
        at = visit(runs=folder.id, drawing=preprocess_drawing.to_text(DRAWN))
        assert "the training has diverged" in said(at) + drawn(at)
        assert "nan" not in drawn(at)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../etc/passwd",
        "<b>x</b>",
        "A" * 100_000,
        "%00",
        "\u00dcn\u00efcode",
        preprocess_drawing.to_text(DRAWN)[:-6],
    ],
)
def test_a_wrong_drawing_in_the_address_is_left_out(runs, text):
    at = visit(runs=made(runs, "m2", kept=False).id, drawing=text, space="q", projection="x", map="..")
    assert ("The address holds a drawing that cannot be read" in said(at)) == bool(text)
    assert "Entropy" not in drawn(at)


def test_no_run_at_all(runs, no_examples):
    assert "No runs to draw for yet" in said(visit())
    assert "which is not here" in said(visit(runs="m2-digits-100-s0-none"))


# The pad


def test_a_message_of_the_pad_becomes_the_prepared_image():
    ink = pen(*SEVEN, width=14)
    begun = drawing.Drawing("0")
    after = drawing.taken(begun, message(ink, 3, strokes=None), DIGITS)
    assert np.array_equal(after.image, DRAWN)
    assert (after.heard, after.strokes, after.base) == (3, "[]", None)
    assert np.array_equal(preprocess_drawing.from_text(after.text, DIGITS.shape), DRAWN)
    assert drawing.taken(after, message(ink, 4), DIGITS).strokes == "[1]"
    assert drawing.taken(after, message(0 * ink, 5), DIGITS).image.max() == 0, "cleared: an empty image, not none"
    assert drawing.taken(after, message(ink, 4, version="7"), DIGITS) is after, "of a drawing that is no more"


def test_painting_on_a_base_keeps_it():
    base = np.array(data.load("digits").x_test[0])
    begun = drawing.Drawing("1", base, "test image 0").showing(base)
    after = drawing.taken(begun, message(np.zeros((112, 112), np.uint8), version="1"), DIGITS)
    assert np.array_equal(after.image, base)


@pytest.mark.parametrize(
    "wrong",
    [None, "x", [], {}, {"version": "0"}, message(pen(*SEVEN)) | {"layer": "!!"}, message(pen(*SEVEN)) | {"n": True},
     message(pen(*SEVEN)) | {"n": "1"}, message(pen(*SEVEN)) | {"layer": "A" * 500_000},
     message(pen(*SEVEN, side=100)), message(pen(*SEVEN)) | {"strokes": "x" * 2_000_000},
     message(pen(*SEVEN)) | {"strokes": 7},
     *[message(pen(*SEVEN)) | {"layer": base64.b64encode(junk).decode()} for junk in JUNK.values()]],
)  # fmt: skip
def test_what_no_pad_sends_is_refused(wrong):
    begun = drawing.Drawing("0")
    if isinstance(wrong, dict) and "version" not in wrong:
        assert drawing.taken(begun, wrong, DIGITS) is begun
        return
    with pytest.raises(DataError):
        drawing.taken(begun, wrong, DIGITS)


def test_what_the_browser_gets_of_a_drawing_is_plain():
    """All of it can be written as JSON, and the pixels are the image's."""
    sent = drawing_pad.pixels(DRAWN)
    assert json.loads(json.dumps(sent))["size"] == [16, 16]
    assert base64.b64decode(sent["pixels"]) == DRAWN.tobytes()


# Words and pictures


def test_how_strange_a_drawing_is_in_words():
    usual = np.arange(100.0, 200.0)
    assert own_image.rank(150.5, usual) == "Harder for this model to describe than 51 % of 100 test images."
    assert own_image.rank(500, usual) == "Harder for this model to describe than every one of 100 test images."
    assert own_image.rank(3, usual) == "Easier for this model to describe than every one of 100 test images."
    assert "left:0.00%" in own_image.strange(3, "x", usual, "eq. 6", "#000000")
    assert "left:100.00%" in own_image.strange(500, "x", usual, "eq. 6", "#000000")
    assert "no number" in own_image.strange(float("nan"), "x", usual, "eq. 6", "#000000")


def test_a_map_has_one_scale_and_a_place_beyond_it_says_so():
    xy = np.array([[0, 0], [10, 0], [10, 1]], np.float32)
    at = own_image.on_picture(xy, own_image.frame_of(xy))
    assert ((at > 0.02) & (at < 0.98)).all()
    wide, high = own_image.MAP
    assert (at[1, 0] - at[0, 0]) * wide / 10 == pytest.approx((at[1, 1] - at[2, 1]) * high / 1)


def test_each_model_says_its_class_large_and_what_it_draws_or_why_not(runs):
    folders = [made(runs, "supervised"), made(runs, "m2")]
    at = visit(runs=",".join(f.id for f in folders), drawing=preprocess_drawing.to_text(DRAWN))
    html = drawn(at)
    assert len(re.findall(r"<strong>\d</strong><div><b>[\d.]+ %</b>", html)) == 2
    assert html.count("No p(x): a classifier generates nothing and has no bound.") == 1
    assert html.count("<figcaption>Reconstruction</figcaption>") == 1
    assert any(s.value.startswith("The models ") for s in at.subheader)
    assert at.segmented_control(key="map").value == folders[1].id  # the one with p(x)


def test_a_drawing_unlike_the_data_set_is_told_what_to_try(runs, monkeypatch):
    folder, text = made(runs, "m2"), preprocess_drawing.to_text(DRAWN)
    for far, sure in ((True, True), (False, True), (False, False)):
        monkeypatch.setattr(unlike, "is_unlike", lambda *_, far=far: far)
        monkeypatch.setattr(drawing_start, "SURE", 0.0 if sure else 1.1)
        told = [i.value for i in visit(runs=folder.id, drawing=text).info]
        assert len(told) == int(far or not sure)
        assert all("nearly every 7 has a bar" in t for t in told)
        assert any("a guess" in t for t in told) == far


def test_names_of_classes_are_text():
    names = ["<b>", "a_b", *"01234567"]
    html = own_image.answer(np.full(10, 0.1, np.float32), names, "<i>")
    assert "<b>" not in html.replace('<b class="', "").replace("<b>−", "").split("&lt;b&gt;")[0]
    assert "&lt;i&gt;" in html
