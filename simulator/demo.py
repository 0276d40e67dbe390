"""The demo starts the local stack, fills the register, runs a Fest night and verifies the result."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.paths import ROOT
from deploy.local.stack import Stack
from simulator.clients.access_keys import read_keys
from simulator.clients.board_client import BoardClient
from simulator.live_display_run import TAIL_S_MAX, run_with_display
from simulator.load.expected_state import ExpectedState, expected_state
from simulator.load.ledger import read
from simulator.load.load_setup import CAMPAIGN, LoadOptions, Session, open_session
from simulator.load.unknown_outcomes import reconcile
from simulator.seed.seeding import Seeded, SeedingError, seed_register
from simulator.terminal_view import percentiles, report
from simulator.verify.count_check import Counts, count_errors, register_errors, until_settled
from simulator.verify.delivery_check import Alert, alerts_of, deliveries, delivery_errors, missing_alerts
from simulator.verify.latency_probe import LatencyProbes
from simulator.verify.register_contents import RegisterContents, open_register_contents

CAUGHT_UP_S_MAX: Final = 180.0
SCOPE: Final = f"campaign:{CAMPAIGN}"
RULES: Final = ROOT / "deploy" / "local" / "config" / "rules.yaml"
console = Console()


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of the demo."""

    people: int
    rate_per_s: float
    duration_s: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class ObservedState:
    """The province's total, the Fest campaign's counts, and the ids of all alerts, before or after a run."""

    registered: int
    fest: Counts
    alerts: frozenset[str]


def demo(options: DemoOptions) -> int:
    """Run the demo; return 0 if nothing was lost, doubled or miscounted.

    At the end, the stack is stopped if the demo started it.
    """
    stack = Stack.here()
    ours = stack.up({}, lambda text: console.print(f"[dim]{text}[/]"))
    try:
        stack.wait_ready(lambda _: None)
        console.print(f"the page: [bold]{_url(stack, 'board')}[/]")
        return asyncio.run(_run(stack, options))
    except SeedingError as error:
        console.print(f"[red]{error}[/]")
        return 1
    finally:
        if ours:
            console.print(f"[dim]ended {stack.down()} processes[/]")


async def _run(stack: Stack, options: DemoOptions) -> int:
    keys = stack.folder / "keys.env"
    load_options = LoadOptions(
        _url(stack, "api"),
        options.rate_per_s,
        options.duration_s,
        options.seed,
        keys,
        stack.folder / "ledger",
    )
    database = stack.stack_config().databases["registration_relay"]
    async with (
        open_session(load_options, read_keys(keys)) as session,
        open_register_contents(database) as register,
    ):
        board = BoardClient(session.http, _url(stack, "board"))
        first = await _observed_state(stack, session, board)
        filled = await _fill(session, stack.folder / "demo", options)
        if not await _all_counted(session, board):
            return 1 if not session.stopping.is_set() else 0
        for path in sorted(load_options.ledgers.glob("*.jsonl")):
            await reconcile(path, session.runner.sender_of)
        start = await register.positions()
        probes = await run_with_display(session, load_options, board, stack.folder, console)
        await reconcile(session.path, session.runner.sender_of)
        result = expected_state(read(session.path))
        errors = [
            *result.faults,
            *(f"unsettled: {intent.kind} {intent.number}" for intent in result.unsettled),
        ]
        errors += await _check_counts(session, board, register, result)
        if probes.pending:
            errors.append(f"{probes.pending} probes were accepted and never shown on the stream")
        alert_rows, alert_errors = await _check_alerts(stack, session, board, first)
        visitors = await register.others_registrations(start, result.known)
        rows = await _rows(session, board, probes, result)
        rows = [("imported", str(filled)), *rows, ("visitors", _by_channel(visitors)), *alert_rows]
        console.print(report(rows, errors + alert_errors))
        return 1 if errors or alert_errors else 0


async def _observed_state(stack: Stack, session: Session, board: BoardClient) -> ObservedState:
    total = await until_settled(board.total, lambda total: total is not None, CAUGHT_UP_S_MAX)
    alerts = await alerts_of(session.http, _url(stack, "notifier"))
    return ObservedState(
        total.registered if total else 0,
        await board.kelurahan(SCOPE),
        frozenset(alert.id for alert in alerts),
    )


