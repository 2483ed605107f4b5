"""The table of results: what counts, what is trained and what is not, what is kept, and what was published."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import fake_runs
import pytest

from data.published import PAPER, PUBLISHED, SOURCES, published
from models.__main__ import main
from models.errors import StoreError
from models.results import table, train_missing
from models.results.reference import reference_file
from models.runs.run import Run
from models.runs.store import Folder, runs

ROOT = Path(__file__).parents[1]
SHELL = [sys.executable, "-m", "models", "table", "--dataset", "digits", "--models", "m2", "--seeds", "2"]
NOWHERE = Path("/nowhere/at/all")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A runs folder in which training is pretended, a step a thousandth of a second."""
    monkeypatch.setenv("FEWLABELS_IDLE", "1")  # a supervisor that a command starts leaves when it has nothing to do
    monkeypatch.setenv("FEWLABELS_TRAIN", "fake_training:train")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests'}")
    monkeypatch.setenv("FAKE_MOMENT", "0.001")
    monkeypatch.setattr(table, "REFERENCE", tmp_path / "results")
    monkeypatch.setattr(table, "README", tmp_path / "README.md")
    table.README.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    return tmp_path / "runs"


def call(root, *more):
    return main(["table", "--dataset", "digits", "--models", "m2", "--runs", str(root), *map(str, more)])


def made(root, state="done", **run):
    """A run of M2 on the digits, unless said otherwise, with a result and few files."""
    return fake_runs.make(root, state, at=0, **run)


def row(root, reference=None, **more):
    (found,) = table.rows(["digits"], ["m2"], root=root, reference=reference, **more)
    return found


# What was published


def test_every_cell_of_the_papers_table_1_is_there():
    table_1 = """
        mnist m1 .873, mnist m2 .957, mnist adgm .993,
        cifar10 m1 .347, cifar10 m2 .452, cifar10 adgm .605, cifar10 inception .693,
        cifar100 m1 .161, cifar100 m2 .267, cifar100 adgm .418, cifar100 inception .473"""
    cells = [(d, m, 1000, float(a)) for d, m, a in map(str.split, table_1.split(","))]
    assert [(p.dataset, p.method, p.labels, p.accuracy) for p in PUBLISHED if p.source == PAPER] == cells


@pytest.mark.parametrize(
    ("source", "dataset", "labels", "errors"),
    [
        ("kingma2014", "mnist", 100, {"m1+tsvm": 11.82, "m2": 11.97, "m1+m2": 3.33}),
        ("kingma2014", "mnist", 600, {"m1+tsvm": 5.72}),
        ("kingma2014", "mnist", 1000, {"m1+tsvm": 4.24, "m2": 3.60, "m1+m2": 2.40}),
        ("kingma2014", "mnist", 3000, {"m1+tsvm": 3.49}),
        ("maaloe2016", "mnist", 100, {"adgm": 0.96, "sdgm": 1.32}),
        ("maaloe2016", "svhn", 1000, {"adgm": 22.86, "sdgm": 16.61}),
        ("tarvainen2017", "cifar10", 1000, {"mean-teacher": 21.55}),
        ("wei2018", "cifar10", 4000, {"ct-gan": 9.98}),
        ("keras2017", "mnist", 1000, {"m1": 9.4, "m2": 2.5}),
        ("keras2017", "cifar10", 1000, {"m1": 67.9, "m2": 58.0, "inception": 33.9}),
    ],
)
def test_the_others_error_rates_are_there_as_accuracies(source, dataset, labels, errors):
    found = {p.method: p.accuracy for p in published(dataset, labels=labels) if p.source == source}
    assert found == {method: pytest.approx(1 - e / 100, abs=1e-9) for method, e in errors.items()}


def test_spreads_are_the_sources_own():
    found = {(p.dataset, p.method, p.labels): p.spread for p in PUBLISHED if p.spread is not None}
    assert found == {
        ("mnist", "m2", 100): 0.0171, ("mnist", "m1+m2", 100): 0.0014,
        ("cifar10", "mean-teacher", 1000): 0.0148, ("cifar10", "ct-gan", 4000): 0.0021,
    }  # fmt: skip


def test_every_number_has_a_source_and_the_papers_come_first():
    assert {p.source for p in PUBLISHED} == set(SOURCES)
    assert [p.source for p in published("mnist", "m2", 1000)] == [PAPER, "kingma2014", "keras2017"]
    assert all(0 < p.accuracy < 1 for p in PUBLISHED)


