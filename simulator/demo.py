"""The whole programme on one machine: start, fill the register, play a Fest night, prove it, stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.paths import ROOT
from deploy.local.stack import Stack
from simulator.clients.access_keys import read_keys
from simulator.clients.board_client import Board
from simulator.clients.register_client import Import
from simulator.live_display_run import TAIL_S_MAX, play
from simulator.load.expected_state import Account, account
from simulator.load.ledger import read
from simulator.load.session import CAMPAIGN, NightOptions, Session, session
from simulator.seed.seeding import SeedingError, fill
from simulator.terminal_view import percentiles, report
from simulator.verify.alert_check import Alert, alerts_of, deliveries, faults, missing
from simulator.verify.final_check import Counts, count_faults, register_faults, until_settled
from simulator.verify.latency_probe import Probes
from simulator.verify.reconciliation import settle

CAUGHT_UP_S_MAX: Final = 180.0
SCOPE: Final = f"campaign:{CAMPAIGN}"
RULES: Final = ROOT / "deploy" / "local" / "config" / "rules.yaml"
console = Console()


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How much of everything."""

    people: int
    rate_per_s: float
    duration_s: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class Start:
    """How things stood before: the province's total, the Fest's counts, the alerts there were."""

    registered: int
    fest: Counts
    alerts: frozenset[str]


def demo(options: DemoOptions) -> int:
    """Run it all; 0 if nothing was lost, doubled or miscounted. What it started it stops."""
    stack = Stack.here()
    ours = stack.up({}, lambda text: console.print(f"[dim]{text}[/]"))
    try:
        stack.wait_ready(lambda _: None)
        console.print(f"the page: [bold]{_url(stack, 'board')}[/]")
        return asyncio.run(_programme(stack, options))
    except SeedingError as error:
        console.print(f"[red]{error}[/]")
        return 1
    finally:
        if ours:
            console.print(f"[dim]ended {stack.down()} processes[/]")


async def _programme(stack: Stack, options: DemoOptions) -> int:
    keys = stack.folder / "keys.env"
    night_options = NightOptions(
        _url(stack, "api"),
        options.rate_per_s,
        options.duration_s,
        options.seed,
        keys,
        stack.folder / "ledger",
    )
    async with session(night_options, read_keys(keys)) as night:
        board = Board(night.http, _url(stack, "board"))
        first = await _start(stack, night, board)
        filled = await _fill(night, stack.folder / "demo", options)
        if not await _caught_up(night, board, filled):
            return 1 if not night.stopping.is_set() else 0
        for path in sorted(night_options.ledgers.glob("*.jsonl")):
            await settle(path, night.fest.sender_of)
        start = await _start(stack, night, board)
        probes = await play(night, night_options, board, stack.folder, console)
        await settle(night.path, night.fest.sender_of)
        result = account(read(night.path))
        wrong = [*result.faults, *(f"unsettled: {one.kind} {one.number}" for one in result.unsettled)]
        wrong += await _count_faults(night, board, start, result)
        if probes.on_their_way:
            wrong.append(f"{probes.on_their_way} probes were accepted and never seen on the stream")
        told, untold = await _told(stack, night, board, first)
        console.print(report(await _rows(night, board, probes, result, filled) + told, wrong + untold))
        return 1 if wrong or untold else 0


async def _start(stack: Stack, night: Session, board: Board) -> Start:
    total = await until_settled(board.total, lambda seen: seen is not None, CAUGHT_UP_S_MAX)
    alerts = await alerts_of(night.http, _url(stack, "notifier"))
    return Start(
        total.registered if total else 0, await board.kelurahan(SCOPE), frozenset(one.id for one in alerts)
    )


