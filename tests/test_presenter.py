"""?present on every page, ?follow beside it, and what goes from one to the other."""

import json
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest
from test_pages import PAGES, ROOT, check, links, open_page, root  # noqa: F401 (a fixture)

from models.errors import UserError
from pages.parts.presenter import channel, modes, present, reach
from pages.parts.presenter.channel import CHANNEL, Channel

LIVE = '{"group":{"mode":"class","lasso":[1,2],"pin":null,"card":true,"playing":false,"epoch":3}}'


@pytest.fixture(autouse=True)
def nobody_presents():
    CHANNEL.__init__()


def corner(app: AppTest, kind: str) -> dict | None:
    """What the presenter's or a follower's corner was given; None if there is none."""
    for e in app.get("bidi_component"):
        if e.proto.component_name == f"few_labels_{kind}":
            return json.loads(e.proto.mixed.json or e.proto.json)
    return None


def styles(app: AppTest) -> str:
    return " ".join(str(e.proto) for e in app.get("html"))


# --- The channel


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_who_has_the_key_presents_and_the_last_one_wins():
    c = Channel()
    with pytest.raises(UserError, match=r"'guess' is not the presenter's key\. It stands in the terminal"):
        c.take("guess", "a", lambda: True)
    assert not c.presents("a")
    assert not c.presents(None)
    c.take(f" {c.key.upper()}\n", "a", lambda: True)
    c.show("a", "pages/latent.py", {"run": "m2"}, LIVE)
    assert (c.look().page, c.look().address, c.look().live) == ("pages/latent.py", (("run", "m2"),), LIVE)
    c.take(c.key, "b", lambda: True)
    assert (c.presents("a"), c.presents("b")) == (False, True)
    c.show("a", "pages/data.py", {})
    assert c.look() is None, "who was replaced is not heard"
    assert Channel().key != c.key


def test_the_version_grows_with_each_change_and_with_nothing_else():
    c = Channel()
    assert c.look() is None
    c.take(c.key, "a", lambda: True)
    seen = []
    for page, address, live in (
        ("app.py", {}, None), ("app.py", {}, LIVE), ("app.py", {}, LIVE), ("app.py", {}, None),
        ("app.py", {"tour": "1"}, None), ("pages/data.py", {}, None),
    ):  # fmt: skip
        c.show("a", page, address, live)
        seen.append((c.look().version, c.look().live))
    first = seen[0][0]
    assert seen == [(first, ""), *[(first + 1, LIVE)] * 3, (first + 2, LIVE), (first + 3, "")]


def test_a_presenter_who_is_gone_for_a_minute_is_given_up():
    clock, there = Clock(), [True]
    c = Channel(clock)
    c.take(c.key, "a", lambda: there[0])
    c.show("a", "app.py", {})
    clock.now = 1000
    assert not c.look().ended, "who shows the same page for long is still there"
    there[0] = False
    clock.now += channel.GONE - 1
    assert not c.look().ended
    there[0] = True
    c.look()
    there[0] = False
    clock.now += channel.GONE - 1
    assert not c.look().ended, "back in between"
    clock.now += 2
    assert c.look().ended == "The presenter has been gone for a minute."
    assert not c.presents("a")
    c.take(c.key, "b", lambda: True)
    c.show("b", "app.py", {})
    c.leave("a")
    assert not c.look().ended
    c.leave("b")
    assert c.look().ended == "The presenter has stopped."


def test_the_key_is_printed_once(capsys):
    c = Channel()
    c.announce()
    c.announce()
    assert capsys.readouterr().err == f"  Presenter's key: {c.key}\n"


def test_neither_side_loads_torch():
    code = "import sys; from pages.parts.presenter import follow, present; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "False\n", done.stderr


# --- How others reach a page


def test_an_audience_gets_an_address_that_it_can_reach(monkeypatch):
    monkeypatch.setattr(reach, "local_address", lambda: "192.168.1.7")
    there = reach.of("http://lab.example:8501/?follow", None)
    assert (there.address, there.words) == ("http://lab.example:8501/?follow", "")
    assert there.qr.startswith("data:image/svg+xml")
    closed = reach.of("http://127.0.0.1:8501/latent", "127.0.0.1")
    assert (closed.address, closed.qr) == ("", "")
    assert closed.words == (
        "Only this machine reaches 127.0.0.1:8501. Serve with `streamlit run app.py --server.address 0.0.0.0`, so that "
        "others do, and the address is http://192.168.1.7:8501."
    )
    for bound in ("0.0.0.0", None):
        assert reach.of("http://localhost:8501/latent?run=a", bound).address == "http://192.168.1.7:8501/latent?run=a"
    monkeypatch.setattr(reach, "local_address", lambda: "")
    assert reach.of("http://localhost:8501/", "0.0.0.0").address == ""
    assert "8501." in reach.of("http://localhost:8501/", "127.0.0.1").words


