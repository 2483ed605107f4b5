"""The tour: a layer over the exhibit. A sentence beside the moving figure, a question, and what the runs shown answer.

The stop stands in the address as ?tour=; the maps are its own as long as it does. Nothing is trained here.
"""

from collections.abc import Sequence

import streamlit as st

from models.errors import UserError
from pages.parts.shared import run_pickers, url_state, words
from pages.parts.start import exhibit, tour_stops
from pages.parts.start.tour_stops import STOPS, Stop, Way

LEAD = "Two recorded runs side by side: guess what they will do, then see it. Nothing is trained here."
KEY = "tour"
HEIGHT = 480  # of the maps at a stop at most: with what stands below them they fill a screen of 1440 x 900
LAST = 240  # of those at the end, which stand beside each other
# On a phone the maps stand below the question. Once it is answered, what they answer comes first, then the maps, which
# play, then the question. What the runs answer comes when the film has played: nothing tells its end before.
RESTS, BEGINS = ".stApp:has([data-film=rests])", ".stApp:not(:has([data-film=rests]))"
TALL = "clamp(13rem, calc(100vh - 30.5rem), 30rem)"  # a map, less what stands above and below it
STYLE = f"""<style>
@media (min-width: 641px) and (min-height: 721px) {{
  :is(.st-key-tour-told, .st-key-tour-asked) .st-key-exhibit-maps {{--map-fit: {TALL}}}
}}
.st-key-tour-verdict {{position: relative}}
.st-key-tour-verdict > :has(> .st-key-tour-wait) {{position: absolute; top: 0}}
.st-key-tour-wait {{display: none}}
{BEGINS} .st-key-tour-wait {{display: flex}}
{BEGINS} :is(.st-key-tour-verdict, .st-key-tour-reveals) p {{visibility: hidden}}
{BEGINS} .st-key-tour-verdict .st-key-tour-wait p {{visibility: visible}}
{BEGINS} [class*=st-key-answer-] [data-testid=stIconMaterial] {{display: none}}
@media (max-width: 640px) {{
  [data-testid=stHorizontalBlock]:has(> * .st-key-tour-told) {{flex-direction: column}}
  [data-testid=stHorizontalBlock]:has(> * .st-key-tour-told) > [data-testid=stColumn],
  [data-testid=stHorizontalBlock]:has(> * .st-key-tour-told) > [data-testid=stColumn] > [data-testid=stVerticalBlock] {{
    display: contents}}
  *:has(> .st-key-tour-told) {{order: -1; width: 100%}}
  *:has(> .st-key-tour-verdict) {{order: -2}}
  .st-key-tour-at [data-testid=stHtml] {{display: none}}
}}
.st-key-tour-next button[kind=secondary]:hover {{background: transparent; border-color: currentColor}}
.st-key-tour-at h3 {{padding-bottom: 0}}
</style>"""
RIGHT, WRONG = "light-dark(#1a7f37, #56d364)", "light-dark(#b3261e, #ff8a80)"  # of an answer; 4.5:1 on both grounds
ANSWERS = "tour-answers"  # in the session: which answer was given, by the number of the stop


def number() -> int | None:
    """Which stop the address asks for, from 1 on; one beyond the last: the end. None: no tour."""
    return url_state.asked(KEY, 1, len(STOPS) + 1)


def go(to: int | None) -> None:
    """To a stop, or away from the tour."""
    if to is None:
        st.query_params.pop(KEY, None)
    else:
        st.query_params[KEY] = str(to)


def begin() -> None:
    """The first stop, with no answer given yet."""
    st.session_state.pop(ANSWERS, None)
    go(1)


def answer(dataset: str, stop: int, given: int) -> None:
    st.session_state.setdefault(ANSWERS, {})[dataset, stop] = given


def given_to(dataset: str, stop: int) -> int | None:
    """The answer given to a stop, if one was."""
    return st.session_state.get(ANSWERS, {}).get((dataset, stop))


def button() -> None:
    """The way into the tour, if all is recorded that it shows."""
    if tour_stops.recorded():
        st.button("Take the tour", icon=":material/explore:", type="primary", key="take-tour", on_click=begin)


def show() -> bool:
    """The stop of the address over the exhibit; False if it asks for none, or nothing is recorded."""
    at = number()
    there = tour_stops.recorded()
    if at is None or not there:
        st.query_params.pop(KEY, None)
        return False
    try:
        if at > len(STOPS):
            end(there)
        else:
            draw(at, there)
    except UserError as e:
        run_pickers.refuse(str(e))
        leave()
    return True


def draw(at: int, there: list[str]) -> None:
    """What is said on the left, the maps beside it, and below these the bar once the question is answered."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        title = st.container(horizontal=True, vertical_alignment="center", width="content", key="tour-at")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            dataset = exhibit.choose_dataset(there, label_visibility="collapsed")
            stop = STOPS[at - 1](dataset)
            given = given_to(dataset, at)
            told = given is not None or not stop.answers
            ways(at, told)
    with title:
        st.subheader(stop.title, anchor=False, width="content")
        st.html(dots(at), width="content")
        st.caption(f"{at} of {len(STOPS)}", width="content")
    group = f"{exhibit.group_of(dataset)}-stop-{at}"
    look = exhibit.Look(group, stop.colour, frozen=not told, brief=True, height=HEIGHT, only=stop.only)
    beside, figure = st.columns([1.1, 3], gap="medium")
    with beside:
        talk(at, stop, given, told)
    st.html(STYLE)
    with figure, st.container(key="tour-told" if told else "tour-asked"):
        snapshot = exhibit.maps(stop.sides.both, look)
        if told:
            exhibit.scrubber(stop.sides.both, look, f"{stop.sides.right.run} stop {at}")
            exhibit.captions(stop.sides, look)
        exhibit.legend(snapshot, look)


def ways(at: int, told: bool) -> None:
    """Where one is, and the ways to the next stop, back and out: always in the same place."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        if at > len(STOPS):
            st.caption("The end", width="content")
        st.button("Back", key="tour-back", icon=":material/arrow_back:", disabled=at == 1, on_click=go, args=(at - 1,))
        if at <= len(STOPS):
            st.button(
                "Next" if at < len(STOPS) else "Finish", key="tour-next", icon=":material/arrow_forward:",
                icon_position="right", type="primary" if told else "secondary", on_click=go, args=(at + 1,),
            )  # fmt: skip
        leave()


