"""Takes pairs of measurements: each pair has one of the reference and one of this version, taken in turn.

Each measurement runs in a process with its own servers and data. So no process of the other version disturbs
the measurement, and a database that happens to be fast serves only one measurement. The order alternates:
reference, this version, this version, reference, …
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.comparison.reference_checkout import prepare
from bench.comparison.version_under_test import Checkout, check_same_runtime
from bench.paths.path_definition import Scale

ROOT: Final = Path(__file__).resolve().parents[2]
CHECKOUTS: Final = ROOT / ".local" / "bench" / "against"

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Side:
    """A version in a comparison: its name in the report, and a function that measures it once."""

    name: str
    measure: Callable[[], Figures]


@dataclass(frozen=True)
class Pair:
    """The figures of both versions, measured one after the other."""

    reference: Figures
    here: Figures


def both_sides(ref: str, path: str, scale: Scale) -> tuple[Side, Side]:
    """Return the reference and this version, ready to be measured on a path.

    Raises NoReferenceError if the commit `ref` does not exist or cannot be set up, RuntimeMismatchError if
    the versions differ in Python or decoder, and MeasurementError if these facts cannot be read.
    """
    here = Checkout("this version", ROOT, Path(sys.executable), os.environ)
    reference = prepare(ref, ROOT, CHECKOUTS)
    check_same_runtime(reference.runtime_facts(), here.runtime_facts())
    ours_only = reference.has_ours_only()
    return (
        Side(reference.name, lambda: reference.measure(path, scale.value, ours_only)),
        Side(here.name, lambda: here.measure(path, scale.value, ours_only=True)),
    )


def take_pairs(
    reference: Side, here: Side, count: int, taken: list[Pair], echo: Callable[[str], None]
) -> None:
    """Append `count` pairs to `taken`, each when it is complete. Every second pair begins with `here`."""
    for number in range(count):
        measured = {}
        for side in (here, reference) if number % 2 else (reference, here):
            echo(f"pair {number + 1}/{count}: {side.name} …")
            began_at_s = time.monotonic()
            measured[side.name] = side.measure()
            figures = ", ".join(f"{name} {value:,.4g}" for name, value in measured[side.name].items())
            echo(f"  {figures}; took {time.monotonic() - began_at_s:.0f} s")
        taken.append(Pair(measured[reference.name], measured[here.name]))