# What counts


def test_a_row_is_the_mean_and_sample_sd_over_its_seeds(tmp_path):
    for seed in (2, 0, 1):
        made(tmp_path, seed=seed)
    baseline = made(tmp_path, model="supervised")
    found = row(tmp_path)
    accuracies = [fake_runs.accuracy(o_run, o_run.epochs) for o_run in (Run.make(seed=s) for s in range(3))]
    assert [o.seed for o in found.outcomes] == [0, 1, 2]
    assert (found.n, found.mean, found.sd) == (3, pytest.approx(mean(accuracies)), pytest.approx(stdev(accuracies)))
    assert found.seconds == pytest.approx(33.1)
    assert found.baseline.outcomes[0].run == baseline.id
    assert (found.baseline.n, found.baseline.sd, found.baseline.baseline) == (1, None, None)
    assert not found.reference
    assert row(tmp_path, seeds=2).n == 2
    assert "1 run" in table.text([found.baseline])
    assert f"{mean(accuracies):.3f}"[1:] + " ± " in table.markdown([found])


@pytest.mark.parametrize(
    ("given", "says"), [((1, 1), "33 (1 thread)"), ((2, 2), "33 (2 threads)"), ((2, 1), "33 (1 or 2 threads)")]
)
def test_a_row_says_how_many_threads_its_seconds_had(tmp_path, given, says):
    for seed, threads in enumerate(given):
        folder = made(tmp_path, seed=seed)
        folder.append({**folder.result(), "threads": threads})
    assert f"| {says} |" in table.markdown([row(tmp_path)])


def test_what_must_be_known_of_reference_figures_stands_below_them_and_not_below_ones_own():
    for dataset, note in table.NOTES.items():
        shown = [r for r in table.reference_rows() if r.dataset == dataset]
        assert note in table.markdown(shown)
        assert note in table.text(shown)
        own = [replace(r, outcomes=tuple(replace(o, run="one-of-ours") for o in r.outcomes)) for r in shown]
        assert note not in table.markdown(own)


def test_only_finished_test_set_runs_of_todays_preset_count(tmp_path):
    made(tmp_path, validation=100)
    made(tmp_path, epochs=3)
    made(tmp_path, labels=50)
    made(tmp_path, preset="paper")
    for state in ("failed", "stopped", "lost"):
        made(tmp_path, state)
    other = made(tmp_path)
    other.change(replace(other.run, settings=replace(other.run.settings, beta=0.123)))
    longer = made(tmp_path, epochs=3)  # with the schedule of three epochs, then extended to what is asked
    longer.change(Run.make())
    fake_runs.records(longer, Run.make().epochs, since=3)
    fake_runs.finish(longer)
    assert row(tmp_path).n == 0
    assert row(tmp_path).mean is None
    assert table.missing([Run.make()], tmp_path, None) == [Run.make()]
    made(tmp_path, threads=1, device="cpu")  # on another device it is the same cell
    assert row(tmp_path).n == 1


def test_the_newest_run_of_a_seed_counts_not_the_best(tmp_path):
    for accuracy in (0.99, 0.9):
        folder = made(tmp_path, "queued")
        folder.append({"kind": "result", "test_accuracy": accuracy, "seconds": 1.0})
        folder.set_status("done")
        time.sleep(0.01)
    assert row(tmp_path).mean == 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"test_accuracy": True}, {"test_accuracy": float("nan")}, {"test_accuracy": "0.9"}, {"test_accuracy": 1.5},
        {"seconds": "long"}, {"seconds": float("inf")}, {"threads": "two"}, {"t": "now"}, {"t": 1e300},
    ],
    ids=str,
)  # fmt: skip
def test_a_result_that_no_run_wrote_does_not_count_and_breaks_nothing(tmp_path, wrong):
    folder = made(tmp_path, "queued")
    right = {"kind": "result", "test_accuracy": 0.9, "seconds": 1.0, "t": 0.0}
    for line, n in ((right, 1), (right | wrong, 0)):
        folder.metrics.write_text(json.dumps(line) + "\n")
        folder.set_status("done")
        assert row(tmp_path).n == n


