"""Measures the plane under many visitors: browsers that all press Play, and sessions without a browser.

    .venv/bin/python -m tests.bench.plane_visitors [--pages 10] [--pause] [--desks 30]

Serves an explorer on a runs folder of its own and opens so many pages in one Chromium, a profile each, which draw on
the same cores as the server and the sessions: real visitors bring cores of their own. Each page presses Play a fifth of
a second after the one before. Printed for each: seconds from Play to the first movement, its longest freeze (a timer of
25 ms that came late), how long a switched layer took (from the moment it should be switched until it is painted), the
places it was told, and when it had settled. With `--pause` each pauses once and plays on. `--desks`: so many sessions
that nothing but a folder asks for, and an ordinary run beside them. Nothing here fails when a time is long.
"""

import argparse
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from tests.serving import served  # noqa: E402

APART = 0.2  # seconds between two visitors who press Play
SWITCH = 2000  # milliseconds between two switches of a layer in each page

# Notes in each page, with its own clock: the queue of its main thread is part of what is measured.
NOTES = """
window.plane = { steps: [], says: [], play: [], gap: 0, switched: [], paused: null };
const note = (list, value) => { if (list.at(-1)?.[1] !== value) list.push([Date.now(), value]); };
const look = (root) => {
  const view = root.querySelector?.(".plane-view");
  if (!view) return;
  plane.view = view;
  note(plane.steps, view.dataset.steps ?? "");
  note(plane.says, view.querySelector("[role=status]")?.textContent ?? "");
  note(plane.play, view.querySelector(".play")?.textContent ?? "");
};
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (how) {
  const root = attach.call(this, how);
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(() => look(root)).observe(root, all);
  return root;
};
let before = null;
setInterval(() => {
  if (before !== null && plane.began) plane.gap = Math.max(plane.gap, Date.now() - before - 25);
  before = Date.now();
}, 25);
const at = (moment, act) => setTimeout(act, Math.max(0, moment - Date.now()));
const switching = (due) => at(due, () => {
  const play = plane.view.querySelector(".play").textContent;
  if (play.includes("Again")) return;
  plane.view.querySelectorAll(".switches input")[1].click();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    plane.switched.push(Date.now() - due);
    switching(Math.max(Date.now(), due + EVERY));
  }));
});
window.begin = (moment) => at(moment, () => {
  plane.began = moment;
  plane.view.querySelector(".play").click();
  switching(moment + EVERY);
});
window.pause = () => {
  const due = Date.now() + 50;
  at(due, () => {
    plane.view.querySelector(".play").click();
    const wait = () => {
      if (!plane.view.querySelector(".play").textContent.includes("Play")) return setTimeout(wait, 5);
      plane.paused = Date.now() - due;
      setTimeout(() => plane.view.querySelector(".play").click(), 1000);
    };
    wait();
  });
};
""".replace("EVERY", str(SWITCH))


def say(text: str) -> None:
    print(f"{text} [load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores]", flush=True)


