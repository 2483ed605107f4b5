"""The explorer's runs from a shell: `python -m models train ...`, `table`, `list`, `delete`, `export` and others."""

import time

STARTED = time.time()  # before anything heavy is imported: the seconds of a run count from here

import sys  # noqa: E402

from models.shell.commands import run  # noqa: E402


def main(argv: list[str] | None = None) -> int:
    return run(argv, STARTED)


if __name__ == "__main__":
    sys.exit(main())
