"""Choosing: runs, data sets, labels, seeds. What is chosen stands in the address, so that a copied link shows the same.

The address is the truth and user input at once: a value is taken from it only if it is among the options.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import data
from data import DATASETS, IMAGE_SETS, Spec
from models import MODELS, aliases
from models.errors import RunError, UserError
from models.nn import pretrained_weights
from models.results import examples
from models.runs import store
from models.runs.run import Run, is_id
from pages.parts.shared import damaged_runs, undo, url_state, words

T = TypeVar("T")
EXAMPLES = "Example runs, until you train your own."


def linked(
    key: str,
    options: Sequence[T],
    default: T,
    write: Callable[[T], str] = str,
    always: bool = False,
    tell: bool = True,
    last: str = "",
) -> T:
    """Prepare a widget with this key to follow ?key= in the address; returns the value it will show.

    Call it before the widget, give the widget the same key and no default, and `on_change=to_address(key)`. A default
    is put into the address only with `always`: each change of the address is one more press of Back. Without `tell`
    the widget is not told: it has to be given the value as its default, if it is drawn. The session keeps the value as
    `last`, last_KEY unless another is given.
    """
    last = last or f"last_{key}"
    asked = aliases.in_address(key, st.query_params.get(key))
    by_name = {write(o): o for o in options}
    value = by_name.get(asked, default) if asked is not None else st.session_state.get(last, default)
    if value not in options:
        value = default
    if tell:
        url_state.show(key, value)
    st.session_state[last] = value
    settle(key, write(value), write(default), always)
    return value


def linked_several(key: str, options: Iterable[T], default: Sequence[T]) -> tuple[list[T], Callable[[], None]]:
    """Prepare a widget of several choices with this key to follow ?key=a,b in the address.

    Returns what it will show, in the order of the address, and its on_change; give it the same key and no default.
    """
    value = asked_several(key, options, default)
    return value, show_several(key, value, default)


def asked_several(key: str, options: Iterable[T], default: Sequence[T], least: int = 0) -> list[T]:
    """Those of the options that ?key=a,b asks for; else, or if they are too few, what was chosen last or by default."""
    by_name = {str(o): o for o in options}
    texts = st.query_params.get(key), st.session_state.get(f"last_{key}"), listed(default)
    asked = (list(dict.fromkeys(by_name[n] for n in t.split(",") if n in by_name)) for t in texts if t is not None)
    return next(value for value in asked if len(value) >= least)


def show_several(key: str, value: Sequence[T], default: Sequence[T]) -> Callable[[], None]:
    """Let a widget of several choices with this key show `value`, and the address say it; returns its on_change."""
    url_state.show(key, value)
    st.session_state[f"last_{key}"] = listed(value)
    settle(key, listed(value), listed(default))
    return to_address(key, listed)


def listed(values: Iterable[object]) -> str:
    """Several values as an address says them."""
    return ",".join(map(str, values))


def settle(key: str, value: str, default: str, always: bool = False) -> None:
    """Let the address say `value`; or nothing, if that is the default and nobody asked for it there."""
    if st.query_params.get(key) != value and (always or key in st.query_params or value != default):
        st.query_params[key] = value


def to_address(key: str, write: Callable[[T], str] = str, may_be_empty: bool = False) -> Callable[[], None]:
    """An on_change that writes the widget's new value into the address; of a field that may be empty, nothing then."""

    def changed() -> None:
        value = st.session_state[key]
        if may_be_empty and value in (None, ""):
            forget(key)
        elif value is None:  # a segmented control whose chosen segment was clicked again: stay
            return
        else:
            st.query_params[key] = write(value)

    return changed


def forget(key: str) -> None:
    """Nothing is chosen any more of what ?key= says."""
    st.query_params.pop(key, None)
    st.session_state[f"last_{key}"] = None


# Streamlit tells the browser what was put into the session until a message comes from there, in the runs of st.rerun
# too: a click that meets this is taken back. What a widget shows when it is made is therefore its default.


