"""A Fest night with an audience: the crowd, the probes, and what the terminal shows of them."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live

from simulator.clients.board_client import Board
from simulator.clients.sse_client import messages
from simulator.load.session import NightOptions, Session, times
from simulator.seed.population import weights_2021
from simulator.terminal_view import Screen
from simulator.verify.latency_probe import Probes, follow, settled, watch

PROBE_EVERY_S: Final = 0.1
LOOK_EVERY_S: Final = 1.0
REFRESHES_PER_S: Final = 2
TAIL_S_MAX: Final = 30.0


async def play(night: Session, options: NightOptions, board: Board, folder: Path, console: Console) -> Probes:
    """Play the night out, live on the terminal; the probes, once all were seen or their time was over."""
    probes = Probes(weights_2021())
    screen = Screen(night.fest.progress, probes.latencies, board.url, options.duration_s)
    scope = f"{board.url}/v1/stream?scope=campaign:{night.run.probe_campaign}"
    following = asyncio.ensure_future(follow(messages(night.http, scope), probes))
    watching = asyncio.ensure_future(watch(night.fest, probes, PROBE_EVERY_S, night.stopping))
    looking = asyncio.ensure_future(_look(screen, board, folder))
    try:
        with Live(screen, console=console, refresh_per_second=REFRESHES_PER_S, transient=True):
            await night.fest.play(times(options), night.stopping)
            night.stopping.set()
            await watching
            await settled(probes, TAIL_S_MAX)
    finally:
        for task in (following, watching, looking):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return probes


async def _look(screen: Screen, board: Board, folder: Path) -> None:
    """Keep what is shown beside the crowd's own numbers up to date."""
    while True:
        screen.total = await board.total() or screen.total
        screen.milestones = [milestone(one) for one in await board.milestones(5)]
        screen.mails, screen.calls = await asyncio.to_thread(_arrived, folder)
        await asyncio.sleep(LOOK_EVERY_S)


def _arrived(folder: Path) -> tuple[int, int]:
    calls = folder / "webhooks" / "calls.jsonl"
    lines = calls.read_bytes().count(b"\n") if calls.exists() else 0
    return sum(1 for _ in (folder / "mail").glob("*.eml")), lines


def milestone(crossing: dict[str, object]) -> str:
    """A crossing in one line."""
    return f"{crossing['threshold']:,} {crossing['measure']} in {crossing['region']} ({crossing['scope']})"
