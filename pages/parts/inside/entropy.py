"""How unsure a run is, class by class: the entropy of q(y|x), and the images at both ends."""

import numpy as np
import streamlit as st

from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components import gallery
from pages.parts.components import latent_map as map_component
from pages.parts.inside import class_bounds, uncertainty
from pages.parts.shared import image_grid, latent_map, run_pickers

EACH = 5  # of the least and of the most sure images of a class
MOST_ROWS = 10


def rows_of_classes(snapshot: SnapshotImages, which: np.ndarray, classes: list[int]) -> list[gallery.Row]:
    """For each class, its least sure images and its surest ones, by true class."""
    rows = []
    for k in classes[:MOST_ROWS]:
        mine = np.flatnonzero(which & (snapshot.true == k))
        mine = mine[np.argsort(-snapshot.entropy[mine], kind="stable")]
        least, most = mine[:EACH], mine[EACH:][::-1][:EACH]
        if len(mine):
            parts = (
                tuple(uncertainty.pick(snapshot, i, ()) for i in least),
                tuple(uncertainty.pick(snapshot, i, ()) for i in most),
            )
            rows.append(gallery.Row(image_grid.name_of(k, snapshot.classes), parts))
    return rows


def entropies(folder: Folder, snapshot: SnapshotImages, kind: str, image: int | None, of: str) -> None:
    which = uncertainty.of_kind(snapshot, kind)
    if not which.any():
        st.subheader("How unsure it is", anchor=False)
        st.caption(f"This snapshot holds no {uncertainty.KINDS[kind]}.")
        return
    n = len(snapshot.classes)
    st.subheader(uncertainty.in_short(snapshot, which), anchor=False)
    st.markdown(
        "Entropy says in one number how unsure a prediction is: 0 nats where all of the probability is on one class, "
        f"{np.log(n):.2f} where all {n} are equally likely."
    )
    classes = uncertainty.unsurest(snapshot, which)
    by_true, by_predicted = (uncertainty.ridges(snapshot, which, by, classes) for by in ("true", "predicted"))
    what = f"Entropy of {uncertainty.q_of(snapshot)}, {which.sum():,} {uncertainty.KINDS[kind]}. {of}"
    for column, figure, by in zip(
        st.columns(2, gap="medium"), (by_true, by_predicted), ("true", "predicted"), strict=True
    ):
        with column:
            st.plotly_chart(
                figure,
                key=f"ridges-{by}",
                config={"displayModeBar": False},
                alt=f"Distribution of the entropy of {uncertainty.q_of(snapshot)} for each {by} class",
            )
            uncertainty.take(figure, folder, f"entropy-by-{by}-class", f"Entropy by {by} class", what)
    some = f" Of {n} classes the {len(classes)} with the most entropy." * (len(classes) < n)
    st.caption(
        f"Upwards, in the colour of the class: correct. Downwards, in grey: wrong. The further right, the less sure; "
        f"the tick is the median. Heights are square roots of shares of the class, so that few images show; at the "
        f"left edge, cut off, stand those surer than {uncertainty.SMALLEST} nats. {what}{some}"
    )
    left, right = st.columns(2, gap="medium")
    with left:
        entropy_map(folder, snapshot)
    with right:
        st.markdown("**The least and the most sure of each class**")
        rows = rows_of_classes(snapshot, which, classes)
        gallery.show(
            folder.run.dataset,
            rows,
            key=f"ends-{folder.id}",
            label="The least and the most sure images of each class",
            chosen=image,
            width="2.4rem",
        )
        st.caption(
            f"By true class, among the {uncertainty.KINDS[kind]}: left the {EACH} with the most entropy, right of the "
            f"point the {EACH} with the least."
            + (f" The first {MOST_ROWS} classes." if len(classes) > MOST_ROWS else "")
        )
        if image is not None:
            class_bounds.in_words(folder, snapshot, image)


def entropy_map(folder: Folder, snapshot: SnapshotImages) -> None:
    """The latent map coloured by entropy; a click shows that image below."""
    space = next(iter(snapshot.spaces), None)
    if space is None:
        st.caption("This run has kept no codes, so there is no map.")
        return
    key, run = f"entropy-map-{folder.id}", folder.run
    try:
        positions = latent_map.lay(folder, snapshot, space, "pca")
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    map_component.show(
        snapshot,
        positions,
        key=key,
        group=f"uncertainty-{folder.id}",
        label=f"{positions.title} of {run_pickers.run_label(folder)}, coloured by entropy",
        note=f"{run.budget()}, seed {run.seed}",
        colour="entropy",
        height=380,
        on_pin=lambda: latent_map.to_address(key),
    )