def segments(
    label: str,
    key: str,
    options: Mapping[T, str] | Sequence[T],
    default: T | None = None,
    shown: bool = True,
    **more: object,
) -> T:
    """One of a few, bound to ?key= by a segmented control; the first of `options` where there is no `default`.

    A mapping gives each option its title. `more` goes to st.segmented_control; an `on_change` of one's own has to write
    the address. If it is not `shown`, there is no control, and the address is followed all the same.
    """
    every, known = list(options), key in st.session_state
    value = linked(key, every, every[0] if default is None else default, tell=known)
    if isinstance(options, Mapping):
        more.setdefault("format_func", options.__getitem__)
    more.setdefault("on_change", to_address(key))
    if shown:
        st.segmented_control(label, every, default=None if known else value, key=key, required=True, **more)
    return value


def toggle(label: str, key: str, shown: bool = True, **more: object) -> bool:
    """A toggle, off by default, bound to ?key=1; the same if it is not `shown`. `more` goes to st.toggle."""
    known = key in st.session_state
    value = linked(key, (False, True), False, lambda on: str(int(on)), tell=known)
    if shown:
        on_change = to_address(key, lambda on: str(int(on)))
        st.toggle(label, value=value and not known, key=key, on_change=on_change, **more)
    return value


def one_more(
    key: str, options: Sequence[str], add: Callable[[str], None], placeholder: str = "More methods", **more: object
) -> None:
    """A method that is not among those shown: `add` is told its name, and the field is empty again."""

    def chosen() -> None:
        name, st.session_state[key] = st.session_state[key], None
        if name is not None:
            add(name)

    st.selectbox(
        "More methods", options, None, lambda m: MODELS[m].title, key=key, on_change=chosen, placeholder=placeholder,
        label_visibility="collapsed", **more,
    )  # fmt: skip


def continued(run: Run) -> str:
    """What marks a run that goes on from another one; "" of any other."""
    return ", continued" if run.parent else ""


def short_title(folder: store.Folder) -> str:
    """A run's method, "M2"; one that somebody has named as "my best (M2)". Not yet safe for Markdown: see `plain`."""
    method, name = MODELS[folder.run.model].legend + continued(folder.run), folder.called.name
    return f"{name} ({method})" if name else method


def run_label(folder: store.Folder, full: bool = True) -> str:
    """A run in words: "M2 · Digits · 100 labels · seed 0 · 40 epochs", after its name. Not yet safe for Markdown."""
    try:
        run = folder.run
    except (RunError, ValueError, OSError):
        return folder.id
    title = MODELS[run.model].legend + continued(run)
    if folder.made.get("example"):
        title = f"Example: {title}"
    words = [*filter(None, [folder.called.name]), title, DATASETS[run.dataset].title, run.budget(), f"seed {run.seed}"]
    if full and not folder.made.get("example"):  # of which there is one of each
        words += filter(None, [f"{run.epochs} epochs", run.setup, folder.id.rsplit("-", 1)[-1]])
    return " · ".join(words)


def labels_of(folders: Mapping[str, store.Folder]) -> dict[str, str]:
    """Runs to choose from in words, by id: as short as tells them apart. Not yet safe for Markdown."""
    short = {i: run_label(f, full=False) for i, f in folders.items()}
    alike = Counter(short.values())
    return {i: label if alike[label] == 1 else run_label(folders[i]) for i, label in short.items()}


def begun_anew(folders: list[store.Folder]) -> list[store.Folder]:
    """Those that go on from no other run, which are what a page opens with; all, if there is no other."""
    return [f for f in folders if not f.run.parent] or folders


def of_one_seed(folders: list[store.Folder]) -> list[store.Folder]:
    """Of runs with the same data and labels, newest first, those of the seed with most methods, the newest such seed.

    All of them, if no seed has two methods.
    """
    seeds: dict[int, list[store.Folder]] = {}
    for f in folders:
        seeds.setdefault(f.run.seed, []).append(f)
    methods = {seed: len({f.run.model for f in of}) for seed, of in seeds.items()}
    best = max(methods, key=methods.__getitem__, default=None)
    return folders if best is None or methods[best] < 2 else seeds[best]


def readable_runs(can: Callable[[store.Folder], bool] | None = None) -> list[store.Folder]:
    """Every run that pages show and that `can` allows, newest first.

    Not one that this version cannot read, nor one measured on held-out training images: its accuracies are not those
    of the test images, and no page should put them side by side. Nor one on points in the plane, which have no images:
    a page of their own shows them.
    """
    found = []
    for folder in store.runs(store.root()):
        try:
            if folder.run.validation or DATASETS[folder.run.dataset].points:
                continue
        except (RunError, ValueError, OSError):
            continue
        if can is None or can(folder):
            found.append(folder)
    return found


