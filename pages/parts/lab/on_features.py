"""Methods on the features of frozen pretrained networks, one or several joined: which networks, and which methods."""

from collections.abc import Callable, Sequence

import streamlit as st

from models import MODELS, backbones, standing_on
from models.nn import pretrained_weights, timm_weights
from pages.parts.shared import run_pickers, url_state

KEY, NAME, METHODS = "networks", "timm-network", "on-networks"
HELP = (
    "What a frozen network, pretrained on ImageNet, finds in an image stands in place of the image. The features of "
    "several networks stand side by side."
)


def choose(picked: Sequence[str], pick: Callable[[list[str]], None]) -> None:
    """A popover in which methods are put on networks; `pick` is told all that is picked then."""
    first = next((MODELS[m].backbone for m in picked if MODELS[m].backbone), "")
    with st.popover("On features", width="content", key="on-features"):
        st.caption(HELP)
        networks = choose_networks(pretrained_weights.parts(first))
        backbone = pretrained_weights.JOINED.join(networks)
        if not backbone:
            return
        why, command = pretrained_weights.missing(backbone)
        if why:
            run_pickers.refuse(why)
            st.code(command, language="bash")
            return
        able = [m for m in MODELS if standing_on(m, backbone) in MODELS and not MODELS[m].backbone]
        on = {standing_on(m, backbone): MODELS[m].legend for m in able}

        def changed() -> None:
            pick([*(m for m in picked if m not in on), *st.session_state[METHODS]])

        url_state.show(METHODS, [m for m in on if m in picked])
        st.pills(
            f"Models on {pretrained_weights.title(backbone)}", list(on), selection_mode="multi",
            format_func=on.__getitem__, key=METHODS, on_change=changed, wrap=True,
        )  # fmt: skip


def choose_networks(first: Sequence[str]) -> list[str]:
    """The names of the networks, in one order however they are chosen; those of `first` until somebody chooses."""
    st.session_state.setdefault(KEY, [name for name in first if name in backbones()])
    st.session_state.setdefault(NAME, next((timm_weights.called(n) for n in first if timm_weights.is_name(n)), ""))
    st.session_state[KEY] = list(st.session_state[KEY])  # the browser is told again each time that this is opened
    chosen = st.multiselect("On frozen features of", backbones(), key=KEY, format_func=pretrained_weights.title)
    if not timm_weights.installed():
        return [name for name in backbones() if name in chosen]
    typed = st.text_input("And of a network of timm", key=NAME, placeholder="resnet18.a1_in1k").strip()
    name = timm_weights.PREFIX + timm_weights.called(typed)
    if typed and not timm_weights.is_name(name):
        run_pickers.refuse(
            f"{typed[:40]!r} is no name of a network. Write it as timm.list_pretrained() does, such as "
            "resnet18.a1_in1k."
        )
    also = [name] if timm_weights.is_name(name) else []
    return [*(name for name in backbones() if name in chosen), *also]
