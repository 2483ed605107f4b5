"""Label: give unlabelled images a class and let a run go on with the larger budget."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

import data
from data import DATASETS
from models import MODELS, jobs
from models.errors import UserError
from models.results import estimate
from models.runs import finetune, store
from models.runs.annotations import ANYBODY, DATA_SET, LONGEST_NAME, name
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.components.scroll_into_view import scroll_into_view
from pages.parts.label import changed, labelling
from pages.parts.label.labelling import BY_HAND, LEAST_SURE, RANDOM, Pool
from pages.parts.shared import (
    figures,
    forecasts,
    latent_map,
    layout,
    owner,
    polling,
    run_pickers,
    url_state,
    words,
)
from pages.parts.shared.run_metrics import metrics

COUNTS = (10, 20, 50, 100)  # images to choose from at a time
MOST_LINKED = 200  # images that a link may hand over
ANY = "any"
SHOWN = 4  # continuations drawn at a time, the newest
PICKS = {LEAST_SURE: "Least sure", RANDOM: "Random", BY_HAND: "By hand"}


def can_label(folder: Folder) -> bool:
    """Whether the run can go on, or the address asks for this very one and should hear why it cannot."""
    return finetune.why_not(folder) is None or folder.id == st.query_params.get("run")


# Which images


def choose_images(folder: Folder, pool: Pool) -> tuple[list[int], str, str]:
    """The images to ask about, how one came by them, and what to say if there are none."""
    handed = linked_images(pool)
    picks = {p: title for p, title in PICKS.items() if p != LEAST_SURE or pool.entropy is not None}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pick = run_pickers.segments(
            "Images", "pick", picks, BY_HAND if handed else None,
            help="Least sure: those whose class probabilities have the highest entropy. Random: drawn by chance. "
            "By hand: by the class the model believes in, or by number.",
        )  # fmt: skip
        many = run_pickers.linked("many", COUNTS, 20)
        st.selectbox("How many", COUNTS, key="many", on_change=run_pickers.to_address("many"), width=110)
        if pick == RANDOM:
            seed = draw_seed()
            st.button("Draw others", icon=":material/casino:", on_click=draw_others)
        if pick == BY_HAND and handed:
            st.button("Show others", icon=":material/grid_view:", on_click=forget_images)
        elif pick == BY_HAND and pool.q_y is not None:
            classes = [ANY, *pool.classes]
            of = run_pickers.linked("of", classes, ANY)
            st.selectbox(
                "Believed to be", classes, key="of", width=190, on_change=run_pickers.to_address("of"),
                format_func=lambda c: "any class" if c == ANY else c.replace("_", " "),
            )  # fmt: skip
        if pick == BY_HAND:
            last = DATASETS[folder.run.dataset].n_train - 1
            st.number_input(
                "By number", 0, last, value=None, step=1, key="number", width=150, placeholder=f"0 to {last}",
                on_change=add_image, help="Puts this training image before the others.",
            )  # fmt: skip
    nothing = "There is no such image. Choose another way."
    if pick == LEAST_SURE:
        return labelling.least_sure(pool, many).tolist(), pick, nothing
    if pick == RANDOM:
        return labelling.at_random(pool, many, seed).tolist(), pick, nothing
    if handed:
        return handed, pick, nothing
    k = None if pool.q_y is None or of == ANY else pool.classes.index(of)
    return labelling.believed(pool, many, k).tolist(), pick, "The model believes no image to be of this class."


def linked_images(pool: Pool) -> list[int]:
    """The images that the address hands over, as far as they can be given a label; a sentence says which cannot."""
    asked = [w.strip() for w in st.query_params.get("images", "").split(",") if w.strip()]
    if not asked:
        return []
    free = set(pool.free.tolist())
    numbers = list(dict.fromkeys(url_state.whole(w) for w in asked))
    found = [i for i in numbers if i in free]
    left = len(asked) - len(found)
    if left:
        what = "image" if left == 1 else "images"
        st.caption(
            f"{left} {what} of the address were left out: they have a label already, are named twice, "
            "or are no training images."
        )
    if len(found) > MOST_LINKED:
        st.caption(f"The address names {len(found):,} images; the first {MOST_LINKED} are shown.")
    return found[:MOST_LINKED]


def draw_seed() -> int:
    """Which random images: ?draw=, a number."""
    return url_state.asked("draw") or 0


def draw_others() -> None:
    st.query_params["draw"] = str(1 + secrets.randbelow(999_999))


def forget_images() -> None:
    st.query_params.pop("images", None)
    st.query_params["pick"] = BY_HAND


def add_image() -> None:
    """Put the number typed before the images of the address."""
    number = st.session_state["number"]
    if number is None:
        return
    others = [w for w in st.query_params.get("images", "").split(",") if w and w != str(number)]
    st.query_params["images"] = ",".join([str(number), *others][:MOST_LINKED])
    st.query_params["pick"] = BY_HAND
    st.session_state["number"] = None


# Training on


def train_on(folder: Folder, pool: Pool) -> None:
    """What the run reached, the button that goes on with the labels given, how far, and beside what."""
    run, labels = folder.run, list(labelling.given(folder.id).labels.values())
    n = len(labels)
    st.metric(f"Test accuracy, {run.budget()}", figures.percent(metrics(folder).test_accuracy), width="content")
    button, said = st.container(), st.container()
    usual = finetune.default_epochs(run)
    if not 1 <= whole_number("more", usual) <= 1000:
        st.query_params.pop("more", None)
    url_state.show("more", whole_number("more", usual))
    more = st.number_input(
        "More epochs", 1, 1000, step=1, key="more", on_change=run_pickers.to_address("more")
    ) or usual  # fmt: skip
    chance = st.checkbox(
        "Also train with the same number of random labels", key="beside-chance", persist_state="session",
        help="A second run whose images are drawn at random and whose labels are the data set's own. "
        "It shows whether random images would have done as well.",
    )  # fmt: skip
    alone = st.checkbox(
        "Also train with no new labels", key="beside-alone", persist_state="session",
        help="Another run of as many epochs with the old labels: what training longer does by itself.",
    )  # fmt: skip
    who = st.text_input(
        "Your name", key="labeller-name", max_chars=LONGEST_NAME, placeholder=ANYBODY,
        persist_state="session", help="Kept in the run with each label you gave, for whoever looks at it later.",
    )  # fmt: skip
    button.button(
        f"Train on with {n} more label{'' if n == 1 else 's'}" if n else "Train on", type="primary",
        icon=":material/play_arrow:", disabled=not n, width="stretch",
        on_click=start, args=(folder, who, int(more), chance, alone),
    )  # fmt: skip
    said.caption(forecast(run, n, int(more), 1 + chance + alone))
    if n:
        counts = Counter(g.y for g in labels)
        said.caption(
            "Given so far: "
            + ", ".join(
                f"{run_pickers.plain(pool.classes[k].replace('_', ' '))} {c}×" for k, c in sorted(counts.items())
            )
            + ". What you say is what the model is told, right or wrong."
        )
    if refusal := st.session_state.pop("label-refusal", ""):
        run_pickers.refuse(refusal)


def whole_number(key: str, default: int) -> int:
    asked = url_state.asked(key)
    return default if asked is None else asked


def forecast(run: Run, n: int, epochs: int, runs: int) -> str:
    """What the button would do, in words."""
    if not n:
        more = "1 more epoch" if epochs == 1 else f"{epochs} more epochs"
        return f"Label at least one image: then the run trains on, {more}, with your labels as well."
    try:
        capacity = jobs.engine().capacity()
    except UserError as e:
        return str(e)
    like = replace(run, epochs=epochs)
    seconds = estimate.seconds(like, store.root(), bool(capacity.gpus))
    budget = f"{run.labels:,} + {len(run.given) + n} given labels"
    return f"{budget}. {forecasts.forecast([like] * runs, capacity, [seconds] * runs)}"


def start(folder: Folder, who: str, epochs: int, chance: bool, alone: bool) -> None:
    """Queue the continuation, and what was asked for beside it. A second click finds nothing left to do."""
    labels = list(labelling.given(folder.id).labels.values())
    if not labels:
        return
    by = owner.visitor()
    mine = [replace(g, by=name(who)) for g in labels]
    try:
        wanted = [finetune.continued(folder, mine, epochs)]
        if chance:
            wanted.append(finetune.continued(folder, finetune.by_chance(folder, len(mine)), epochs))
        if alone:
            wanted.append(finetune.continued(folder, [], epochs))
        for run in wanted:
            finetune.submit_once(run, jobs.engine(), store.root(), by)
    except UserError as e:
        st.session_state["label-refusal"] = str(e)
        return
    labelling.spend(folder.id)
    st.query_params["run"] = folder.id  # an example is not what the page opens with once there is a run of one's own
    st.session_state["label-started"] = True
    st.session_state[f"begun-{folder.id}"] = wanted[0].given[-1].at


# The page


@st.fragment
def ask(folder: Folder, pool: Pool) -> None:
    """The images, the labels, the button: a label given draws this part anew and nothing else."""
    asking, going_on = st.columns([2.7, 1], gap="medium")
    with asking:
        if pool.entropy is None:
            st.caption(
                f"{MODELS[folder.run.model].title} has not looked at the unlabelled images, so it has no guess to "
                "show and is least sure of none."
                if MODELS[folder.run.model].linear_probe
                else "This run kept no class probabilities of unlabelled images, so there is no guess to show."
            )
        ids, how, empty = choose_images(folder, pool)
        labelling.labeller(pool, ids, how, folder.id, empty, on_change=lambda: None)
        st.caption(f"Of the {len(pool.free):,} unlabelled training images.")
    with going_on.container(border=True):
        train_on(folder, pool)
    if st.session_state.pop("label-started", False):
        st.rerun()


def show(folder: Folder) -> None:
    run = folder.run
    if why := finetune.why_not(folder):
        st.caption(run_pickers.plain(why))
        st.page_link("pages/train.py", label="Watch it on Train", icon=":material/model_training:",
                     query_params={"watch": folder.id})  # fmt: skip
        return
    if data.availability(run.dataset) != "ready":
        title = DATASETS[run.dataset].title
        st.caption(f"The images of {title} are not ready on this machine. Get them on the Data page.")
        st.page_link("pages/data.py", label=f"Get {title}", icon=":material/image:",
                     query_params={"dataset": run.dataset})  # fmt: skip
        return
    try:
        snapshot = latent_map.look(folder)
    except UserError as e:
        run_pickers.refuse(str(e))
        snapshot = None
    every = finetune.children(folder, store.root())
    ask(folder, labelling.pool(folder, snapshot, labelled_before(folder, every)))
    came = f" It went on from {run.parent.id} after epoch {run.parent.epoch}." if run.parent else ""
    st.caption(
        f"One run of {MODELS[run.model].title} on {DATASETS[run.dataset].title}, seed {run.seed}, "
        f"after epoch {finetune.last_epoch(folder)} of {run.epochs}.{came}"
    )
    if children := every[-SHOWN:][::-1]:
        st.html("<style>.st-key-what-changed {scroll-margin-top: 4rem}</style>")
        with st.container(key="what-changed"):
            st.subheader("What the new labels changed", anchor=False)
            live = any(f.status()["state"] not in FINAL for f in children)
            polling.part(changed.bought, 1.0 if live else None)(folder, children, live)
    begun = st.session_state.get(f"begun-{folder.id}", "")
    scroll_into_view("what-changed" if begun else "", begun, key="label-jump")


def labelled_before(folder: Folder, children: Sequence[Folder]) -> set[int]:
    """Images that the visitor has labelled already, for a run that went on from here."""
    own = (f.run for f in children if owner.ones_own(f))
    return {g.image for run in own for g in finetune.new_labels(run, folder.run) if g.by != DATA_SET}


layout.open(
    "Label",
    icon=":material/label:",
    terms=words.terms(words.Q_Y, words.ENTROPY, words.NATS, words.SEED),
    lead="Give a few unlabelled images their class, and let a run go on with the larger budget.",
)
if folder := run_pickers.choose_run(
    can_label, none="No runs to continue yet. Train a model first; on the digits it takes about a minute."
):
    jobs.engine().warm()
    try:
        show(folder)
    except UserError as e:
        run_pickers.refuse(str(e))