async def _fill(session: Session, folder: Path, options: DemoOptions) -> Seeded:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=options.people)

        def on_progress(step: str, done: int, count: int) -> None:
            progress.update(task, description=step, completed=done, total=count)

        filling = asyncio.ensure_future(
            seed_register(session.register, folder, options.people, options.seed, on_progress)
        )
        stop = asyncio.ensure_future(session.stopping.wait())
        await asyncio.wait([filling, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not filling.done():
            filling.cancel()
            raise SeedingError("stopped while the register was filled; the next run continues")
        filled = filling.result()
    console.print(f"imported: {filled}")
    return filled


async def _all_counted(session: Session, board: BoardClient) -> bool:
    """Wait until all events accepted so far are counted and the audit has found no drift.

    Return False on time-out.
    """
    with console.status("counting") as status:

        def proven_or_stopped(total: Any) -> bool:
            if total is not None:
                status.update(f"counted {total.registered:,}, {total.state}, coverage {total.coverage:.2%}")
            return session.stopping.is_set() or (total is not None and total.proven)

        total = await until_settled(board.total, proven_or_stopped, CAUGHT_UP_S_MAX)
    if total is None or not total.proven:
        console.print(f"[red]not counted within {CAUGHT_UP_S_MAX:.0f} s: {total}[/]")
        return False
    console.print(f"counted: {total.registered:,}, drift {total.drift}")
    return not session.stopping.is_set()


async def _check_counts(
    session: Session, board: BoardClient, register: RegisterContents, result: ExpectedState
) -> list[str]:
    """Compare the register with the ledger, and then the board with the register."""
    with console.status("reading every participant of the night back"):
        errors = await register_errors(session.register, result)
    return errors + await count_errors(board, register, CAMPAIGN, TAIL_S_MAX)


async def _check_alerts(
    stack: Stack, session: Session, board: BoardClient, first: ObservedState
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the report's rows about alerts, and the errors in the alerts of this run."""
    after = await _observed_state(stack, session, board)
    new: list[Alert] = []

    async def check() -> list[str]:
        alerts = await alerts_of(session.http, _url(stack, "notifier"))
        new[:] = [alert for alert in alerts if alert.id not in first.alerts]
        arrived = await asyncio.to_thread(
            deliveries, stack.folder / "mail", stack.folder / "webhooks" / "calls.jsonl"
        )
        return [*delivery_errors(new, arrived), *_missing(new, first, after)]

    errors = await until_settled(check, lambda found: not found, TAIL_S_MAX)
    crossings = len({alert.crossing for alert in new})
    webhooks = sum(alert.channel == "webhook" for alert in new)
    return [
        ("milestones crossed", f"{crossings:,}"),
        ("alerts", f"{len(new) - webhooks:,} by mail, {webhooks:,} by webhook, {len(errors):,} not once"),
    ], errors


def _missing(alerts: list[Alert], first: ObservedState, after: ObservedState) -> list[str]:
    """Describe the thresholds that were passed without an alert.

    Only rules with `every` and the measure `registered` are checked, for the province and the Fest campaign.
    """
    errors = []
    for rule in yaml.safe_load(RULES.read_text(encoding="utf-8"))["rules"]:
        if "every" not in rule or rule.get("measure", "registered") != "registered":
            continue
        if rule.get("scope", "all") == SCOPE:
            passed = (_registered(first.fest), _registered(after.fest))
        else:
            passed = (first.registered, after.registered)
        errors += missing_alerts(alerts, rule["id"], rule["every"], *passed, above=rule.get("above", 0))
    return errors


def _registered(counts: Counts) -> int:
    return sum(count for (_, measure), count in counts.items() if measure == "registered")


async def _rows(
    session: Session, board: BoardClient, probes: LatencyProbes, result: ExpectedState
) -> list[tuple[str, str]]:
    progress, total = session.runner.progress, await board.total()
    accepted, refused = result.total("accepted"), result.total("refused")
    registered = result.outcomes["register", "accepted"] + result.outcomes["probe", "accepted"]
    return [
        ("sent", f"{progress.sent:,} ({progress.retried:,} needed a retry, {progress.not_sent:,} not sent)"),
        (
            "accepted",
            f"{accepted:,}, of these {registered:,} registrations; {refused:,} refused as they must",
        ),
        ("counted", f"{total.registered:,} in the province" if total else "unknown"),
        ("unexplained drift", "unknown" if total is None or total.drift is None else str(total.drift)),
        ("answer", percentiles(progress.response_times)),
        ("201 to the stream", f"{percentiles(probes.latencies)} of {probes.latencies.count:,} probes"),
    ]


def _by_channel(registrations: Counter[str]) -> str:
    """Format the registrations that others made during the run."""
    channels = ", ".join(f"{count:,} by {channel}" for channel, count in sorted(registrations.items()))
    return f"{registrations.total():,} registrations" + (f": {channels}" if channels else "")


def _url(stack: Stack, name: str) -> str:
    return f"http://127.0.0.1:{stack.stack_config().ports[name]}"