def spent(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def shortly(found: list[float]) -> str:
    return f"median {statistics.median(found):.2f}, worst {max(found):.2f}" if found else "none"


def browsers(n: int, pause: bool, engine, runs: Path, methods: str, patience: float) -> None:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, chromium

    with served(runs / ".server.log") as (address, server), sync_playwright() as p:
        running = p.chromium.launch(executable_path=chromium(), args=FLAGS)
        pages = []
        for _ in range(n):
            page = running.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.set_default_timeout(patience * 1000)
            page.add_init_script(NOTES)
            page.goto(f"{address}/plane" + f"?methods={methods}" * bool(methods))
            pages.append(page)
        for page in pages:
            page.wait_for_function("window.plane?.steps.at(-1)?.[1].startsWith('0 0')", polling=200)
        say(f"{n} pages show their first picture")
        before = spent(server.pid), spent(engine.supervisor())
        begin = time.time() + 2
        for i, page in enumerate(pages):
            page.evaluate(f"begin({1000 * (begin + APART * i)})")
        paused: set[int] = set()
        ends: list[bool] = []
        while time.time() < begin + patience:
            ends = [page.evaluate("plane.play.at(-1)[1].includes('Again')") for page in pages]
            if all(ends):
                break
            for i, page in enumerate(pages):
                if (
                    pause
                    and i not in paused
                    and page.evaluate(
                        "plane.steps.at(-1)[1].split(' ').every((n) => n > 100)"
                        " && !plane.play.at(-1)[1].includes('Again')"
                    )
                ):
                    paused.add(i)
                    page.evaluate("pause()")
            time.sleep(0.5)
        took = time.time() - begin
        notes = [page.evaluate("(({ view, ...rest }) => rest)(plane)") for page in pages]
        firsts = report(notes)
        order = sorted(range(n), key=lambda i: firsts[i])
        say(f"first movement in the order {[i + 1 for i in order]}")
        say(f"first movement after Play: {shortly(firsts)} s")
        say(f"longest freeze: {shortly([note['gap'] / 1000 for note in notes])} s")
        say(f"a layer switched: {shortly([s / 1000 for note in notes for s in note['switched']])} s")
        if pause:
            say(f"Pause until the page says Play: {shortly([x['paused'] / 1000 for x in notes if x['paused']])} s")
        used = spent(server.pid) - before[0]
        say(f"{sum(ends)} settled {took:.1f} s after the first Play; the server took {used:.1f} s of processor time")
        running.close()


def report(notes: list[dict]) -> list[float]:
    """Print what each page saw; returns seconds from Play to the first movement."""
    firsts = []
    for i, note in enumerate(notes, 1):
        began = note["began"]
        moves = [at for at, steps in note["steps"] if at >= began and not re.fullmatch(r"[0 ]*", steps)]
        first = (moves[0] - began) / 1000 if moves else float("inf")
        firsts.append(first)
        gaps = [b - a for a, b in pairwise(moves)]
        told = [
            f"{(at - began) / 1000:.1f}: {found[0]}"
            for at, says in note["says"]
            if (found := re.findall(r"Place \d+", says))
        ]
        ends = [at for at, text in note["play"] if "Again" in text]
        end = f"{(ends[-1] - began) / 1000:.1f}" if ends else "never"
        rate = f"{1000 / statistics.median(gaps):.1f} a second" if gaps else ""
        print(
            f"{i:3}: first {first:5.1f} s, frames {rate}, longest freeze {note['gap'] / 1000:.2f} s, "
            f"switches {shortly([s / 1000 for s in note['switched']])}, settled {end} s; {'; '.join(told)}",
            flush=True,
        )
    return firsts


def desks(n: int, methods: str, engine, patience: float) -> None:
    """Sessions without browsers, and an ordinary run that is queued meanwhile."""
    from models import MODELS
    from models.plane.desk import Ask, Desk
    from models.plane.setup import SetUp
    from models.runs.run import Run

    able = tuple(name for name, card in MODELS.items() if "points" in card.kinds)[:4]
    models = tuple(methods.split(",")) if methods else able
    setup = SetUp("moons", models, 6)
    made = [Desk(engine.paths.plane / f"desk-{i:02}") for i in range(n)]
    begin = time.time()
    for i, desk in enumerate(made):
        desk.ask(Ask(setup, playing=True, since=begin + i * 0.01))
    engine.ring()
    first: dict[int, float] = {}
    settled: dict[int, float] = {}
    run, since, begun, ended = "", 0.0, 0.0, 0.0
    while len(settled) < n and time.time() < begin + patience:
        for i, desk in enumerate(made):
            desk.look()
            if i in settled:
                continue
            frame = desk.frame()
            if i not in first and any(one.step for one in frame.values()):
                first[i] = time.time() - begin
            if len(frame) == len(models) and all(one.settled for one in frame.values()):
                settled[i] = time.time() - begin
        if not run and len(first) >= 2:
            since, run = time.time(), engine.submit(Run.make("digits", "supervised", epochs=2, threads=1))
        if run and not begun and any(r["kind"] == "step" for r in engine.events(run)[0]):
            begun = time.time() - since
        if run and not ended and engine.states([run])[run].final:
            ended = time.time() - since
        time.sleep(0.1)
    order = sorted(first, key=lambda i: first[i])
    inverted = sum(a > b for k, a in enumerate(order) for b in order[k + 1 :])
    say(f"{len(settled)} of {n} sessions settled after {max(settled.values(), default=0):.0f} s")
    say(f"first movement: {shortly(list(first.values()))} s; {inverted} pairs out of the order of Play: {order}")
    say(f"a run queued meanwhile: its first step after {begun:.1f} s, its end after {ended:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--pause", action="store_true")
    parser.add_argument("--desks", type=int, default=0)
    parser.add_argument("--methods", default="", help="supervised,m1 cost an eighth of the four shown at first")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds after which it is told as it stands")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what it began ends with it
    with tempfile.TemporaryDirectory(prefix="plane-") as folder:
        os.environ["FEWLABELS_RUNS"] = folder
        from models import jobs

        engine = jobs.engine()
        engine.warm()
        while not engine.capacity().warm:
            time.sleep(0.1)
        say("the warm process is there")
        try:
            if args.desks:
                desks(args.desks, args.methods, engine, args.patience)
            else:
                browsers(args.pages, args.pause, engine, Path(folder), args.methods, args.patience)
        finally:
            engine.shutdown()


if __name__ == "__main__":
    main()
