"""What is chosen on a page stands in its address, as README says: every widget of a page is changed once."""

import fake_runs
import pytest
from test_pages import check, open_page, root  # noqa: F401 (fixture)

KINDS = ("selectbox", "number_input", "slider", "select_slider", "toggle", "multiselect", "text_input")
OWN = ("more-", "sample-")  # of one run's card: how many epochs more it is to have, of which epoch the samples are
PAGES = {
    "train": {"preset": "custom", "sweep": "lr", "sweep-values": "1", "count": "more"},
    "data": {},
    "results": {},
}


def change(widget, kind: str) -> None:
    """Choose something else."""
    if kind == "toggle":
        widget.set_value(not widget.value)
    elif kind in ("selectbox", "select_slider"):
        index = -1 if widget.value is None else [*map(str, widget.options)].index(str(widget.format_func(widget.value)))
        widget.set_value(widget.options[index - 1])
    elif kind == "multiselect":
        widget.set_value([*widget.value, *(o for o in widget.options if o not in widget.value)][1:2])
    elif kind == "text_input":
        widget.set_value("7")
    else:
        least, most = float(widget.min), float(widget.max)
        widget.set_value(type(widget.value or 1)(least if widget.value != least else most))


@pytest.mark.parametrize("page", PAGES)
def test_what_is_chosen_stands_in_the_address(root, page):  # noqa: F811
    for model in ("m2", "adgm"):
        fake_runs.make(root, "done", model=model, epochs=3)
    app = open_page(f"pages/{page}.py", **PAGES[page])
    keys = [
        (kind, w.key)
        for kind in KINDS
        for w in app.get(kind)
        if w.key and not w.key.startswith(OWN) and not w.key.endswith("-filter")
    ]
    left = []
    for kind, key in keys:
        found = [w for w in app.get(kind) if w.key == key and not w.disabled]
        if not found or (kind == "selectbox" and len(found[0].options) < 2):
            continue  # a choice before has made it needless
        before = dict(app.query_params)
        change(found[0], kind)
        app.run()
        if dict(app.query_params) == before:
            left.append(key)
    check(app)
    assert not left
    assert len(keys) > 1
