"""What the commands do: people into a file, a night or a watch against a running register."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simulator.clients.access_keys import read_keys
from simulator.clients.sse_client import messages
from simulator.load.latencies import Latencies
from simulator.load.load_runner import Fest
from simulator.load.session import NightOptions, session, times
from simulator.seed import participants
from simulator.seed.population import weights_2021
from simulator.verify.latency_probe import Probes, follow, settled, watch

console = Console(stderr=True)


def write_people(out: Path, count: int, seed: int) -> None:
    """Write a CSV file for the import, `-` for standard output; progress goes to standard error."""
    columns = (TextColumn("people"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress, contextlib.ExitStack() as stack:
        opened = (
            sys.stdout
            if str(out) == "-"
            else stack.enter_context(out.open("w", encoding="utf-8", newline=""))
        )
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(participants.HEADER)
        task = progress.add_task("people", total=count)
        for done, row in enumerate(participants.rows(count, seed), 1):
            writer.writerow(row)
            if done % 2000 == 0 or done == count:
                progress.update(task, completed=done)


def play_fest(options: NightOptions) -> int:
    """A night with a line of progress; 0 unless something was left unanswered."""
    return asyncio.run(_fest(options))


async def _fest(options: NightOptions) -> int:
    async with session(options, read_keys(options.keys)) as night:
        playing = asyncio.ensure_future(night.fest.play(times(options), night.stopping))
        began = time.monotonic()
        while not playing.done():
            await asyncio.wait([playing], timeout=1)
            console.print(_line(night.fest, time.monotonic() - began))
        await playing
        unsettled = night.fest.progress.total("unknown")
        console.print(
            f"ledger: {night.path}" + (f"; {unsettled} left without an answer" if unsettled else "")
        )
        return 1 if unsettled else 0


def _line(fest: Fest, elapsed_s: float) -> str:
    seen = fest.progress
    return (
        f"{elapsed_s:5.0f} s  sent {seen.sent:,}  registered {seen.registered:,} "
        f"({seen.registered / max(elapsed_s, 0.1):.0f}/s)  refused {seen.total('refused'):,}  "
        f"unknown {seen.total('unknown'):,}  retried {seen.retried:,}  {told(seen.answered)}"
    )


def told(latencies: Latencies) -> str:
    """Percentiles in milliseconds, as people read them."""
    values = [latencies.percentile_s(percent) for percent in (50, 95, 99)]
    return (
        "p50/p95/p99 " + "/".join("–" if value is None else f"{value * 1000:.0f}" for value in values) + " ms"
    )


def play_watch(options: NightOptions, board: str) -> int:
    """Probes until the duration or Ctrl-C; 0 if every accepted probe was seen on the stream."""
    return asyncio.run(_watch(options, board))


async def _watch(options: NightOptions, board: str) -> int:
    async with session(options, read_keys(options.keys)) as night:
        probes = Probes(weights_2021())
        scope = f"{board}/v1/stream?scope=campaign:{night.run.probe_campaign}"
        following = asyncio.ensure_future(follow(messages(night.http, scope), probes))
        probing = asyncio.ensure_future(watch(night.fest, probes, 1 / options.rate_per_s, night.stopping))
        try:
            await asyncio.wait(
                [following, probing], timeout=options.duration_s, return_when="FIRST_COMPLETED"
            )
            night.stopping.set()
            await probing
            complete = await settled(probes, 30)
        finally:
            following.cancel()
        console.print(
            f"{probes.latencies.count} probes seen, {probes.on_their_way} not: {told(probes.latencies)}"
        )
        return 0 if complete else 1