def test_runs_under_way_are_in_the_row_and_not_missing(tmp_path):
    queued, running = made(tmp_path, "queued", seed=1), made(tmp_path, "running", seed=2)
    assert row(tmp_path).running == (queued.id, running.id)
    wanted = table.wanted(["digits"], ["m2"], None, 4, "tuned")
    assert [r.seed for r in table.missing(wanted, tmp_path, None)] == [0, 3]


def test_the_budget_curve_has_a_row_for_every_label_count_with_an_outcome(tmp_path):
    for labels, seed in [(100, 0), (20, 0), (20, 5), (50, 0)]:
        made(tmp_path, labels=labels, seed=seed)
    made(tmp_path, "failed", labels=10)
    made(tmp_path, model="supervised", labels=20)
    found = table.budget("digits", "m2", "tuned", tmp_path, None)
    assert [(r.labels, r.n) for r in found] == [(20, 2), (50, 1), (100, 1)]
    assert found[0].baseline.n == 1
    text = table.markdown(
        table.rows(["digits"], ["m2", "supervised"], [20, 50, 100], None, root=tmp_path, reference=None)
    )
    assert re.search(r"\| 20 \| \.\d+ ± \.\d+, 2 seeds \| \.\d+ \(1 run\) \|", text)


def test_the_tables_load_no_torch():
    code = "import sys, models.results.table, models.results.train_missing\n"
    code += "models.results.table.rows(['mnist'], ['m1']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


# What is trained


def test_the_command_trains_only_what_is_missing(root, capsys):
    there = made(root, seed=0)
    assert call(root, "--seeds", 2) == 0
    out, err = capsys.readouterr()
    assert sorted((f.run.seed, f.status()["state"]) for f in runs(root)) == [(0, "done"), (1, "done")]
    assert "1 of 2 runs" in err
    assert "± " in out
    kept = json.loads((root / "table.json").read_text())["rows"][0]
    assert (kept["n"], kept["outcomes"][0]["run"]) == (2, there.id)
    assert call(root, "--seeds", 2, "--json") == 0
    out, err = capsys.readouterr()
    assert len(runs(root)) == 2
    assert err == ""
    assert json.loads(out)[0]["mean"] == pytest.approx(kept["mean"])


@pytest.mark.parametrize(("models", "code"), [([], 0), (["--models", "efficientnet,supervised"], 1)])
def test_a_network_without_its_weights_is_told_and_leaves_no_failed_run(models, code, root, capsys, monkeypatch):
    frozen = ("inception", "efficientnet")
    monkeypatch.setattr("models.shell.table.why_not", lambda m: f"No weights of {m}." if m in frozen else "")
    monkeypatch.setattr(table, "models_of", lambda dataset: ["efficientnet", "supervised"])
    assert main(["table", "--dataset", "digits", "--seeds", "1", "--runs", str(root), *models]) == code
    out, err = capsys.readouterr()
    assert "No weights of efficientnet." in err
    assert "EfficientNet-Lite0" in out
    assert [(f.run.model, f.status()["state"]) for f in runs(root)] == [("supervised", "done")]


def test_the_table_is_printed_even_where_it_cannot_be_kept(root, capsys):
    made(root)
    (root / "table.json").mkdir()
    assert call(root, "--seeds", 1) == 1
    out, err = capsys.readouterr()
    assert "(1 run)" in out
    assert str(root / "table.json") in err


def test_without_training_the_command_only_prints(root, capsys):
    assert call(root, "--no-train") == 0
    assert "not trained yet" in capsys.readouterr().out
    assert not root.exists()


SOFT = {"ctrl-c": signal.SIGINT, "kill": signal.SIGTERM}  # TERM: what a scheduler sends


@pytest.mark.parametrize("how", ["ctrl-c", "kill", "kill -9", "kill -9 of the command alone"])
def test_an_interrupted_table_goes_on_in_the_same_folders(root, how):
    slow = {**os.environ, "FAKE_MOMENT": "0.01" if "alone" in how else "0.1"}
    said = root.parent / "stderr"
    with open(said, "w") as err:
        process = subprocess.Popen([*SHELL, "--runs", str(root)], cwd=ROOT, env=slow, stderr=err)
    until(lambda: list(root.glob("*/at")))
    (first,) = runs(root)
    if how in SOFT:
        process.send_signal(SOFT[how])
    else:
        process.kill()
        if "alone" not in how:
            os.kill(first.pid(), signal.SIGKILL)
            until(lambda: not first.alive())
    code = process.wait(20)
    if how in SOFT:
        assert code == 130
        assert "Call the same command again" in said.read_text()
    assert first.status()["state"] == {"ctrl-c": "stopped", "kill": "stopped", "kill -9": "lost"}.get(how, "running")
    assert call(root, "--seeds", 2) == 0
    assert {(f.run.seed, f.status()["state"]) for f in runs(root)} == {(0, "done"), (1, "done")}
    assert len(runs(root)) == 2
    assert first.status()["attempt"] == (1 if "alone" in how else 2)
    starts = [r["step"] for r in first.records()[0] if r["kind"] == "start"]
    assert len(starts) == 1 or starts[1] > 0  # it went on, and did not begin anew


