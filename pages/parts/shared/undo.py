"""What was deleted in the last minutes, and the button that brings it back: on Start, Train and Compare."""

from collections.abc import Sequence

import streamlit as st

from models.errors import UserError
from models.runs import aside, store
from models.runs.store import Folder
from pages.parts.shared import owner, run_pickers

TOGETHER = 2.0  # seconds between two runs that were deleted by one press
MOST_SHOWN = 3  # presses, the last first; of each so many runs by name
KEPT = f"It can be brought back for {aside.MINUTES}: Undo is on Start, Train and Compare."


def delete(ids: Sequence[str]) -> list[str]:
    """Delete the visitor's runs among these; the sentences that say why others are still there."""
    root, refused = store.root(), []
    for id in ids:
        try:
            if not owner.ones_own(Folder(root / id)):
                refused.append(f"{id} is still there. {owner.NOT_ONES_OWN}")
                continue
            store.delete(root, id)
        except UserError as e:
            refused.append(str(e))
    return refused


def show(where: str) -> None:
    """A row for each press that deleted runs of the visitor's. `where` tells this list from others on a page."""
    for batch in batches()[:MOST_SHOWN]:
        ids, key = [id for id, _ in batch], f"{where}-{batch[0][0]}"
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"undo-row-{key}"
        ):
            titles = [run_pickers.plain(title(id, folder)) for id, folder in batch[:MOST_SHOWN]]
            more = f" and {len(batch) - MOST_SHOWN} more" if len(batch) > MOST_SHOWN else ""
            st.markdown(f":material/delete: Deleted: {'; '.join(titles)}{more}.")
            st.button(
                "Undo", icon=":material/undo:", key=f"undo-{key}", on_click=bring_back, args=(ids, f"{key}-refused")
            )
            st.button(
                "Remove for good", type="tertiary", key=f"forget-{key}", on_click=forget, args=(ids,),
                help=f"Makes room on the disk at once. After {aside.MINUTES} it happens by itself.",
            )  # fmt: skip
        for why in st.session_state.pop(f"{key}-refused", []):
            run_pickers.refuse(why)


def batches() -> list[list[tuple[str, Folder]]]:
    """The visitor's deleted runs, those that were deleted together as one, the last first."""
    found, before = [], 0.0
    for id, (folder, left) in store.deleted(store.root()).items():
        if owner.ones_own(folder):
            if not found or before - left > TOGETHER:
                found.append([])
            found[-1].append((id, folder))
            before = left
    return found


def bring_back(ids: Sequence[str], refused: str) -> None:
    """Bring runs back; why some cannot be stands in the session as `refused`."""
    why = []
    for id in ids:
        try:
            store.restore(store.root(), id)
        except UserError as e:
            why.append(str(e))
    st.session_state[refused] = why


def forget(ids: Sequence[str]) -> None:
    for id in ids:
        store.forget(store.root(), id)


def title(id: str, folder: Folder) -> str:
    """A deleted run in words; one that is damaged by its id."""
    try:
        return folder.called.name or run_pickers.run_label(folder, full=False)
    except UserError:
        return id
