"""Run a command in a network of its own: `unshare -n python tests/jobs/two_nodes/namespace.py COMMAND`.

In here there is only lo, and nothing outside meets what listens. Where a system lets nobody begin a namespace, tests do
without; FEWLABELS_TEST_NAMESPACE=0 stands for such a system.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def lo_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0)))
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def refused() -> bool:
    return os.environ.get("FEWLABELS_TEST_NAMESPACE") == "0"


def way_in() -> list[str] | None:
    """How to begin a command in such a network, or None if this system does not let us."""
    if refused():
        return None
    for options in ("-n", "-Urn"):  # as root; or as nobody in particular, where users may have namespaces
        command = ["unshare", options, sys.executable, __file__]
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return None


if __name__ == "__main__":
    lo_up()
    os.execvp(sys.argv[1], sys.argv[1:])