async def _fill(night: Session, folder: Path, options: DemoOptions) -> Import:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=options.people)

        def told(what: str, done: int, count: int) -> None:
            progress.update(task, description=what, completed=done, total=count)

        filling = asyncio.ensure_future(fill(night.register, folder, options.people, options.seed, told))
        stop = asyncio.ensure_future(night.stopping.wait())
        await asyncio.wait([filling, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not filling.done():
            filling.cancel()
            raise SeedingError("stopped while the register was filled; the next start goes on")
        filled = filling.result()
    rate = f" at {filled.rows_per_s:,.0f} rows/s" if filled.rows_per_s else ""
    console.print(f"imported: {filled.accepted:,} participants{rate}")
    return filled


async def _caught_up(night: Session, board: Board, filled: Import) -> bool:
    """Wait until everything accepted so far is counted and proven."""
    with console.status("counting") as status:

        def good(total: Any) -> bool:
            if total is not None:
                status.update(f"counted {total.registered:,}, {total.state}, coverage {total.coverage:.2%}")
            return night.stopping.is_set() or (total is not None and total.proven)

        total = await until_settled(board.total, good, CAUGHT_UP_S_MAX)
    if total is None or not total.proven:
        console.print(f"[red]not counted within {CAUGHT_UP_S_MAX:.0f} s: {total}[/]")
        return False
    console.print(f"counted: {total.registered:,}, drift {total.drift}")
    return not night.stopping.is_set()


async def _count_faults(night: Session, board: Board, start: Start, result: Account) -> list[str]:
    """The register against the ledger, then the board against both."""
    with console.status("reading every participant of the night back"):
        wrong = await register_faults(night.register, result)
    grown = result.counts(CAMPAIGN)
    wrong += await count_faults(board, SCOPE, start.fest, grown, TAIL_S_MAX)
    standing = sum(one.standing == "registered" for one in result.known.values())
    wanted = start.registered + standing
    total = await until_settled(
        board.total,
        lambda seen: seen is not None and seen.proven and seen.registered == wanted,
        TAIL_S_MAX,
    )
    if total is None or not total.proven:
        wrong.append(f"not proven: {total}")
    elif total.registered != wanted:
        wrong.append(f"miscounted: {total.registered:,} in the province, must be {wanted:,}")
    return wrong


async def _told(
    stack: Stack, night: Session, board: Board, first: Start
) -> tuple[list[tuple[str, str]], list[str]]:
    """Rows for the report, and what is wrong with the alerts of this run."""
    after = await _start(stack, night, board)
    new: list[Alert] = []

    async def look() -> list[str]:
        alerts = await alerts_of(night.http, _url(stack, "notifier"))
        new[:] = [one for one in alerts if one.id not in first.alerts]
        arrived = await asyncio.to_thread(
            deliveries, stack.folder / "mail", stack.folder / "webhooks" / "calls.jsonl"
        )
        return [*faults(new, arrived), *_missing(new, first, after)]

    wrong = await until_settled(look, lambda seen: not seen, TAIL_S_MAX)
    crossings = len({one.crossing for one in new})
    webhooks = sum(one.channel == "webhook" for one in new)
    return [
        ("milestones crossed", f"{crossings:,}"),
        ("alerts", f"{len(new) - webhooks:,} by mail, {webhooks:,} by webhook, {len(wrong):,} not once"),
    ], wrong


def _missing(alerts: list[Alert], first: Start, after: Start) -> list[str]:
    """Thresholds of the rules "every so many" of province and Fest that were passed and not told."""
    wrong = []
    for rule in yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"]:
        if "every" not in rule or rule.get("measure", "registered") != "registered":
            continue
        if rule.get("scope", "all") == SCOPE:
            passed = (_registered(first.fest), _registered(after.fest))
        else:
            passed = (first.registered, after.registered)
        wrong += missing(alerts, rule["id"], rule["every"], *passed, above=rule.get("above", 0))
    return wrong


def _registered(counts: Counts) -> int:
    return sum(count for (_, measure), count in counts.items() if measure == "registered")


async def _rows(
    night: Session, board: Board, probes: Probes, result: Account, filled: Import
) -> list[tuple[str, str]]:
    seen, total = night.fest.progress, await board.total()
    accepted, refused = result.total("accepted"), result.total("refused")
    registered = result.outcomes["register", "accepted"] + result.outcomes["probe", "accepted"]
    return [
        (
            "imported",
            f"{filled.accepted:,}" + (f" at {filled.rows_per_s:,.0f}/s" if filled.rows_per_s else ""),
        ),
        ("sent", f"{seen.sent:,} ({seen.retried:,} needed a retry, {seen.turned_away:,} never sent)"),
        (
            "accepted",
            f"{accepted:,}, of these {registered:,} registrations; {refused:,} refused as they must",
        ),
        ("counted", f"{total.registered:,} in the province" if total else "unknown"),
        ("unexplained drift", "unknown" if total is None or total.drift is None else str(total.drift)),
        ("answer", percentiles(seen.answered)),
        ("201 to the stream", f"{percentiles(probes.latencies)} of {probes.latencies.count:,} probes"),
    ]


def _url(stack: Stack, name: str) -> str:
    return f"http://127.0.0.1:{stack.surroundings().ports[name]}"
