"""Taking a run away, and bringing one: a link, one zip, its metrics as CSV, and the lines of Python that load it."""

import io
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from models import MODELS
from models.analysis import codes_export
from models.errors import UserError
from models.runs import archive
from models.runs.store import FINAL, Folder
from pages.parts.shared import owner, records, run_pickers

INSIDE = """import torch
from models.analysis import inference
from models.nn.augment import to_float
from models.runs.store import open_folder

folder = open_folder(None, {id!r})  # from the runs folder
model = inference.load(folder)  # a torch module, in eval mode
print(folder.run, folder.result()["test_accuracy"], "of the test images, one run")
x = to_float(torch.from_numpy(inference.pixels(folder, [-1, -2, -3])))  # three test images, float32 in 0 to 1
print(model.classify(x).probs.numpy().round(3))  # q(y|x)"""
DRAWS = """
tiles = inference.class_grid(folder, columns=8)  # p(x|y,z): uint8 (classes, 8, h, w, c)"""
ALONE = """import json, zipfile
from safetensors.numpy import load

with zipfile.ZipFile({file!r}) as z:  # without this project: numpy and safetensors are enough
    run = json.loads(z.read("run.json"))["run"]
    last = max(n for n in z.namelist() if n.startswith("latents/"))
    codes = load(z.read(last))  # "id", "q_y" and the codes of the snapshot images"""


def offer(folder: Folder) -> None:
    """A button that opens all ways to take what is on this page away."""
    with st.popover("Share and export", icon=":material/ios_share:"):
        st.markdown("**This page as it is**")
        st.caption("Whoever opens this link on a machine that reaches this explorer sees the same.")
        st.code(link(), language=None, wrap_lines=True)
        st.markdown("**The run as one file**")
        going = folder.status()["state"] not in FINAL
        if going:
            st.caption("It goes on. Once it has ended it can be exported.")
        else:
            zips(folder)
        table = f"{folder.id}-metrics.csv"
        st.download_button(
            "Metrics as CSV", lambda: records.table_csv(records.epochs_of(folder)), file_name=table, mime="text/csv",
            icon=":material/table:", on_click="ignore", key=f"take-csv-{folder.id}",
        )  # fmt: skip
        codes(folder)
        if command := folder.run.command():
            st.markdown("**In a shell, the same run again**")
            st.code(command, language="bash", wrap_lines=True)
        st.markdown("**In Python**")
        st.code(INSIDE.format(id=folder.id) + (DRAWS if MODELS[folder.run.model].pictures else ""), language="python")
        if folder.snapshots():
            st.code(ALONE.format(file=f"{folder.id}.zip"), language="python")


def zips(folder: Folder) -> None:
    """The zip, with or without what it takes to train on."""
    whole = st.toggle(
        "Include the checkpoint (to resume training)", key=f"take-whole-{folder.id}",
        help="The optimiser's state and the weights before averaging. Looking at the run does not need them.",
    )  # fmt: skip
    size = archive.size(folder, whole)
    if why := archive.too_large(size):
        run_pickers.refuse(f"As a zip it {why}")
        return
    about = size / 2**20
    st.download_button(
        f"Run as zip, about {about:.0f} MiB" if about >= 1 else "Run as zip",
        packed(folder, whole),
        file_name=f"{folder.id}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        key=f"take-zip-{folder.id}",
    )
    st.caption(
        "JSON, safetensors and PNG. Import it on Start, or in a shell: `python -m models import "
        f"{folder.id}.zip` (and `export {folder.id} FILE.zip` writes it)."
    )


def codes(folder: Folder) -> None:
    """The codes of the latest snapshot, one file for each space and format."""
    for space in codes_export.spaces(folder):
        with st.container(horizontal=True):
            for name, kind in codes_export.FORMATS.items():
                st.download_button(
                    f"Codes {space} {kind.wanted}", partial(kind.make, folder, space),
                    file_name=kind.file_name(folder, space), mime=kind.mime, icon=":material/table_chart:",
                    on_click="ignore", key=f"take-{name}-{space}-{folder.id}", help=kind.about,
                )  # fmt: skip


def packed(folder: Folder, whole: bool) -> Callable[[], bytes]:
    """Makes the zip when somebody asks for it."""

    def make() -> bytes:
        out = io.BytesIO()
        archive.write(folder, out, checkpoint=whole)
        return out.getvalue()

    return make


def link() -> str:
    """The address of this page with all that is chosen on it."""
    query = urlencode({k: st.query_params.get_all(k) for k in st.query_params}, doseq=True)
    return f"{st.context.url or ''}{'?' + query if query else ''}"


def bring() -> None:
    """A place for a run from another machine."""
    with st.expander("Import a run from another machine", icon=":material/upload_file:"):
        st.caption(
            f"A zip that “Share and export” or `python -m models export` wrote, of at most {archive.MOST_MIB:,} MiB. "
            "Nothing in it is executed."
        )
        file = st.file_uploader(
            "Run as zip", type="zip", key="bring", label_visibility="collapsed", max_upload_size=archive.MOST_MIB
        )
        if file is None:
            return
        if st.session_state.get("brought", ("", "", ""))[0] != file.file_id:  # looked at once, not at every rerun
            id = why = ""
            try:
                id = archive.bring(file, name=file.name, owner=owner.visitor()).id
            except UserError as e:
                why = str(e)
            st.session_state["brought"] = file.file_id, id, why
        _, id, why = st.session_state["brought"]
        if why:
            run_pickers.refuse(why)
            return
        st.markdown(f":material/check: It is here as **{run_pickers.plain(id)}**.")
        with st.container(horizontal=True):
            st.page_link(
                "pages/latent.py", label="Look inside", icon=":material/scatter_plot:", query_params={"run": id}
            )
            st.page_link(
                "pages/train.py", label="Its curves", icon=":material/model_training:", query_params={"watch": id}
            )