def is_done(folder: store.Folder) -> bool:
    """Whether the run has a result."""
    return folder.status().get("state") == "done"


def nothing_yet(sentence: str, link: bool = True) -> None:
    """What stands in place of a run when there is none: one sentence and the way to Train."""
    st.caption(sentence)
    if link:
        to_train()


def to_train() -> None:
    """The way to Train."""
    st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")


def offered(can: Callable[[store.Folder], bool] | None, asked: Sequence[str]) -> tuple[dict[str, store.Folder], bool]:
    """The runs to choose from, by id, and whether they are the examples, for want of runs of one's own.

    Beside one's own stand those examples that the address asks for.
    """
    own = {f.id: f for f in readable_runs(can)}
    if own and set(asked) <= set(own):
        return own, False
    kept = {f.id: f for f in examples.bring(store.root()) if can is None or can(f)}
    if own:
        return own | {i: kept[i] for i in asked if i in kept}, False
    return kept, bool(kept)


def examples_of(at_most: int) -> list[store.Folder]:
    """The examples, for a page that shows them, and says so, while there is no run of one's own."""
    return sorted(examples.bring(store.root()), key=lambda f: list(MODELS).index(f.run.model))[:at_most]


def these_are_examples() -> None:
    """What stands above examples: what they are, and the way to runs of one's own."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", width="content", key="these-are-examples"
    ):
        st.caption(
            EXAMPLES,
            width="content",
            help=f"They come with Few Labels, trained on {DATASETS[examples.DATASET].title} with {examples.LABELS} "
            "labels. They stand in no table of results.",
        )
        to_train()


def choose_run(
    can: Callable[[store.Folder], bool] | None = is_done,
    label: str = "Run",
    none: str = "No finished runs yet. Train a model first; on the digits it takes about a minute.",
    key: str = "run",
) -> store.Folder | None:
    """A select box of runs, bound to ?run=: one's own, else the examples. None if neither fits `can`."""
    asked = st.query_params.get(key)
    folders, lent = offered(can, [asked] if asked else [])
    if asked is not None and (broken := broken_run(asked)):
        damaged_runs.row(*broken, where=key)
        _another(folders, label, key)
        return None
    if asked is not None and asked not in folders:
        st.caption(_why_not(asked))
        del st.query_params[key]
    if not folders:
        nothing_yet(none)
        return None
    ids = list(folders)
    linked(key, ids, begun_anew(list(folders.values()))[0].id, always=not lent)
    labels = labels_of(folders)
    with st.container(horizontal=True, vertical_alignment="center", key=f"run-row-{key}"):
        chosen = st.selectbox(
            label, ids, key=key, format_func=labels.__getitem__, on_change=to_address(key), label_visibility="collapsed"
        )
        if lent:
            these_are_examples()
    return folders[chosen]


