"""Where the runs will train: a choice where there is a GPU beside the CPU, each with the time that it would take."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from models.jobs import Capacity
from models.results import estimate
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.shared import forecasts, train_missing

KEY = "device"


def choose(
    runs: Sequence[Run],
    capacity: Capacity,
    folders: Sequence[Folder],
    here: Mapping[tuple, str],
    minutes: float | None = None,
) -> tuple[list[Run], list[str]]:
    """The runs on the device that is chosen, and how long those take there that are not here already, in short lines.

    No choice without a GPU. `minutes`: how long each of them is to take, whatever its epochs.
    """
    new = [run for run in runs if train_missing.kind(run) not in here]
    if not new:
        return list(runs), []
    devices = ("auto", "cpu") if capacity.gpus else ("auto",)
    of = {device: [replace(run, device=device) for run in new] for device in devices}
    seconds: dict[str, list[float | None]] = {
        device: [60 * minutes] * len(made) if minutes else estimate.each(made, folders, bool(capacity.gpus))
        for device, made in of.items()
    }

    def called(device: str) -> str:
        name = "CPU" if device == "cpu" else "GPU" if len(capacity.gpus) == 1 else f"{len(capacity.gpus)} GPUs"
        long = forecasts.length(of[device], forecasts.device_of(of[device], capacity), seconds[device])
        return f"{name}: {long}" if long else name

    device = "auto"
    if len(devices) > 1 and runs:
        device = st.segmented_control(
            "Device", devices, key=KEY, default="auto", format_func=called, required=True, wrap=True,
            help=f"{capacity.device}. Several GPUs are used, a run each. Or the CPU, {capacity.cores} cores.",
        )  # fmt: skip
    return [replace(run, device=device) for run in runs], forecasts.lines(of[device], capacity, seconds[device])