def test_columns_stay_in_line_whatever_the_names_are():
    wide = "A method with a name that is longer than any heading here"
    lines = table.columns(["Model", "Ours"], [[wide, ".994"], ["M2", ".990"]]).rstrip().splitlines()
    assert [line.index(figure) for line, figure in zip(lines[-2:], (".994", ".990"), strict=True)] == [
        len(wide) + 2
    ] * 2
    assert lines[0].index("Ours") == len(wide) + 2


def test_a_run_that_somebody_else_trains_is_waited_for(root):
    folder = Folder.create(Run.make(threads=3), root)  # the same cell on other threads
    lock = folder.lock()
    folder.set_status("running")

    def end():
        time.sleep(1)
        fake_runs.records(folder, folder.run.epochs)
        fake_runs.finish(folder)
        folder.set_status("done")
        os.close(lock)

    other = threading.Thread(target=end)
    other.start()
    said = []
    assert train_missing.fill([Run.make()], root, said.append) == []
    other.join()
    assert [f.id for f in runs(root)] == [folder.id]
    assert any("waiting" in s for s in said)


def test_a_run_that_another_shell_finished_meanwhile_is_not_trained_again(root):
    folder = made(root)
    assert train_missing.fill([folder.run], root, lambda _: None) == []
    assert [f.id for f in runs(root)] == [folder.id]


def test_one_that_was_made_and_never_begun_is_taken_up(root):
    folder = Folder.create(Run.make(), root)
    assert train_missing.fill([Run.make()], root, lambda _: None) == []
    assert [f.id for f in runs(root)] == [folder.id]
    assert folder.status()["state"] == "done"


def test_a_failed_run_does_not_end_the_table(root):
    raises, quick = Run.make(seed=3), Run.make(seed=0)
    (failure,) = train_missing.fill([raises, quick], root, lambda _: None)
    assert failure.startswith("m2-digits-100-s3: ")
    assert "KeyError" in failure
    assert {f.run.seed: f.status()["state"] for f in runs(root)} == {3: "failed", 0: "done"}


def test_failures_are_named_and_the_exit_code_says_so(root, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "10")  # the process ends at once, without a word
    assert call(root, "--seeds", 1) == 1
    assert "m2-digits-100-s0" in capsys.readouterr().err
    monkeypatch.delenv("FAKE_BEHAVIOUR")
    assert call(root, "--seeds", 1) == 0  # the same run is tried again, in the same folder
    assert len(runs(root)) == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--dataset", "imagenet"], "There is no data set 'imagenet'"),
        (["--models", "m1,gan"], "There is no model 'gan'"),
        (["--preset", "best"], "There is no preset 'best'"),
        (["--labels", "15"], "15 labels cannot be shared equally by the 10 classes of Digits"),
        (["--labels", "ten"], "'ten' is no whole number"),
        (["--seeds", "0"], "0 is not a possible number of seeds"),
        (["--device", "tpu"], "There is no device 'tpu'"),
        (["--models", ","], "There is no name in ','"),
    ],
)
def test_bad_arguments_are_told_in_a_sentence(args, says, root, capsys):
    try:
        code = call(root, *args)
    except SystemExit as e:
        code = e.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert says.casefold() in err.casefold()
    assert len(err.strip().splitlines()) == 1
    assert not root.exists()


# Reference figures