def choose_runs(
    at_most: int = 3,
    can: Callable[[store.Folder], bool] | None = is_done,
    label: str = "Runs",
    none: str = "No finished runs yet. Train two or three models first, then compare them here.",
    default: Callable[[list[store.Folder]], list[store.Folder]] | None = None,
    key: str = "runs",
    link: bool = True,
    shown_label: bool = True,
    where: DeltaGenerator | None = None,
) -> list[store.Folder]:
    """A choice of up to `at_most` runs, bound to ?runs=id,id: one's own, else the examples. Empty if none fits `can`.

    `default` picks the first choice from all that fit, newest first; without it, the newest ones. Without `link` there
    are no examples, no way to Train where there is no run, and a first choice is not put into the address. The
    menu of a page of one run says ?beside=: that run, first, and what `default` puts beside it. The choice is drawn in
    `where`, if that is given, and what is wrong with the address here.
    """
    if link and (one := st.query_params.pop("beside", None)) and key not in st.query_params:
        st.query_params[key] = ",".join(beside(one, at_most, can, default, key))
    asked = [i for i in st.query_params.get(key, "").split(",") if i]
    folders, lent = offered(can, asked) if link else ({f.id: f for f in readable_runs(can)}, False)
    for i in asked:
        if i not in folders and not broken_run(i):
            st.caption(_why_not(i))
    # The address forgets them, but a button must stay until it is pressed.
    st.session_state[f"broken_{key}"] = list(dict.fromkeys([*asked, *st.session_state.get(f"broken_{key}", [])]))[:20]
    for i in st.session_state[f"broken_{key}"]:
        if broken := broken_run(i):
            damaged_runs.row(*broken, where=key)
    if not folders:
        if none:
            nothing_yet(none, link)
        return []
    row = (where or st).container(horizontal=True, vertical_alignment="bottom", key=f"run-row-{key}")
    known = list(dict.fromkeys(i for i in asked if i in folders))
    remembered = [i for i in st.session_state.get(f"last_{key}", []) if i in folders]
    first = [f.id for f in default(list(folders.values()))] if default else list(folders)
    if key in st.query_params and not asked:  # cleared by hand: stay empty
        remembered = first = []
    url_state.show(key, (known or remembered or first)[:at_most])
    if where is not None:  # a popover: the browser is told again what is chosen each time that it is opened
        st.session_state[key] = list(st.session_state[key])
    labels = labels_of(folders)

    def changed() -> None:
        st.query_params[key] = ",".join(st.session_state[key])

    chosen = row.multiselect(
        label, list(folders), key=key, format_func=labels.__getitem__, max_selections=at_most, on_change=changed,
        label_visibility="visible" if shown_label else "collapsed",
    )  # fmt: skip
    if lent:
        with row:
            these_are_examples()
    st.session_state[f"last_{key}"] = list(chosen)
    settle(key, ",".join(chosen), ",".join(first[:at_most]), always=link and not lent)
    return [folders[i] for i in chosen]


def beside(
    one: str,
    at_most: int,
    can: Callable[[store.Folder], bool] | None,
    default: Callable[[list[store.Folder]], list[store.Folder]] | None,
    key: str,
) -> list[str]:
    """The ids of the run `one` and of those to show with it: those last shown, if it was among them."""
    folders, _ = offered(can, [one])
    last = [i for i in st.session_state.get(f"last_{key}", []) if i in folders]
    if one in last[:at_most]:
        return last
    if (first := folders.get(one)) is None:
        return [one]  # to be told why it is not shown
    alike = [
        f for f in folders.values()
        if f.id != one and (f.run.dataset, f.run.budget()) == (first.run.dataset, first.run.budget())
    ]  # fmt: skip
    alike = [f for f in alike if f.run.seed == first.run.seed] or alike
    others = default([first, *alike]) if default else alike
    return [one, *(f.id for f in others if f.id != one)][:at_most]


def choose_dataset(key: str = "dataset", marked: bool = False, listed: bool = False) -> Spec:
    """One of the data sets, bound to ?dataset=; those not on this machine are `marked`. `listed`: in a select box."""
    write = to_address(key)

    def changed() -> None:
        write()
        for other in ("labels", "last_labels"):  # each data set has a budget of its own that suits it
            st.session_state.pop(other, None)
        st.query_params.pop("labels", None)

    absent = {n for n in IMAGE_SETS if marked and data.availability(n) == "absent"}
    titles = {n: spec.title + " :gray[:material/download:]" * (n in absent) for n, spec in IMAGE_SETS.items()}
    hint = "With an arrow: not on this machine yet, to be downloaded first." if absent else None
    if listed:
        linked(key, list(IMAGE_SETS), next(iter(IMAGE_SETS)))
        st.selectbox(
            "Data set",
            list(IMAGE_SETS),
            key=key,
            format_func=titles.__getitem__,
            on_change=changed,
            filter_mode=None,
        )
        return DATASETS[st.session_state[key]]
    return DATASETS[segments("Data set", key, titles, on_change=changed, wrap=True, help=hint)]