def dots(at: int) -> str:
    """A dot for each stop, those up to this one filled."""
    dot = "width:.6rem;height:.6rem;border-radius:50%;border:1px solid currentColor"
    row = "".join(f'<i style="{dot}{";background:currentColor" if i < at else ""}"></i>' for i in range(len(STOPS)))
    return f'<span style="display:flex;gap:.25rem" aria-hidden="true">{row}</span>'


def end(there: list[str]) -> None:
    """The models that one has met, side by side, which answers were theirs, and what to do next."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        dataset = exhibit.choose_dataset(there, label_visibility="collapsed")
        stops = [make(dataset) for make in STOPS]
        ways(len(STOPS) + 1, told=True)
    met = tour_stops.met(dataset)
    st.subheader(f"All {words.number_of(len(met), 'model')} with the same {met[0].run.labels} labels", anchor=False)
    look = exhibit.Look(f"{exhibit.group_of(dataset)}-end", brief=True, height=LAST)
    snapshot = exhibit.maps(met, look, [recording.run.model for recording in met])
    exhibit.scrubber(met, look)
    exhibit.legend(snapshot, look)
    answered(dataset, stops)
    for column, way in zip(st.columns(4), tour_stops.next_steps(dataset), strict=True):
        with column.container(gap="xxsmall"):
            primary = "primary" if way.page == "train.py" else "secondary"
            if st.button(way.label, icon=way.icon, type=primary, width="stretch"):
                st.switch_page(f"pages/{way.page}", query_params=way.address())
            st.caption(run_pickers.plain(way.why), text_alignment="center")


def answered(dataset: str, stops: Sequence[Stop]) -> None:
    """The way back to each stop, marked with whether the answer given there was that of its runs."""
    given = [given_to(dataset, at) for at in range(1, len(stops) + 1)]
    right = sum(g == stop.right for g, stop in zip(given, stops, strict=True) if g is not None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if n := sum(g is not None for g in given):
            st.markdown(f"**{right} of {n} right**", width="content")
        for at, (stop, g) in enumerate(zip(stops, given, strict=True), 1):
            st.button(
                stop.title, key=f"tour-again-{at}", type="tertiary", on_click=go, args=(at,),
                icon=None if g is None else mark(g, stop, g),
            )  # fmt: skip


def talk(at: int, stop: Stop, given: int | None, told: bool) -> None:
    """The sentence, the question with its answers, what the runs answer, and the ways on."""
    st.markdown(run_pickers.plain(stop.says))
    if stop.answers:
        st.markdown(f"**{run_pickers.plain(stop.question)}**")
        with st.container(gap="xsmall"):
            for i, text in enumerate(stop.answers):
                st.button(
                    text, key=f"answer-{at}-{i}", width="stretch", on_click=answer,
                    args=(stop.sides.right.run.dataset, at, i),
                    icon=mark(i, stop, given),
                )  # fmt: skip
        st.html(outlines(at, stop, given))
    if not told:
        st.caption(run_pickers.plain(tour_stops.untrained(stop.sides)))
        return
    if stop.answers:
        right = "Right." if given == stop.right else f"No: {stop.answers[stop.right]}."
        verdict = f"**{run_pickers.plain(right)}** {run_pickers.plain(stop.reveals[0])}"
    else:
        verdict = run_pickers.plain(stop.reveals[0])
    with st.container(key="tour-verdict"):
        st.container(key="tour-wait").caption("The answer comes when the maps have played.")
        st.markdown(verdict)
    with st.container(key="tour-reveals"):
        for said in filter(None, stop.reveals[1:]):
            st.markdown(run_pickers.plain(said))
    with st.container(gap="xxsmall"):
        for way in stop.ways:
            link(way)


def link(way: Way) -> None:
    st.page_link(f"pages/{way.page}", label=way.label, icon=way.icon, query_params=way.address())


def mark(i: int, stop: Stop, given: int | None) -> str | None:
    """Beside an answer, once one was given: whether it is what these runs say."""
    if given is None or i not in (given, stop.right):
        return None
    return ":material/check:" if i == stop.right else ":material/close:"


def outlines(at: int, stop: Stop, given: int | None) -> str:
    """The style of the answers: the one given stands out, and once the maps have played the right one is green, and a
    wrong one red."""
    shown = []
    if given is not None:
        marks = {given: WRONG, stop.right: RIGHT}
        shown = [("", given, "currentColor"), *((f"{RESTS} ", i, colour) for i, colour in marks.items())]
    return (
        "<style>"
        + "".join(
            f"{when}.st-key-answer-{at}-{i} button, {when}.st-key-answer-{at}-{i} button:is(:hover, :focus, :active) "
            f"{{border: 2px solid {colour}; color: {colour}; background: transparent; font-weight: 600}}"
            for when, i, colour in shown
        )
        + "</style>"
    )


def leave() -> None:
    st.button("Leave the tour", key="tour-leave", icon=":material/close:", type="tertiary", on_click=go, args=(None,))
