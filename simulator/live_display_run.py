"""Runs the load of a Fest night and latency probes together, with a live display on the terminal."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live

from simulator.clients.board_client import BoardClient
from simulator.clients.sse_client import messages
from simulator.load.load_setup import LoadOptions, Session, arrival_times
from simulator.seed.population import weights_2021
from simulator.terminal_view import TerminalView
from simulator.verify.latency_probe import LatencyProbes, all_observed, observe_stream, run_probes

PROBE_EVERY_S: Final = 0.1
REFRESH_EVERY_S: Final = 1.0
REFRESHES_PER_S: Final = 2
TAIL_S_MAX: Final = 30.0


async def run_with_display(
    session: Session, options: LoadOptions, board: BoardClient, folder: Path, console: Console
) -> LatencyProbes:
    """Run load and probes with a live display, and return the probes.

    After the load has ended, wait up to TAIL_S_MAX until the stream has shown every accepted probe.
    """
    probes = LatencyProbes(weights_2021())
    view = TerminalView(session.runner.progress, probes.latencies, board.url, options.duration_s)
    scope = f"{board.url}/v1/stream?scope=campaign:{session.run.probe_campaign}"
    observing = asyncio.ensure_future(observe_stream(messages(session.http, scope), probes))
    probing = asyncio.ensure_future(run_probes(session.runner, probes, PROBE_EVERY_S, session.stopping))
    refreshing = asyncio.ensure_future(_refresh(view, board, folder))
    try:
        with Live(view, console=console, refresh_per_second=REFRESHES_PER_S, transient=True):
            await session.runner.play(arrival_times(options), session.stopping)
            session.stopping.set()
            await probing
            await all_observed(probes, TAIL_S_MAX)
    finally:
        for task in (observing, probing, refreshing):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return probes


async def _refresh(view: TerminalView, board: BoardClient, folder: Path) -> None:
    """Refresh the display's data repeatedly from the board, the mailbox and the webhook receiver."""
    while True:
        view.total = await board.total() or view.total
        view.milestones = [describe_crossing(crossing) for crossing in await board.milestones(5)]
        view.mails, view.calls = await asyncio.to_thread(_count_deliveries, folder)
        await asyncio.sleep(REFRESH_EVERY_S)


def _count_deliveries(folder: Path) -> tuple[int, int]:
    calls = folder / "webhooks" / "calls.jsonl"
    lines = calls.read_bytes().count(b"\n") if calls.exists() else 0
    return sum(1 for _ in (folder / "mail").glob("*.eml")), lines


def describe_crossing(crossing: dict[str, object]) -> str:
    """Format a crossing in one line."""
    return f"{crossing['threshold']:,} {crossing['measure']} in {crossing['region']} ({crossing['scope']})"
