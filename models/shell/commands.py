"""Which command is what, and how each that cannot be done ends: one sentence and an exit code."""

import os
import sys

import data
from models import environment
from models.errors import RunError, UserError
from models.shell import cluster, folders
from models.shell.ablate import ablate
from models.shell.fetch import fetch
from models.shell.measure import judge, measure
from models.shell.output import plain_output, say
from models.shell.parser import completion, parser
from models.shell.table import record, table
from models.shell.train import train

OTHERS = {
    "table": table,
    "ablate": ablate,
    "record": record,
    "measure": measure,
    "judge": judge,
    "list": folders.list_runs,
    "rename": folders.rename,
    "delete": folders.remove,
    "restore": folders.bring_back,
    "export": folders.export,
    "import": folders.bring,
    "fetch": fetch,
    "completion": completion,
}


def run(argv: list[str] | None, started: float) -> int:
    """Do what `argv` says, or the command line; the exit code. `started`: when the process began."""
    plain_output()
    args = parser().parse_args(argv)
    try:
        cluster.choose(args)
        named = getattr(args, "runs", None)
        environment.check(runs=named is None)
        if named is not None:
            data.files.check_folder("--runs", named.absolute())
    except UserError as e:
        print(e, file=sys.stderr)
        return 2
    try:
        code = train(args, started) if args.command == "train" else OTHERS[args.command](args)
        sys.stdout.flush()  # here, where a closed pipe is caught
        return code
    except BrokenPipeError:  # `list | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may the flush at exit complain
        return 0
    except KeyboardInterrupt:
        say("Interrupted. What had been saved before is kept.")
        return 130
    except RunError as e:
        print(e, file=sys.stderr)
        return 2
    except UserError as e:
        print(e, file=sys.stderr)
        return 1
