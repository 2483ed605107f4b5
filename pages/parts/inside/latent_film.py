"""The film of a latent map: where its images lay after each epoch, in one frame, and what q(y|x) said of them.

All of it goes to the browser once; the scrubber then plays there, and tells the server nothing until one lets go of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from models import jobs
from models.analysis import door, projections, snapshots
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components.latent_map import Layout
from pages.parts.shared import polling, run_pickers, url_state
from pages.parts.shared.latent_map import TSNE, UMAPS

FULL = 32767  # int16: what the farthest image from the middle is kept as


@dataclass(frozen=True)
class Film:
    """The images that every epoch's snapshot holds, through the epochs."""

    epochs: tuple[int, ...]  # ascending; the last is that of the map it belongs to
    ids: np.ndarray  # int32 (n,)
    xy: np.ndarray  # int16 (epochs, n, 2): (position - centre) / half, times FULL
    centre: tuple[float, float]
    half: float
    predicted: np.ndarray  # uint8 (epochs, n)
    sure: np.ndarray  # uint8 (epochs, n): the largest probability, 255 is 1
    entropy: np.ndarray  # uint8 (epochs, n): 255 is log(classes)
    version: str

    @classmethod
    def of(
        cls,
        epochs: tuple[int, ...],
        ids: np.ndarray,
        xy: np.ndarray,
        says: tuple[np.ndarray, np.ndarray, np.ndarray],
        version: str,
    ) -> "Film":
        """Positions (epochs, n, 2) in any unit, packed; `says` are predicted, sure and entropy."""
        centre = (xy.max((0, 1)) + xy.min((0, 1))) / 2
        half = float(np.abs(xy - centre).max()) or 1.0
        packed = np.round((xy - centre) / half * FULL).astype(np.int16)
        version = f"{version} film of {len(epochs)} with {len(ids)}"
        return cls(epochs, ids, packed, (float(centre[0]), float(centre[1])), half, *says, version)

    def data(self) -> dict:
        """What the browser is given: a few numbers and two tables, the pictures one after the other."""
        return {
            "film": {
                "version": self.version,
                "epochs": list(self.epochs),
                "centre": list(self.centre),
                "half": self.half,
            },
            "film_ids": pd.DataFrame({"id": self.ids}),
            "film_frames": pd.DataFrame(
                {
                    "x": self.xy[..., 0].ravel(),
                    "y": self.xy[..., 1].ravel(),
                    "predicted": self.predicted.ravel(),
                    "sure": self.sure.ravel(),
                    "entropy": self.entropy.ravel(),
                }
            ),
        }


def film(folder: Folder, snapshot: snapshots.SnapshotImages, positions: Layout, space: str) -> Film | None:
    """The film that ends with `positions` of `snapshot`, kept for all viewers; None if there is only one epoch to show.

    By PCA each epoch is turned to lie as the one before it did; by UMAP it is what the mapper made
    (`projections.make_film`), and None until it has. Raises LatentError if a snapshot is damaged.
    """
    if snapshot.q_y is None:
        return None
    if positions.projection != "umap" and snapshot.epoch not in dict(folder.snapshots()):
        return None
    made = door.ask(
        "film", folder, last=snapshot.epoch, space=space, projection=positions.projection,
        classes=len(snapshot.classes), two=positions.two,
    )  # fmt: skip
    if made is None:
        return None
    epochs, ids, xy, says = made
    # A UMAP's film was kept as it was made: it is turned so that its last picture lies as the map does.
    umap = positions.projection == "umap"
    xy = xy @ (projections.turn(xy[-1], ids, positions.xy, snapshot.ids) if umap else positions.turn)
    return Film.of(epochs, ids, xy, says, positions.version)


def of_map(folder: Folder, snapshot: snapshots.SnapshotImages, positions: Layout, space: str) -> Film | None:
    """The film that ends with this map; for a UMAP it is made when somebody sees the map, and appears by itself.

    A t-SNE has none: each would begin anew.
    """
    if positions.projection == TSNE.name:
        return None
    try:
        made = film(folder, snapshot, positions, space)
        if made is not None or positions.projection != "umap" or len(folder.snapshots()) < 2:
            return made
        engine = jobs.engine()
        state, why = engine.map_state(folder.id, snapshot.epoch, space, UMAPS.name)
        if state == "failed":
            st.caption(run_pickers.plain(f"There is no {UMAPS.title}: {why}"))
            return None
        if state == "ready":  # it has become so since it was looked for
            return film(folder, snapshot, positions, space)
        if state == "absent":
            engine.map(folder.id, snapshot.epoch, space, UMAPS.name)
    except UserError as e:
        st.caption(run_pickers.plain(f"There is no {UMAPS.title}: {e}"))
        return None

    polling.watch_job(lambda: engine.map_state(folder.id, snapshot.epoch, space, UMAPS.name), laying_out)
    return None


def laying_out() -> None:
    st.caption("The UMAPs of the epochs are being laid out, each from the one after it. The film comes by itself.")


def asked(epochs: Sequence[int]) -> int | None:
    """The epoch that the address asks for, if the film has it and it is not the last."""
    epoch = url_state.asked("epoch")
    return epoch if epoch in epochs[:-1] else None


def to_address(key: str) -> None:
    """For `on_epoch`: write where the scrubber `key` was let go into the address, as ?epoch=."""
    epoch = st.session_state[key].epoch
    if isinstance(epoch, int) and not isinstance(epoch, bool):
        st.query_params["epoch"] = str(epoch)
    else:
        st.query_params.pop("epoch", None)
