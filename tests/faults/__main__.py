"""Runs a campaign: `python -m tests.faults`, or `make faults`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from tests.faults.campaign import Plan, run
from tests.faults.reporting import as_json, as_markdown, complaints

console = Console(width=140)


def main(
    minutes: Annotated[float, typer.Option(help="How long to go on with faults.")] = 20.0,
    rounds: Annotated[int | None, typer.Option(help="No more rounds of faults than this.")] = None,
    short: Annotated[bool, typer.Option(help="Three minutes of faults with one broker.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only faults whose name holds this.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed deals the same faults.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the verdict here, as JSON.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep logs and evidence.")] = False,
) -> None:
    """Break the running system in every way there is, and prove from outside that nothing was lost."""
    plan = Plan(
        seconds=180.0 if short else minutes * 60,
        brokers=1 if short else 3,
        rate_per_s=80.0 if short else 100.0,
        import_rows=4_000 if short else 10_000,
        import_every_s=10.0 if short else 25.0,
        seed=seed,
        rounds=rounds,
        faults=tuple(only or ()),
    )
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o755)
    try:
        verdict = asyncio.run(run(plan, folder / "world", lambda text: print(text, flush=True)))  # noqa: T201
    except KeyboardInterrupt:
        console.print("stopped; nothing was judged")
        raise typer.Exit(130) from None
    finally:
        if keep:
            console.print(f"logs and evidence: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(as_json(verdict), indent=1) + "\n", encoding="utf-8")
    console.print(Markdown(as_markdown(verdict)) if sys.stdout.isatty() else as_markdown(verdict))
    for text in complaints(verdict):
        console.print(text, style="red", markup=False)
    console.print("every invariant held" if verdict.holds else "[red]broken[/]")
    raise typer.Exit(0 if verdict.holds else 1)


if __name__ == "__main__":
    typer.run(main)
