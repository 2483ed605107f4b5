"""Names, tags, deleting with undo, and whose runs are whose: on the pages, on a server for one and for many."""

import json
import sys
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from models.__main__ import main
from models.errors import RunError, StoreError
from models.runs import archive, aside, naming, store
from models.runs.naming import Named, named
from pages.parts.shared import owner

sys.path.insert(0, str(Path(__file__).parent))

import fake_runs

ROOT = Path(__file__).parents[1]
ODD = "**x** <script> $a$ :red[x] www.x.org -- &lt;"  # what Markdown and HTML would take for their own


@pytest.fixture
def root(tmp_path, monkeypatch, no_supervisor):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def visit(page: str, chosen: str = "", **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    if chosen:
        app.session_state[f"{Path(page).stem.replace('app', 'start')}-chosen"] = [chosen]
    app.query_params.update(address)
    (app if page == "app.py" else app.switch_page(page)).run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


def said(app: AppTest) -> str:
    return " ".join(e.value for e in (*app.caption, *app.markdown))


def labels(app: AppTest) -> list[str]:
    return [b.label for b in app.button]


def test_a_name_is_shown_as_it_is_and_a_deleted_run_comes_back_with_it(root):
    run = fake_runs.make(root, "done", model="m2", epochs=2)
    before = sorted(p.name for p in run.path.iterdir())
    app = visit("app.py", run.id)
    app.text_input(key=next(t.key for t in app.text_input if t.label == "Name")).input(f"  {ODD}  ")
    app.multiselect(key=next(m.key for m in app.multiselect if m.label == "Tags")).set_value(["good", "20 labels"])
    press(app, "Save")
    assert run.called == Named(ODD, ("good", "20 labels"))
    assert app.dataframe[0].value["name"].tolist() == [ODD]
    titles = [m.value for m in visit("pages/train.py").markdown if "script" in m.value]
    above_its_map, of_its_card = (t for t in titles if t.startswith("**"))
    assert above_its_map == f"{of_its_card[:-2]} (M2)**"
    assert of_its_card == r"**\*\*x\*\* \<script\> \$a\$ \:red\[x\] www\.x.org \-- \&lt;**"

    app = visit("app.py", run.id)
    press(app, "Delete")
    assert store.runs(root) == []
    assert not [d for d in app.dataframe if run.id in str(d.value)]
    assert "was deleted" in said(visit("pages/latent.py", run=run.id))
    press(visit("pages/train.py"), "Undo")  # on another page, in another session
    assert [f.id for f in store.runs(root)] == [run.id]
    assert sorted(p.name for p in run.path.iterdir()) == sorted([*before, naming.FILE, "lock"])
    assert run.called.name == ODD


def test_a_page_that_watches_a_deleted_run_says_so(root):
    run = fake_runs.make(root, "done", model="m2", epochs=2)
    app = visit("pages/train.py", watch=run.id)
    store.delete(root, run.id)
    app.run()
    assert not app.exception
    assert "was deleted" in said(app)


def test_a_table_is_filtered_by_words_of_any_column(root):
    for seed in range(3):
        fake_runs.make(root, "done", model="m2", epochs=1, seed=seed)
        fake_runs.make(root, "failed", model="m1", epochs=1, seed=seed).rename(named("", ["good"]))
    app = visit("app.py")
    app.text_input(key="start-filter").input("GOOD seed 1 failed").run()
    table = app.dataframe[0].value
    assert (table["model"].tolist(), table["seed"].tolist()) == (["M1"], [1])


@pytest.mark.parametrize("how", ["address", "proxy", "host"])
def test_where_others_can_come_one_manages_only_one_s_own(root, monkeypatch, how):
    theirs = fake_runs.make(root, "stopped", model="m2", epochs=2)
    app = visit("app.py", theirs.id)
    assert "Delete" in labels(app)
    assert "Continue" in labels(visit("pages/train.py", watch=theirs.id))
    if how == "address":
        monkeypatch.setattr("streamlit.get_option", lambda name: None)  # all addresses of the machine
    else:
        sent = {"X-Forwarded-For": "203.0.113.5"} if how == "proxy" else {"Host": "few-labels.example:8501"}
        monkeypatch.setattr("streamlit.runtime.context.ContextProxy.headers", sent)
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {owner.COOKIE: "ab" * 16})
    app = visit("app.py", theirs.id)
    assert "Delete" not in labels(app)
    assert "not yours" in said(app)
    assert "Continue" not in labels(visit("pages/train.py", watch=theirs.id))
    mine = fake_runs.make(root, "stopped", model="m1", epochs=2)
    told = json.loads((mine.path / "run.json").read_text())
    told["made"]["owner"] = owner.hashed("ab" * 16)
    (mine.path / "run.json").write_text(json.dumps(told))
    assert "Continue" in labels(visit("pages/train.py", watch=mine.id))
    press(visit("app.py", mine.id), "Delete")
    assert [f.id for f in store.runs(root)] == [theirs.id]
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {owner.COOKIE: "cd" * 16})
    assert "Undo" not in labels(visit("app.py"))