def test_the_command_keeps_reference_figures_and_writes_the_readme(root):
    assert call(root, "--seeds", 2, "--reference") == 0
    file = reference_file("digits", "tuned", table.REFERENCE)
    figures = json.loads(file.read_text())["outcomes"]
    assert [(f["seed"], f["accuracy"]) for f in figures] == [(0, 0.5), (1, 0.5)]
    assert figures[0]["settings"]["beta"] == Run.make().settings.beta
    assert {"versions", "git", "machine", "parameters"} <= figures[0].keys()
    section = table.markdown(table.reference_rows(table.REFERENCE))
    assert ".500 ± .000 | 2 |" in section
    assert table.README.read_text() == f"before\n{table.BEGIN}\n\n{section}\n{table.END}\nafter\n"
    elsewhere = root.parent / "elsewhere"
    assert call(elsewhere, "--seeds", 2, "--reference") == 0  # nothing is lacking
    assert runs(elsewhere) == []
    assert call(elsewhere, "--seeds", 1) == 0  # without it, everybody trains their own
    assert len(runs(elsewhere)) == 1


def test_one_cell_of_the_reference_figures_is_what_the_whole_table_says(tmp_path):
    for row in table.reference_rows():
        alone = table.reference_row(row.cell)
        assert (alone.mean, alone.sd, alone.n, alone.outcomes) == (row.mean, row.sd, row.n, row.outcomes)
    assert table.reference_row(("digits", "m2", 7, "tuned")).n == 0
    assert table.reference_row(("digits", "m2", 20, "tuned"), tmp_path).n == 0
    (tmp_path / "digits-tuned.json").write_text("[" * 3000)
    assert table.reference_row(("digits", "m2", 20, "tuned"), tmp_path).n == 0


def test_a_run_copied_from_elsewhere_does_not_claim_this_machine(root):
    file = reference_file("digits", "tuned", table.REFERENCE)
    for seed, here in ((0, True), (1, False)):
        made_by = made(root, seed=seed).path / "run.json"
        if not here:
            made_by.write_text(made_by.read_text().replace(platform.platform(), "another one"))
    table.keep_as_reference([row(root)], root, table.REFERENCE, table.README)
    machines = [f["machine"] for f in json.loads(file.read_text())["outcomes"]]
    assert machines[0]["cores"] > 0
    assert machines[1] is None


def test_own_runs_stand_before_reference_ones_of_the_same_seed(root):
    for seed in (0, 1):
        made(root, seed=seed)
    table.keep_as_reference([row(root)], root, table.REFERENCE, table.README)
    fresh = row(NOWHERE, table.REFERENCE)
    assert (fresh.n, fresh.reference) == (2, True)
    assert fresh.mean == row(root).mean
    assert "reference" in table.text([fresh])
    assert table.missing(table.wanted(["digits"], ["m2"]), NOWHERE, table.REFERENCE) == [Run.make(seed=2)]
    mixed = root.parent / "mixed"
    own = made(mixed, seed=1)
    assert [o.run for o in row(mixed, table.REFERENCE).outcomes] == [None, own.id]
    assert not row(mixed, table.REFERENCE).reference
    assert "2 (1 of 2 reference)" in table.text([row(mixed, table.REFERENCE)])


def test_a_new_figure_replaces_the_old_and_outdated_ones_are_dropped(root):
    for model in ("m2", "supervised"):
        for seed in (0, 1):
            made(root, model=model, seed=seed)
    every = table.rows(["digits"], ["m2", "supervised"], root=root, reference=None)
    table.keep_as_reference(every, root, table.REFERENCE, table.README)
    file = reference_file("digits", "tuned", table.REFERENCE)
    whole = json.loads(file.read_text())
    assert [(f["model"], f["seed"]) for f in whole["outcomes"]] == [
        ("m2", 0), ("m2", 1), ("supervised", 0), ("supervised", 1)]  # fmt: skip
    whole["outcomes"][0]["accuracy"] = 0.111  # m2, seed 0: to be replaced
    whole["outcomes"][3]["settings"]["beta"] = 0.123  # no longer what the preset means
    file.write_text(json.dumps(whole))
    (m2, baseline) = table.rows(["digits"], ["m2", "supervised"], root=NOWHERE, reference=table.REFERENCE)
    assert m2.outcomes[0].accuracy == 0.111
    assert [o.seed for o in baseline.outcomes] == [0]
    table.keep_as_reference(every[:1], root, table.REFERENCE, table.README)
    left = json.loads(file.read_text())["outcomes"]
    assert [(f["model"], f["seed"]) for f in left] == [("m2", 0), ("m2", 1), ("supervised", 0)]
    assert left[0]["accuracy"] == every[0].outcomes[0].accuracy