def test_the_first_page_lies_beside_the_others():
    assert modes.start_of("https://h:1/few/latent?run=a") == modes.start_of("https://h:1/few/") == "https://h:1/few/"


# --- Pages


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_presented_without_its_menu(page, root):  # noqa: F811
    app = open_page(page, present="")
    check(app)
    given = corner(app, "presenter")
    assert given["links"][given["at"]]["file"] == page
    assert len(given["entries"]) == 6
    assert not given["presenting"]
    assert given["qr"] is None
    assert present.STYLE.split("\n")[1][:20] in styles(app)
    assert "present" in app.query_params
    assert corner(open_page(page), "presenter") is None


def test_a_page_asked_for_while_the_whole_page_runs_is_opened(root):  # noqa: F811
    """Its message is forgotten by then, as when a slider is let go of at the same time."""
    app = open_page("pages/data.py", present="")
    app.session_state[present.GO] = {"file": "pages/train.py", "query": {}}
    check(app.run())
    assert app.title[0].value == "Train"
    app.session_state[present.GO] = "no page"
    check(app.run())
    assert app.title[0].value == "Data"


@pytest.mark.parametrize("page", [p for p in PAGES if p != present.LEADS_ON])
def test_a_follower_comes_to_every_page_of_the_presenter(page, root):  # noqa: F811
    shown = open_page(page, present=CHANNEL.key)
    check(shown)
    assert corner(shown, "presenter")["presenting"]
    assert CHANNEL.key not in str(shown.query_params), "the key does not stand on the wall"
    assert CHANNEL.look().page == page
    for start in ("app.py", "pages/data.py"):
        follower = open_page(start, follow="")
        check(follower)
        assert corner(follower, "follower")["on"]
        (*_, entries) = links(follower)
        assert [link["file"] for link in entries if link["current"] == "page"] in ([page], []), page
        assert follower.title[0].value == shown.title[0].value
        assert "follow" in follower.query_params


def test_a_follower_sees_address_and_maps_until_it_lets_go(root):  # noqa: F811
    CHANNEL.take(CHANNEL.key, "me", lambda: True)
    CHANNEL.show("me", "pages/data.py", {"labels": "50", "seed": "3"}, LIVE)
    app = open_page("app.py", follow="")
    assert app.selectbox(key="labels").value == "50"
    assert corner(app, "follower")["live"] == LIVE
    app.number_input(key="seed").set_value(7).run()
    assert app.number_input(key="seed").value == 7, "one looks around as long as the presenter changes nothing"
    CHANNEL.show("me", "pages/data.py", {"labels": "20"}, LIVE)
    app.run()
    assert (app.selectbox(key="labels").value, app.number_input(key="seed").value) == ("20", 0)
    app.switch_page("pages/results.py").run()
    given = corner(app, "follower")
    assert (given["on"], given["said"]) == (False, "You went to another page than the presenter.")
    CHANNEL.show("me", "pages/train.py", {})
    app.run()
    assert app.title[0].value == "Results", "let go is let go"


def test_followers_are_told_and_let_go_when_nobody_presents_any_more(root):  # noqa: F811
    app = open_page("pages/data.py", follow="")
    assert corner(app, "follower")["waits"]
    CHANNEL.take(CHANNEL.key, "me", lambda: True)
    CHANNEL.show("me", "pages/data.py", {})
    CHANNEL.leave("me")
    app.run()
    given = corner(app, "follower")
    assert (given["on"], given["said"]) == (False, "The presenter has stopped. You go on by yourself.")


def test_a_wrong_key_is_answered_in_a_sentence(root):  # noqa: F811
    for wrong in ("guess", "\0", "x" * 5000, "Ünï"):
        app = open_page("pages/data.py", present=wrong)
        check(app)
        given = corner(app, "presenter")
        assert "is not the presenter's key" in given["said"]
        assert not given["presenting"]
        assert given["key"] == ""
