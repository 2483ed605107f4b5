"""The address under which an audience reaches a page, and its QR code."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import segno

from pages.parts.shared import owner

SERVE = "`streamlit run app.py --server.address 0.0.0.0`"


@dataclass(frozen=True)
class Reach:
    """An address for others, "" if there is none, and a sentence that says so."""

    address: str
    words: str = ""

    @property
    def qr(self) -> str:
        """The address as a QR code, as a data: URI; "" without an address."""
        if not self.address:
            return ""
        return segno.make(self.address, error="m", micro=False).svg_data_uri(border=4, light="#fff")


def of(url: str, bound: str | None) -> Reach:
    """How others reach `url`, which stands in a browser's address, of a server that listens on `bound`."""
    parts = urlsplit(url)
    if not owner.is_loopback(parts.hostname):
        return Reach(url)
    here = local_address()
    port = f":{parts.port}" if parts.port else ""
    if owner.is_loopback(bound):
        then = f", and the address is http://{here}{port}" if here else ""
        return Reach("", f"Only this machine reaches {parts.netloc}. Serve with {SERVE}, so that others do{then}.")
    if not here:
        return Reach("", f"Only this machine reaches {parts.netloc}. Open it by this machine's name in its network.")
    return Reach(
        parts._replace(netloc=here + port).geturl(),
        f"Only this machine reaches {parts.netloc}; this is its address in its network.",
    )


def local_address() -> str:
    """This machine's IPv4 address in a private network, "" if it has none. Nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # of no machine (RFC 5737); for UDP this chooses the way and sends nothing
            found = ip_address(s.getsockname()[0])
        except (OSError, ValueError):
            return ""
    return str(found) if found.is_private and not found.is_loopback and not found.is_link_local else ""