def choose_labels(spec: Spec, usual: int | None = None, key: str = "labels") -> int | None:
    """How many images keep their labels, bound to ?labels=: one of those that suit the data set, or any typed number.

    `usual`, or else the data set's default, stands there until somebody chooses. None if what was typed is no number; a
    sentence under the field says so. Whether the number is possible is for the caller to ask of whoever knows.
    """
    choices, usual = label_choices(spec), usual or spec.default_labels
    asked = url_state.asked(key)
    value = st.session_state.get(f"last_{key}", usual) if asked is None else asked
    names = [str(n) for n in sorted({*choices, value})]
    st.session_state.setdefault(key, str(value))
    if url_state.whole(st.session_state[key]) is not None:
        url_state.show(key, str(value))

    def changed() -> None:
        st.query_params[key] = st.session_state[key] or ""

    st.selectbox(
        "Labelled images",
        names,
        key=key,
        accept_new_options=True,
        on_change=changed,
        help="Shared equally by the classes. Choose one, or type any number that the classes can share.",
    )
    typed = (st.session_state[key] or "").replace(",", "").strip()
    if url_state.whole(typed) is None:
        refuse(f"{typed[:20]!r} is no whole number of labels. Choose one, or type a number such as {usual}.")
        return None
    st.session_state[f"last_{key}"] = int(typed)
    settle(key, typed, str(usual))
    return int(typed)


def choose_seed(key: str = "seed") -> int:
    """The seed of a split, bound to ?seed=."""
    asked = url_state.asked(key)
    url_state.show(key, st.session_state.get(f"last_{key}", 0) if asked is None else asked)

    def changed() -> None:
        st.query_params[key] = str(st.session_state[key] or 0)

    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=url_state.LARGEST,
        step=1,
        key=key,
        on_change=changed,
        help=f"Decides which images keep their labels. {words.SEED}",
    )
    seed = 0 if seed is None else seed  # the field was emptied
    st.session_state[f"last_{key}"] = seed
    settle(key, str(seed), "0")
    return seed


def watch(ids: Sequence[str], key: str = "watch") -> None:
    """Let `choose_runs(key=...)`, further down on this page, show these runs."""
    st.query_params[key] = ",".join(ids)


def refuse(sentence: str) -> None:
    """Say under a field why what stands in it cannot be."""
    st.markdown(f":red[:material/error: :small[{plain(sentence)}]]")


def refuse_weights(model: str) -> None:
    """Say that a method lacks its pretrained weights, and the command that fetches them."""
    why, command = pretrained_weights.missing(MODELS[model].backbone)
    refuse(why)
    st.code(command, language="bash")


def plain(sentence: str) -> str:
    """A sentence that may repeat what somebody typed, with nothing in it that Markdown would take for its own."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$:&@]|(?<=www)\.|-(?=-))", r"\\\1", sentence)


def label_choices(spec: Spec) -> list[int]:
    """Numbers of labels worth offering for a data set: they divide by the classes and leave most unlabelled."""
    per_class = (1, 2, 5, 10, 20, 50, 100, 300, 500)
    return [k * spec.n_classes for k in per_class if k * spec.n_classes <= spec.n_train // 2]


def broken_run(asked: str) -> tuple[store.Folder, str] | None:
    """The damaged run that the address asks for, and what is wrong with it; None if it asks for no such run."""
    try:
        store.open_folder(store.root(), asked)
    except UserError as e:
        return store.Folder(store.root() / asked), str(e)
    return None


def _another(folders: dict[str, store.Folder], label: str, key: str) -> None:
    """The way from a damaged run, which stays in the address until another is chosen, to one that can be shown."""
    labels = labels_of(folders)

    def changed() -> None:
        st.query_params[key] = st.session_state[f"other-{key}"]

    if folders:
        st.selectbox(
            label, list(folders), index=None, placeholder="Choose another run", key=f"other-{key}",
            format_func=labels.__getitem__, on_change=changed,
        )  # fmt: skip


def _why_not(asked: str) -> str:
    """Why a run in the address is not shown. Nothing of it is repeated unless it has the form of a run's name."""
    if not is_id(asked):
        return "The address asks for a run by something that is no run's name, so it was left out."
    try:
        folder = store.open_folder(store.root(), asked)
    except UserError as e:
        return plain(str(e))
    if folder is None and asked in store.deleted(store.root()):
        return f"The run `{asked}` was deleted. {undo.KEPT}"
    if folder and folder.run.validation:
        return (
            f"The run `{asked}` was measured on training images held out for choosing settings, "
            "not on the test images, so it is not shown."
        )
    return f"The address asks for the run `{asked}`, which is not here or cannot be shown on this page."
