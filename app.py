"""Start: two recorded runs that learn side by side, and the table of runs."""

import streamlit as st

from models import FIRST, IMAGE_MODELS
from pages.parts.shared import damaged_runs, export, figures, layout, run_pickers, run_table, undo, words
from pages.parts.start import exhibit, standalone, tour

layout.open("Few Labels", icon=":material/home:", lead=tour.LEAD if tour.number() else exhibit.LEAD)
if tour.show():
    st.stop()
shown = exhibit.show(tour.button)
if not shown:
    sheet, images, labelled = figures.field("digits", labels=100, seed=0, columns=40, rows=9, side=32)
    figures.picture(
        sheet, f"{images} handwritten digits: {labelled} in colour, all others grey", "clamp(10rem, 22vw, 17rem)"
    )
    st.caption(
        "In colour, the images whose class the model is told: 100 of 1,297. In grey, all the others: it sees them too, "
        "but not what they are. A semi-supervised model learns from both."
    )
with st.container(horizontal=True):
    if not shown and st.button("Train a model", type="primary", icon=":material/model_training:"):
        st.switch_page("pages/train.py")
    if st.button("Look at the data", icon=":material/image:"):
        st.switch_page("pages/data.py")
    if st.button("See the results", icon=":material/leaderboard:"):
        st.switch_page("pages/results.py")
    if shown:
        st.download_button(
            "Save this as one HTML file", standalone.html, file_name="few-labels.html", mime="text/html",
            icon=":material/download:", type="tertiary", on_click="ignore",
            help="The two maps with all their choices, to mail or to put on a web site: no Python, no network.",
        )  # fmt: skip

st.subheader("Three models and the baseline", anchor=False)
learners = [IMAGE_MODELS[m] for m in FIRST]
for column, model in zip(st.columns(len(learners)), learners, strict=True):
    with column.container(border=True, height="stretch"):
        st.html(figures.graph(model.name))
        st.markdown(f"**{model.title}**  \n{model.summary}")
frozen = [m.title for m in IMAGE_MODELS.values() if m.frozen]
st.caption(
    "Shaded: seen. Half shaded: seen for the labelled images only. Dashed: a classifier beside the generative model. "
    + f"For comparison: {words.number_of(len(frozen))} pretrained on ImageNet ({', '.join(frozen)}), "
    "which learn from the labelled images only."
)

st.subheader("Runs", anchor=False)
runs = run_pickers.readable_runs()
undo.show("start")
run_table.show(runs, "start")
if not runs:
    st.caption("No runs yet. The first one, on the digits, takes about a minute.")
    run_pickers.to_train()
damaged_runs.show("start", undo_here=False)
export.bring()
