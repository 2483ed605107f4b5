"""Downloads through torchvision, in a process of its own.

A process can be ended when the user turns away or the server falls silent; it gives the network a time limit without
changing that of the whole app; and it keeps torch, which torchvision imports, out of pages that only look at data.
"""

import errno
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from data import files
from data.images import DataError, Found, Progress, Spec

SILENCE = 30  # seconds without a byte after which the network is given up
STALL = 90  # seconds in which no file grew; more than SILENCE, for it counts the checking and unpacking as well


def command(spec: Spec, folder: Path) -> list[str]:
    return [sys.executable, "-m", "data.download", spec.torchvision, str(folder)]


def download(spec: Spec, progress: Progress) -> Found:
    """Download a data set into the cache. It appears there whole, by one rename, or not at all.

    Raises DataError: no network, a damaged download, a full disk.
    """
    files.check_space(int(spec.size * 2**20) + 2 * files.array_bytes(spec), spec.title)
    with files.scratch(spec.name) as folder:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            command(spec, folder),
            cwd=files.ROOT,
            stdin=subprocess.PIPE,  # its end tells the child that this process is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with child:
            try:
                watch(child, spec, folder, progress)
            finally:
                child.kill()
            said = (child.stdout.read() if child.stdout else b"").decode(errors="replace").strip().splitlines()
        if child.returncode != 0:
            raise DataError(sentence(spec, said[-1] if said else ""))
        progress(1.0, f"Unpacked {spec.title}")
        for packed in packed_files(folder):
            packed.unlink()
        files.move_in(folder / spec.folder, files.cache() / spec.folder)
    return Found(files.cache() / spec.folder)


def watch(child: subprocess.Popen, spec: Spec, folder: Path, progress: Progress) -> None:
    """Report how much has arrived until the child ends. Raises DataError when nothing moves any more."""
    last, since = -1, time.monotonic()
    while child.poll() is None:
        arrived = sum(size(file) for file in packed_files(folder)) / 2**20
        progress(min(1.0, arrived / spec.size), f"Downloading {spec.title}: {arrived:.1f} of {spec.size:.1f} MiB")
        written = sum(size(file) for file in folder.rglob("*"))
        if written != last:
            last, since = written, time.monotonic()
        elif time.monotonic() - since > STALL:
            raise DataError(f"The download of {spec.title} has stalled at {arrived:.1f} MiB. Try again later.")
        try:
            child.wait(0.2)
        except subprocess.TimeoutExpired:
            continue


def packed_files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.gz"))


def size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # renamed or removed a moment ago
        return 0


def sentence(spec: Spec, said: str) -> str:
    """What the user reads, from the last line of the child: a JSON object with "what" and "why"."""
    try:
        report = json.loads(said)
    except ValueError:
        report = {"what": "died", "why": ""}
    why = f" ({report['why']})" if report["why"] else ""
    return {
        "full": f"The disk of {files.cache()} is full: {spec.title} does not fit. Free some space and try again.",
        "damaged": f"The download of {spec.title} arrived damaged: its md5 sum is wrong. Try again.",
        "network": f"{spec.title} could not be downloaded: the server cannot be reached{why}."
        " Check the network, or put the files in a folder and name it in FEWLABELS_DATA.",
        "died": f"The download of {spec.title} ended without a word. Try again.",
    }[report["what"]]


def report(error: Exception) -> dict[str, str]:
    """An error of torchvision or urllib as what the parent needs to know of it."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return {"what": "full", "why": ""}
    if "corrupted" in text:
        return {"what": "damaged", "why": ""}
    why = re.search(r"urlopen error (?:\[Errno -?\d+\] )?([^>\n]*)>|(HTTP Error \d+)|(timed out)", text)
    return {"what": "network", "why": next(filter(None, why.groups()), "") if why else ""}


def main(kind: str, folder: str) -> int:
    """The child: let torchvision download into `folder`; at the end one line about what went wrong, if anything."""
    import torchvision.datasets

    try:
        getattr(torchvision.datasets, kind)(folder, download=True)
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        print(json.dumps(report(error)), flush=True)
        return 1
    return 0


def end_with_parent() -> None:
    while os.read(0, 1):
        continue
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    socket.setdefaulttimeout(SILENCE)
    sys.exit(main(*sys.argv[1:]))