def test_what_was_deleted_is_kept_for_a_while_whoever_looks(root, monkeypatch):
    run, other = (fake_runs.make(root, "done", model="m2", epochs=1, seed=s) for s in (0, 1))
    store.delete(root, run.id)
    assert store.open_folder(root, run.id) is None
    with pytest.raises(StoreError, match="no deleted run"):
        store.restore(root, other.id)
    fake_runs.make(root, "done", model="m2", epochs=1).path.rename(run.path)
    with pytest.raises(StoreError, match="another run"):
        store.restore(root, run.id)
    store.delete(root, run.id, now=True)
    assert store.deleted(root)[run.id][0].result(), "only the last of that name was removed"
    store.restore(root, run.id)
    store.delete(root, run.id)
    (root / ".deleted-m2-left-by-an-older-version").mkdir()
    now = time.time() + aside.KEPT + 1
    monkeypatch.setattr("models.runs.aside.time.time", lambda: now)
    with pytest.raises(StoreError, match="no deleted run"):
        store.restore(root, run.id)
    assert [f.id for f in store.runs(root)] == [other.id]
    assert [p.name for p in root.iterdir()] == [other.id]


def test_the_shell_renames_deletes_several_and_brings_back(root, capsys):
    a, b = (fake_runs.make(root, "done", model="m2", epochs=1, seed=s) for s in (0, 1))
    assert main(["rename", a.id, "The best", "--tag", "good", "--tag", "slow"]) == 0
    assert main(["rename", a.id, "--tag", "good"]) == 0
    assert a.called == Named("The best", ("good",))
    assert '"The best", #good' in main_says(["list"], capsys)
    assert main(["delete", a.id, "m2-none", b.id]) == 1, "one of them is not there"
    assert "no run 'm2-none'" in capsys.readouterr().err
    assert store.runs(root) == []
    assert set(json.loads(main_says(["restore", "--json"], capsys))[0]) == {"run", "seconds_left"}
    assert json.loads(main_says(["restore", "--json", a.id, b.id], capsys)) == {"restored": [a.id, b.id]}
    assert {f.id for f in store.runs(root)} == {a.id, b.id}
    for wrong in (["rename", a.id, "x" * 61], ["rename", a.id, "a\nb"], ["rename", a.id], ["rename", "m2-none", "x"]):
        assert main(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


def main_says(args: list[str], capsys) -> str:
    capsys.readouterr()
    assert main(args) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "tags"),
    [("x" * 61, []), ("a\u202eb", []), ("a\x00", []), ("x" + "\u0301" * 9, []), ("", ["x" * 25]), ("", ["a,b"]),
     ("", list("abcdefghi"))],
)  # fmt: skip
def test_a_name_that_no_run_can_have_is_refused_and_smuggled_by_no_zip(root, tmp_path, name, tags):
    with pytest.raises(RunError):
        named(name, tags)
    run = fake_runs.make(root, "done", model="m2", epochs=1)
    (run.path / naming.FILE).write_text(json.dumps({"name": name, "tags": tags}))
    assert run.called == Named()
    with pytest.raises(StoreError, match=r"name\.json"):
        archive.bring(archive.export(run, tmp_path / "a.zip"), tmp_path / "there")


def test_a_name_travels_with_the_run_and_its_owner_does_not(root, tmp_path):
    run = fake_runs.make(root, "done", model="m2", epochs=1)
    run.rename(named(ODD, ["good"]))
    came = archive.bring(archive.export(run, tmp_path / "a.zip"), tmp_path / "there", owner="who brings it")
    assert came.called == Named(ODD, ("good",))
    assert came.made["owner"] == "who brings it"
    assert archive.bring(tmp_path / "a.zip", tmp_path / "there", owner="another").path == came.path
    (run.path / naming.FILE).write_text(json.dumps({"name": "x", "tags": [], "more": "y" * 100}))
    with pytest.raises(StoreError, match="more than a name"):
        archive.bring(archive.export(run, tmp_path / "b.zip"), tmp_path / "elsewhere")
