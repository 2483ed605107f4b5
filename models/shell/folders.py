"""What is done with the runs there are: list, rename, delete, restore, export, import."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.errors import RunError, StoreError
from models.runs import aside
from models.runs.naming import named
from models.runs.run import one_of
from models.runs.store import Folder, damaged, delete, deleted, open_folder, restore, root, runs
from models.shell.output import given_too, say


def known(args: argparse.Namespace) -> Folder:
    """The run that was named. Raises RunError if there is none."""
    folder = open_folder(args.runs or root(), args.run)
    if folder is None:
        raise RunError(
            f"There is no run {args.run!r} in {args.runs or root()}. `python -m models list` shows what there is."
        )
    return folder


def list_runs(args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for folder in runs(args.runs or root()):
        run, result = folder.run, folder.result() or {}
        row = {"run": folder.id, "state": folder.status()["state"], "model": run.model, "dataset": run.dataset,
               "labels": run.labels, "seed": run.seed, "epochs": run.epochs, "preset": run.preset}  # fmt: skip
        row |= {"name": folder.called.name, "tags": list(folder.called.tags)}
        row |= {"given": len(run.given), "parent": run.parent.id} if run.parent else {}
        rows.append(row | {k: result.get(k) for k in ("test_accuracy", "seconds")})
    if args.json:
        print(json.dumps(rows))
    elif not rows:
        print("No runs yet. Begin with: python -m models train")
    wide = max((len(str(row["run"])) for row in rows), default=0)
    for row in [] if args.json else rows:
        accuracy = "      " if row["test_accuracy"] is None else f"{row['test_accuracy']:.2%}"
        of = f"{given_too(row)} labels, seed {row['seed']}, {row['epochs']} epochs"
        name, tags = f', "{row["name"]}"' if row["name"] else "", "".join(f", #{tag}" for tag in row["tags"])
        print(f"{row['run']:{wide}} {row['state']:9} {accuracy:>7}  {of}{name}{tags}")
    for _, why in damaged(args.runs or root()):
        say(why)
    return 0


def rename(args: argparse.Namespace) -> int:
    folder = known(args)
    if args.name is None and args.tag is None:
        raise RunError("Nothing to change: give a name, or tags with --tag, or both.")
    before = folder.called
    folder.rename(named(before.name if args.name is None else args.name, before.tags if args.tag is None else args.tag))
    now = folder.called
    said = {"run": folder.id, "name": now.name, "tags": list(now.tags)}
    tags = f", tagged {', '.join(now.tags)}" if now.tags else ""
    what = f'is called "{now.name}"' if now.name else "has no name"
    print(json.dumps(said) if args.json else f"{folder.id} {what}{tags}.")
    return 0


def remove(args: argparse.Namespace) -> int:
    undo = "" if args.now else f" `restore` brings it back for {aside.MINUTES}."
    return each(args, lambda id: delete(args.runs or root(), id, now=args.now), "deleted", f"is deleted.{undo}")


def bring_back(args: argparse.Namespace) -> int:
    if args.run:
        return each(args, lambda id: restore(args.runs or root(), id), "restored", "is back.")
    rows = [{"run": id, "seconds_left": round(left)} for id, (_, left) in deleted(args.runs or root()).items()]
    if args.json:
        print(json.dumps(rows))
    elif not rows:
        print(f"No run was deleted in the last {aside.MINUTES}.")
    for row in [] if args.json else rows:
        print(f"{row['run']}  {row['seconds_left']} s left")
    return 0


def each(args: argparse.Namespace, do: Callable[[str], None], what: str, sentence: str) -> int:
    """Do something with each run that is named; one that cannot be is said and does not keep the others from it."""
    done = []
    for id in dict.fromkeys(args.run):
        try:
            do(id)
        except StoreError as e:
            say(str(e))
            continue
        done.append(id)
        if not args.json:
            print(f"{id} {sentence}")
    if args.json and done:
        print(json.dumps({what: done}))
    return 0 if len(done) == len(dict.fromkeys(args.run)) else 1


def export(args: argparse.Namespace) -> int:
    from models.runs import archive

    folder = known(args)
    if args.codes is None:
        if args.space is not None:
            raise RunError(f"--space {args.space} says of what the codes are wanted: name their format with --codes.")
        path = archive.export(folder, args.file, checkpoint=not args.small)
    else:
        path = export_codes(folder, args)
    said = {"run": folder.id, "file": str(path), "bytes": path.stat().st_size}
    print(json.dumps(said) if args.json else f"{folder.id} is kept as {path}, {said['bytes'] / 2**20:.1f} MiB.")
    return 0


def export_codes(folder: Folder, args: argparse.Namespace) -> Path:
    """Write the codes of a run in the format that is asked for; the file."""
    from models.analysis import codes_export
    from models.runs import archive

    if args.small:
        raise RunError("--small is for the run as a zip: codes have nothing that it could leave out.")
    one_of("format", args.codes, codes_export.FORMATS)
    kind = codes_export.FORMATS[args.codes]
    space = codes_export.space_of(folder, args.space)
    made = kind.make(folder, space)
    return archive.new_file(args.file, kind.file_name(folder, space), lambda f: f.write(made))


def bring(args: argparse.Namespace) -> int:
    from models.runs import archive

    folder = archive.bring(args.file, args.runs)
    said = {"run": folder.id, "path": str(folder.path)}
    print(json.dumps(said) if args.json else f"{args.file} is here as {folder.id}.")
    return 0
