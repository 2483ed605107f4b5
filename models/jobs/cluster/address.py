"""Where the cluster is, without asking Ray: an address that nobody listens at is said in a second, not in a minute."""

import os
import socket
import tempfile
from pathlib import Path

from models.errors import JobsError

PATIENCE = 2.0  # seconds


def found(wanted: str) -> str:
    """HOST:PORT of a head that listens there. Raises JobsError, one sentence."""
    address = wanted
    if wanted == "auto":
        address = os.environ.get("RAY_ADDRESS", "") or noted()
        if not address:
            raise JobsError(
                "There is no Ray cluster on this machine: start one with `ray start --head`, or name its "
                "address in FEWLABELS_CLUSTER."
            )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise JobsError(f"FEWLABELS_CLUSTER is {address!r}; it must be auto, or HOST:PORT of the head of a cluster.")
    if why := refusal(address):
        raise JobsError(f"There is no Ray cluster at {address} ({why}): runs wait until there is.")
    return address


def refusal(address: str) -> str:
    """Why nothing answers at HOST:PORT; "" if something does."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, OverflowError) as e:
        return getattr(e, "strerror", None) or str(e)
    return ""


def noted() -> str:
    """The address that `ray start` left on this machine."""
    for folder in (os.environ.get("RAY_TMPDIR", ""), tempfile.gettempdir()):
        try:
            return (Path(folder) / "ray" / "ray_current_cluster").read_text().strip()
        except OSError:
            continue
    return ""
