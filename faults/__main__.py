"""Runs a campaign: `python -m faults`, or `make faults`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markdown import Markdown

from faults import planted_campaigns
from faults.campaign import run
from faults.campaign_report import as_json, as_markdown, complaints
from faults.campaign_result import Plan

SHORT_S: Final = 165.0
"""With start, last round and judgement less than five minutes on two cores."""
TOO_HEAVY: Final = ("every process",)
"""Where machines are shared, thirteen processes that start at once take longer than a recovery may."""
console = Console(width=140)


def main(
    minutes: Annotated[float, typer.Option(help="How long to go on with faults.")] = 20.0,
    rounds: Annotated[int | None, typer.Option(help="No more rounds of faults than this.")] = None,
    short: Annotated[bool, typer.Option(help="Less than five minutes in all, with one broker.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only faults whose name holds this.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed deals the same faults.")] = 1,
    planted: Annotated[
        str | None, typer.Option(help="Catch this planted bug, or `all` of them, in short campaigns.")
    ] = None,
    healthy: Annotated[
        bool, typer.Option(help="With --planted: the same campaigns without the bugs, which must find none.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write the verdict here: JSON, and Markdown beside it.")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep logs and evidence.")] = False,
) -> None:
    """Break the running system in every way there is, and prove from outside that nothing was lost."""
    if planted is not None:
        _hunt(planted_campaigns.chosen(planted, planted=not healthy), report, keep)
        return
    plan = Plan(
        seconds=SHORT_S if short else minutes * 60,
        brokers=1 if short else 3,
        rate_per_s=80.0 if short else 100.0,
        import_rows=4_000 if short else 10_000,
        import_every_s=10.0 if short else 15.0,
        seed=seed,
        rounds=rounds,
        faults=tuple(only or ()),
        without=TOO_HEAVY if short else (),
    )
    with _folder(keep) as folder:
        verdict = asyncio.run(run(plan, folder / "world", _say))
    _write(report, as_json(verdict), as_markdown(verdict))
    _show(as_markdown(verdict))
    for text in complaints(verdict):
        console.print(text, style="red", markup=False)
    console.print("every invariant held" if verdict.holds else "[red]broken[/]")
    raise typer.Exit(0 if verdict.holds else 1)


def _hunt(hunts: Sequence[planted_campaigns.Hunt], report: Path | None, keep: bool) -> None:
    """Catch planted bugs; fails where one is missed, or where one is seen that is not there."""
    if not hunts:
        names = ", ".join(one.bug.name for one in planted_campaigns.HUNTS)
        raise typer.BadParameter(f"there are {names}; or all", param_hint="--planted")
    with _folder(keep) as folder:
        hunted = [asyncio.run(planted_campaigns.hunt(one, folder, _say)) for one in hunts]
    _write(report, planted_campaigns.as_json(hunted), planted_campaigns.as_markdown(hunted))
    _show(planted_campaigns.as_markdown(hunted))
    wrong = [one.hunt.bug.name for one in hunted if not one.is_right]
    caught = sum(one.is_caught for one in hunted)
    console.print(f"{caught} of {len(hunted)} caught; {f'wrong: {wrong}' if wrong else 'as it must be'}")
    raise typer.Exit(1 if wrong else 0)


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """A folder for logs and evidence."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    except KeyboardInterrupt:
        console.print("stopped; nothing was judged")
        raise typer.Exit(130) from None
    finally:
        if keep:
            console.print(f"logs and evidence: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _say(text: str) -> None:
    print(text, flush=True)  # the campaign tells a terminal how it goes


def _show(markdown: str) -> None:
    console.print(Markdown(markdown) if sys.stdout.isatty() else markdown, markup=False, soft_wrap=True)


def _write(report: Path | None, found: Any, markdown: str) -> None:
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        report.with_suffix(".md").write_text(markdown + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
