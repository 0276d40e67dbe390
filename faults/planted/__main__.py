"""Runs a service's own `__main__` in this process, with one bug planted."""

from __future__ import annotations

import runpy
import sys

from faults.planted.bugs import BUGS


def main(arguments: list[str]) -> None:
    """Plant the bug, then run the service's `__main__`."""
    if len(arguments) < 2 or arguments[0] not in BUGS:
        names = " | ".join(BUGS)
        raise SystemExit(f"usage: python -m faults.planted ({names}) PACKAGE ARGUMENT…")
    name, package, *rest = arguments
    BUGS[name].plant()
    sys.argv = [package, *rest]
    runpy.run_module(package, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