@pytest.mark.parametrize("change", [{"of_yesterday": 1}, {"hidden": [7]}])
def test_figures_of_other_settings_are_no_damage_and_are_dropped(change, root):
    for seed in (0, 1):
        made(root, seed=seed)
    table.keep_as_reference([row(root)], root, table.REFERENCE, table.README)
    file = reference_file("digits", "tuned", table.REFERENCE)
    whole = json.loads(file.read_text())
    whole["outcomes"][0]["settings"] |= change
    file.write_text(json.dumps(whole))
    assert table.problems(table.REFERENCE) == []
    assert [o.seed for o in row(NOWHERE, table.REFERENCE).outcomes] == [1]
    table.keep_as_reference([row(root, seeds=[1])], root, table.REFERENCE, table.README)
    assert [f["seed"] for f in json.loads(file.read_text())["outcomes"]] == [1]


@pytest.mark.parametrize("wrong", [{"made": 3}, {"dataset": ["digits"]}, {"seconds": "1"}, {"device": None}])
def test_a_reference_figure_of_the_wrong_kind_is_told(wrong, root):
    made(root)
    table.keep_as_reference([row(root)], root, table.REFERENCE, table.README)
    file = reference_file("digits", "tuned", table.REFERENCE)
    whole = json.loads(file.read_text())
    whole["outcomes"][0] |= wrong
    file.write_text(json.dumps(whole))
    assert row(NOWHERE, table.REFERENCE).n == 0
    assert len(table.problems(table.REFERENCE)) == 1


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"outcomes": [{}]}', '{"outcomes": 3}', '{"outcomes": ["a"]}', '{"runs": []}', "\xff", "[" * 100_000],
    ids=lambda text: text[:20],
)
def test_a_damaged_or_foreign_reference_file_is_told_and_left_alone(text, root, capsys):
    made(root)
    file = reference_file("digits", "tuned", table.REFERENCE)
    file.parent.mkdir()
    file.write_text(text, encoding="latin-1")
    assert row(NOWHERE, table.REFERENCE).n == 0
    (trouble,) = table.problems(table.REFERENCE)
    assert str(file) in trouble
    assert call(root, "--no-train", "--reference") == 1
    err = capsys.readouterr().err
    assert str(file) in err
    assert "Traceback" not in err
    assert file.read_text(encoding="latin-1") == text
    assert "old" in table.README.read_text()


def test_a_readme_without_its_markers_is_told():
    with pytest.raises(StoreError, match="has no section"):
        table.into("A README of another kind.", [])


def test_the_readmes_table_is_the_reference_figures():
    """Whoever changes a preset, a figure or how a table is written calls `python -m models table --reference` again."""
    assert table.problems() == []
    text = (ROOT / "README.md").read_text()
    assert text == table.into(text, table.reference_rows())


def test_points_are_a_table_of_their_own_and_are_called_points(root, capsys):
    figures = ("--dataset", "stripes,moons", "--models", "supervised,label-spreading")
    for dataset in ("moons", "stripes"):
        for seed in range(2):
            made(root, dataset=dataset, model="label-spreading", seed=seed)
    assert call(root, *figures, "--no-train", "--seeds", 2) == 0
    assert "SVM on x" in (said := capsys.readouterr().out)
    assert "pixels" not in said
    made(root, dataset="moons", model="supervised")
    made(root)
    with pytest.raises(StoreError, match="has no section"):
        table.into(table.README.read_text(), table.rows(["moons"], ["label-spreading"], root=root))
    table.README.write_text(table.README.read_text() + f"{table.POINTS}\nold\n{table.END_POINTS}\nlast\n")
    assert call(root, *figures, "--no-train", "--seeds", 2, "--reference") == 0
    assert call(root, "--no-train", "--reference") == 0
    first, _, rest = table.README.read_text().partition(table.POINTS)
    assert "Digits" in first
    assert "Moons" not in first
    assert re.search(r"\| Moons \| 6 \| \S+ \(1 run\) \| .*, 2 seeds \|\n\| Stripes \| 4 \|  \|", rest)
    assert "mean ± sd of" not in rest, "not of all"
    assert "Digits" not in rest


def until(true, patience=120):
    give_up = time.monotonic() + patience
    while not true():
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.02)
