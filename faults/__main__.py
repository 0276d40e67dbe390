"""The command line of the fault campaign: `python -m faults`, or `make faults`."""

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
from faults.campaign import run_campaign
from faults.campaign_plan import CampaignPlan
from faults.campaign_report import as_json, as_markdown, violation_lines

SHORT_S: Final = 165.0
"""With its start, last round and checks, a short campaign takes less than five minutes on two cores."""
LONG_OUTAGE_S, SHORT_OUTAGE_S = 180.0, 12.0
EXCLUDED_IF_SHORT: Final = ("every process", "topics compacted", "PostgreSQL away", "fail-over")
"""Not in a short campaign.

Starting 12 processes at once takes over 30 s on a shared machine, the broker compacts only every 15 s, and no
process ends during a short outage of PostgreSQL. A fail-over needs a base backup of the register.
"""
console = Console(width=140)


def main(
    minutes: Annotated[float, typer.Option(help="Inject faults for so many minutes.")] = 32.0,
    rounds: Annotated[int | None, typer.Option(help="Maximum number of rounds of faults.")] = None,
    short: Annotated[bool, typer.Option(help="Take less than five minutes in all, with one broker.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Inject only faults whose name contains this text.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of the random order of faults.")] = 1,
    planted: Annotated[
        str | None, typer.Option(help="Find this planted bug, or `all` of them, by short campaigns.")
    ] = None,
    healthy: Annotated[
        bool,
        typer.Option(help="With --planted: run the same campaigns without the bugs; they must find none."),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write the result to this file as JSON, and beside it as Markdown.")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep logs and stored data.")] = False,
) -> None:
    """Inject faults into the running system, and check from outside that every guarantee held."""
    if planted is not None:
        _run_planted(planted_campaigns.select(planted, planted=not healthy), report, keep)
        return
    plan = CampaignPlan(
        seconds=SHORT_S if short else minutes * 60,
        brokers=1 if short else 3,
        rate_per_s=80.0 if short else 100.0,
        import_rows=4_000 if short else 10_000,
        import_every_s=10.0 if short else 15.0,
        seed=seed,
        rounds_max=rounds,
        only=tuple(only or ()),
        long_outage_s=SHORT_OUTAGE_S if short else LONG_OUTAGE_S,
        without=EXCLUDED_IF_SHORT if short else (),
    )
    with _folder(keep) as folder:
        result = asyncio.run(run_campaign(plan, folder / "system", _show_progress))
    _write(report, as_json(result), as_markdown(result))
    _show(as_markdown(result))
    for text in violation_lines(result):
        console.print(text, style="red", markup=False)
    console.print("every invariant held" if result.holds else "[red]an invariant was violated[/]")
    raise typer.Exit(0 if result.holds else 1)


def _run_planted(
    campaigns: Sequence[planted_campaigns.PlantedCampaign], report: Path | None, keep: bool
) -> None:
    """Run the campaigns. Exit with 1 if a planted bug is missed, or a campaign without it has a violation."""
    if not campaigns:
        names = ", ".join(campaign.bug.name for campaign in planted_campaigns.CAMPAIGNS)
        raise typer.BadParameter(f"choose one of {names}; or all", param_hint="--planted")
    with _folder(keep) as folder:
        results = [
            asyncio.run(planted_campaigns.run_planted(campaign, folder, _show_progress))
            for campaign in campaigns
        ]
    _write(report, planted_campaigns.as_json(results), planted_campaigns.as_markdown(results))
    _show(planted_campaigns.as_markdown(results))
    wrong = [result.campaign.bug.name for result in results if not result.is_as_expected]
    found = sum(result.is_found for result in results)
    console.print(f"{found} of {len(results)} found; {f'unexpected: {wrong}' if wrong else 'as expected'}")
    raise typer.Exit(1 if wrong else 0)


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """Create a folder for logs and stored data; remove it at the end unless `keep` is set."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    except KeyboardInterrupt:
        console.print("stopped; no invariant was checked")
        raise typer.Exit(130) from None
    finally:
        if keep:
            console.print(f"logs and stored data: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _show_progress(text: str) -> None:
    print(text, flush=True)


def _show(markdown: str) -> None:
    console.print(Markdown(markdown) if sys.stdout.isatty() else markdown, markup=False, soft_wrap=True)


def _write(report: Path | None, content: Any, markdown: str) -> None:
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        report.with_suffix(".md").write_text(markdown + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
