"""Methods on the features of frozen pretrained networks, one or several joined: which networks, and which methods."""

from collections.abc import Callable, Sequence

import streamlit as st

from models import MODELS, backbones, standing_on
from models.nn import pretrained_weights, timm_weights
from pages.parts.shared import layout, run_pickers, url_state

KEY, NAME, METHODS, KEPT = "networks", "timm-network", "on-networks", "kept-networks"
HELP = (
    "What a frozen network, pretrained on ImageNet, finds in an image stands in place of the image. The features of "
    "several networks stand side by side."
)


def choose(picked: Sequence[str], pick: Callable[[list[str]], None]) -> None:
    """A popover in which methods are put on networks; `pick` is told all that is picked then."""
    room, is_open = layout.popover("On features", "on-features")
    if is_open:
        with room:
            st.caption(HELP)
            first = next((MODELS[m].backbone for m in picked if MODELS[m].backbone), "")
            choose_methods(choose_networks(pretrained_weights.parts(first)), picked, pick)


def choose_methods(networks: Sequence[str], picked: Sequence[str], pick: Callable[[list[str]], None]) -> None:
    """The methods that can stand on these networks joined, or why none can on this machine."""
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

    known, chosen = METHODS in st.session_state, [m for m in on if m in picked]
    if known:
        url_state.show(METHODS, chosen)
    st.pills(
        f"Models on {pretrained_weights.title(backbone)}", list(on), default=None if known else chosen,
        selection_mode="multi", format_func=on.__getitem__, key=METHODS, on_change=changed, wrap=True,
    )  # fmt: skip


def choose_networks(first: Sequence[str]) -> list[str]:
    """The names of the networks, in one order however they are chosen; those of `first` until somebody chooses."""
    chosen, typed = st.session_state.get(
        KEPT,
        (
            [name for name in first if name in backbones()],
            next((timm_weights.called(n) for n in first if timm_weights.is_name(n)), ""),
        ),
    )
    default = None if KEY in st.session_state else chosen
    chosen = st.multiselect(
        "On frozen features of", backbones(), default=default, key=KEY, format_func=pretrained_weights.title
    )
    names = [name for name in backbones() if name in chosen]
    if timm_weights.installed():
        value = "" if NAME in st.session_state else typed
        typed = st.text_input("And of a network of timm", value, key=NAME, placeholder="resnet18.a1_in1k").strip()
        name = timm_weights.PREFIX + timm_weights.called(typed)
        if timm_weights.is_name(name):
            names.append(name)
        elif typed:
            run_pickers.refuse(
                f"{typed[:40]!r} is no name of a network. Write it as timm.list_pretrained() does, such as "
                "resnet18.a1_in1k."
            )
    st.session_state[KEPT] = chosen, typed  # for the next time that this is opened
    return names
