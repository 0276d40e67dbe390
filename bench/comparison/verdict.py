"""Computes the ratios of pairs, reports them, and judges the median of one figure. The module is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from bench.comparison.pairs import Pair
from bench.paths.path_definition import Figure
from bench.paths.path_list import PATHS, find
from bench.report.results import ratio_of


class NoComparisonError(ValueError):
    """No comparison is possible: the path or the figure does not exist, or the figure has no ratio."""


def figures_of(path: str) -> Mapping[str, Figure]:
    """Return the path's figures by name. Raises NoComparisonError."""
    try:
        return find([path])[0].figures
    except KeyError as error:
        known = ", ".join(known_path.name for known_path in PATHS)
        raise NoComparisonError(f"unknown path {path!r}; known paths: {known}") from error


def judged_figure(figures: Mapping[str, Figure], wanted: str) -> str:
    """Return the name of the judged figure: `wanted`, or if it is empty the first figure of the path.

    Raises NoComparisonError.
    """
    if wanted and wanted not in figures:
        raise NoComparisonError(f"the path has no figure {wanted!r}; its figures: {', '.join(figures)}")
    return wanted or next(iter(figures))


def ratios_of(pairs: Sequence[Pair], name: str, figure: Figure) -> list[float]:
    """Return each pair's ratio, above 1 if this version is better; no ratios if any value is missing or 0."""
    values = [(pair.here.get(name, 0.0), pair.reference.get(name, 0.0)) for pair in pairs]
    if any(value <= 0 for both in values for value in both):
        return []
    return [ratio_of([both], figure.more_is_better).median for both in values]


def report(pairs: Sequence[Pair], figures: Mapping[str, Figure]) -> list[str]:
    """Return a line per figure: the median, lowest and highest ratio, and the ratio of each pair."""
    return [_line(name, ratios_of(pairs, name, figure)) for name, figure in figures.items()]


def _line(name: str, ratios: Sequence[float]) -> str:
    if not ratios:
        return f"  {name}: no ratio"
    listed = " ".join(f"{ratio:.3f}" for ratio in ratios)
    return (
        f"  {name}: median {median(ratios):.3f}, min {min(ratios):.3f}, max {max(ratios):.3f}; pairs {listed}"
    )


def verdict(pairs: Sequence[Pair], name: str, figure: Figure, minimum: float) -> tuple[bool, str]:
    """Return whether the median ratio reaches the minimum, and a message. Raises NoComparisonError."""
    ratios = ratios_of(pairs, name, figure)
    if not ratios:
        raise NoComparisonError(f"{name} is missing or zero in a measurement: there is no ratio to judge")
    middle = median(ratios)
    if middle < minimum:
        return False, f"FAILED: the median ratio of {name} is {middle:.3f}, below the minimum {minimum:g}"
    return True, f"passed: the median ratio of {name} is {middle:.3f}, the minimum {minimum:g}"
