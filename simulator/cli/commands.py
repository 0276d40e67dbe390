"""The commands `people`, `fest` and `watch`: writing people to a file, load on a register, latency probes."""

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
from simulator.load.load_runner import LoadRunner
from simulator.load.load_setup import LoadOptions, arrival_times, open_session
from simulator.seed import rows_matching_published_totals
from simulator.seed.population import weights_2021
from simulator.verify.latency_probe import LatencyProbes, all_observed, observe_stream, run_probes

console = Console(stderr=True)


def write_people(out: Path, count: int, seed: int) -> None:
    """Write a CSV file for the import (`-` is standard output), and show progress on standard error."""
    columns = (TextColumn("people"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress, contextlib.ExitStack() as stack:
        opened = (
            sys.stdout
            if str(out) == "-"
            else stack.enter_context(out.open("w", encoding="utf-8", newline=""))
        )
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(rows_matching_published_totals.HEADER)
        task = progress.add_task("people", total=count)
        for done, row in enumerate(rows_matching_published_totals.rows(count, seed), 1):
            writer.writerow(row)
            if done % 2000 == 0 or done == count:
                progress.update(task, completed=done)


def play_fest(options: LoadOptions) -> int:
    """Run a Fest night and print its progress every second.

    Return 1 if a request has an unknown outcome, else 0.
    """
    return asyncio.run(_fest(options))


async def _fest(options: LoadOptions) -> int:
    async with open_session(options, read_keys(options.keys)) as session:
        running = asyncio.ensure_future(session.runner.play(arrival_times(options), session.stopping))
        began = time.monotonic()
        while not running.done():
            await asyncio.wait([running], timeout=1)
            console.print(_line(session.runner, time.monotonic() - began))
        await running
        unsettled = session.runner.progress.total("unknown")
        console.print(
            f"ledger: {session.path}" + (f"; {unsettled} with an unknown outcome" if unsettled else "")
        )
        return 1 if unsettled else 0


def _line(runner: LoadRunner, elapsed_s: float) -> str:
    progress = runner.progress
    return (
        f"{elapsed_s:5.0f} s  sent {progress.sent:,}  registered {progress.registered:,} "
        f"({progress.registered / max(elapsed_s, 0.1):.0f}/s)  refused {progress.total('refused'):,}  "
        f"unknown {progress.total('unknown'):,}  retried {progress.retried:,}  "
        f"{_percentiles(progress.response_times)}"
    )


def _percentiles(latencies: Latencies) -> str:
    """Format p50, p95 and p99 in milliseconds."""
    values = [latencies.percentile_s(percent) for percent in (50, 95, 99)]
    return (
        "p50/p95/p99 " + "/".join("–" if value is None else f"{value * 1000:.0f}" for value in values) + " ms"
    )


def play_watch(options: LoadOptions, board: str) -> int:
    """Register probes until the duration is over or Ctrl-C is pressed.

    Return 0 if the board's stream showed every accepted probe, else 1.
    """
    return asyncio.run(_watch(options, board))


async def _watch(options: LoadOptions, board: str) -> int:
    async with open_session(options, read_keys(options.keys)) as session:
        probes = LatencyProbes(weights_2021())
        scope = f"{board}/v1/stream?scope=campaign:{session.run.probe_campaign}"
        observing = asyncio.ensure_future(observe_stream(messages(session.http, scope), probes))
        probing = asyncio.ensure_future(
            run_probes(session.runner, probes, 1 / options.rate_per_s, session.stopping)
        )
        try:
            await asyncio.wait(
                [observing, probing], timeout=options.duration_s, return_when="FIRST_COMPLETED"
            )
            session.stopping.set()
            await probing
            complete = await all_observed(probes, 30)
        finally:
            observing.cancel()
        console.print(
            f"{probes.latencies.count} probes observed, {probes.pending} not: "
            f"{_percentiles(probes.latencies)}"
        )
        return 0 if complete else 1
