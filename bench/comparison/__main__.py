"""The command line of `make bench-against`: compares this version with another commit on one path.

Exit status: 0 if the median ratio reaches the minimum, 1 if it is below the minimum, 2 if no comparison was
possible, 130 after Ctrl-C.
"""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from bench.comparison.pairs import Pair, both_sides, take_pairs
from bench.comparison.reference_checkout import NoReferenceError
from bench.comparison.verdict import NoComparisonError, figures_of, judged_figure, report, verdict
from bench.comparison.version_under_test import MeasurementError, RuntimeMismatchError
from bench.paths.path_definition import Scale


def main(
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="The commit to compare with: hash, tag or branch.")
    ],
    path: Annotated[str, typer.Option(help="The path to measure, such as intake.")],
    pairs: Annotated[int, typer.Option(min=1, help="Number of pairs.")] = 5,
    minimum: Annotated[
        float, typer.Option("--min", min=0.0, help="The lowest median ratio that passes; above 1 is better.")
    ] = 0.95,
    figure: Annotated[str, typer.Option(help="The figure that decides; by default the path's first.")] = "",
    quick: Annotated[bool, typer.Option(help="Less work per measurement, for orientation.")] = False,
) -> None:
    """Compare this version with the commit REF on one path; exit 1 if the median ratio is below --min."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a background job ignores SIGINT by default
        signal.signal(number, signal.default_int_handler)
    taken: list[Pair] = []
    try:
        figures = figures_of(path)
        judged = judged_figure(figures, figure)
        typer.echo(f"setting up {ref} (takes minutes the first time)")
        reference, here = both_sides(ref, path, Scale.QUICK if quick else Scale.FULL)
        take_pairs(reference, here, pairs, taken, typer.echo)
        passed, message = verdict(taken, judged, figures[judged], minimum)
    except (NoComparisonError, NoReferenceError, RuntimeMismatchError, MeasurementError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("\n".join(["", "interrupted; the pairs measured so far:", *report(taken, figures)]))
        raise typer.Exit(130) from None
    typer.echo("\n".join(["", f"{path}, this version ÷ {reference.name}:", *report(taken, figures), message]))
    raise typer.Exit(0 if passed else 1)


if __name__ == "__main__":
    typer.run(main)
