"""`make bench-against`: compares this version with another commit on one path, pair by pair.

Each measurement is a process with servers and data of its own, so nothing of the other version runs
meanwhile and no version keeps one lucky database for all pairs. The order alternates (reference, this,
this, reference, …). Each version is measured by its own `bench`. A ratio above 1 means that this version is
better. Exit status: 0, 1 if the median ratio is below the minimum, 2 if there is no comparison, 130 after
Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer

from bench.contenders import Figure, Scale
from bench.reference import NoReferenceError, prepare
from bench.registry import PATHS, find
from bench.report.results import ratio_of
from bench.version import MeasurementError, Version, VersionsDifferError, check_alike

ROOT: Final = Path(__file__).resolve().parents[1]
CHECKOUTS: Final = ROOT / ".local" / "bench" / "against"

Figures = Mapping[str, float]
Measure = Callable[[], Figures]
Tell = Callable[[str], None]


class NoComparisonError(ValueError):
    """There is no such path or figure, or no ratio of it."""


@dataclass(frozen=True)
class Side:
    """A version in a comparison: its name in the report, and one measurement of it."""

    name: str
    measure: Measure


@dataclass(frozen=True)
class Pair:
    """The figures of both versions, measured one after the other."""

    reference: Figures
    here: Figures


def main(
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="The commit to compare with: hash, tag or branch.")
    ],
    path: Annotated[str, typer.Option(help="The path to measure, such as intake.")],
    pairs: Annotated[int, typer.Option(min=1, help="Pairs to take.")] = 5,
    minimum: Annotated[
        float, typer.Option("--min", min=0.0, help="The lowest median ratio that passes; above 1 is better.")
    ] = 0.95,
    figure: Annotated[str, typer.Option(help="The figure to judge by; the path's first one if empty.")] = "",
    quick: Annotated[bool, typer.Option(help="Less work per measurement: for orientation.")] = False,
) -> None:
    """Compare this version with the commit REF on one path; exit 1 if the median ratio is below --min."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore SIGINT
        signal.signal(number, signal.default_int_handler)
    taken: list[Pair] = []
    try:
        figures = figures_of(path)
        judged = judged_figure(figures, figure)
        reference, here = _sides(ref, path, Scale.QUICK if quick else Scale.FULL)
        take_pairs(reference, here, pairs, taken, typer.echo)
        passed, message = verdict(taken, judged, figures[judged], minimum)
    except (NoComparisonError, NoReferenceError, VersionsDifferError, MeasurementError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("\n".join(["", "stopped; the pairs until now:", *report(taken, figures)]))
        raise typer.Exit(130) from None
    typer.echo("\n".join(["", f"{path}, this version ÷ {reference.name}:", *report(taken, figures), message]))
    raise typer.Exit(0 if passed else 1)


def figures_of(path: str) -> Mapping[str, Figure]:
    """The path's figures by name. Raises NoComparisonError."""
    try:
        return find([path])[0].figures
    except KeyError as error:
        known = ", ".join(one.name for one in PATHS)
        raise NoComparisonError(f"no path is called {path!r}; there are: {known}") from error


def judged_figure(figures: Mapping[str, Figure], wanted: str) -> str:
    """The figure that decides: `wanted`, or else the path's first one (its rate, median latency or CPU).

    Raises NoComparisonError.
    """
    if wanted and wanted not in figures:
        raise NoComparisonError(f"the path has no figure {wanted!r}; there are: {', '.join(figures)}")
    return wanted or next(iter(figures))


def _sides(ref: str, path: str, scale: Scale) -> tuple[Side, Side]:
    typer.echo(f"setting up {ref} (minutes the first time)")
    here = Version("this version", ROOT, Path(sys.executable), os.environ)
    reference = prepare(ref, ROOT, CHECKOUTS)
    check_alike(reference.facts(), here.facts())
    ours_only = reference.has_ours_only()
    return (
        Side(reference.name, lambda: reference.measure(path, scale.value, ours_only)),
        Side(here.name, lambda: here.measure(path, scale.value, ours_only=True)),
    )


def take_pairs(reference: Side, here: Side, count: int, taken: list[Pair], tell: Tell) -> None:
    """Append `count` pairs to `taken`, each once it is complete; every second one begins with `here`."""
    for number in range(count):
        measured = {}
        for side in (here, reference) if number % 2 else (reference, here):
            tell(f"pair {number + 1}/{count}: {side.name} …")
            began_at_s = time.monotonic()
            measured[side.name] = side.measure()
            figures = ", ".join(f"{name} {value:,.4g}" for name, value in measured[side.name].items())
            tell(f"  {figures}; took {time.monotonic() - began_at_s:.0f} s")
        taken.append(Pair(measured[reference.name], measured[here.name]))


def ratios_of(pairs: Sequence[Pair], name: str, figure: Figure) -> list[float]:
    """The ratio of each pair, above 1 where this version is better; empty if a value is missing or zero."""
    values = [(pair.here.get(name, 0.0), pair.reference.get(name, 0.0)) for pair in pairs]
    if any(value <= 0 for both in values for value in both):
        return []
    return [ratio_of([both], figure.more_is_better).median for both in values]


def report(pairs: Sequence[Pair], figures: Mapping[str, Figure]) -> list[str]:
    """A line for each figure: the median ratio, the lowest, the highest, and the ratio of each pair."""
    return [_line(name, ratios_of(pairs, name, figure)) for name, figure in figures.items()]


def _line(name: str, ratios: Sequence[float]) -> str:
    if not ratios:
        return f"  {name}: no ratio"
    each = " ".join(f"{ratio:.3f}" for ratio in ratios)
    return (
        f"  {name}: median {median(ratios):.3f}, min {min(ratios):.3f}, max {max(ratios):.3f}; pairs {each}"
    )


def verdict(pairs: Sequence[Pair], name: str, figure: Figure, minimum: float) -> tuple[bool, str]:
    """Whether the median ratio of a figure reaches the minimum, and a sentence. Raises NoComparisonError."""
    ratios = ratios_of(pairs, name, figure)
    if not ratios:
        raise NoComparisonError(f"{name} is missing or zero in a measurement: there is no ratio to judge")
    middle = median(ratios)
    if middle < minimum:
        return False, f"FAILED: the median ratio of {name} is {middle:.3f}, below the minimum {minimum:g}"
    return True, f"passed: the median ratio of {name} is {middle:.3f}, the minimum {minimum:g}"


if __name__ == "__main__":
    typer.run(main)
