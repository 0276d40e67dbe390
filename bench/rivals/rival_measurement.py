"""Measures one rival on a backlog: starts it, waits for its report, checks its counts, ends it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from bench.fixtures.event_backlog import Backlog
from bench.fixtures.kafka_and_postgres import Servers
from bench.measurement.process_usage import Meter
from bench.paths.path_definition import Measurement, WrongCountsError
from deploy.local.java import find_java

ROOT: Final = Path(__file__).resolve().parents[2]
BUILT: Final = ROOT / ".local" / "bench"
DEADLINE_S: Final = 900
POLL_EVERY_S: Final = 0.1
SAMPLE_EVERY_S: Final = 1.0
LOG_CHARACTERS_SHOWN: Final = 1_500


@dataclass(frozen=True)
class Rival:
    """A rival and the command that starts its process."""

    name: str
    command: tuple[str, ...]


def python(module: str, interpreter: str = sys.executable) -> tuple[str, ...]:
    """Return the command of a rival written in Python."""
    return (interpreter, "-m", f"bench.rivals.{module}")


def quix() -> tuple[str, ...]:
    """Return the command of the Quix Streams rival, which has its own virtual environment."""
    return python("quix_streams_counter", str(BUILT / "quix" / "bin" / "python"))


def streams(topology: str) -> tuple[str, ...]:
    """Return the command of a Kafka Streams topology: `processor` or `dsl`."""
    built = BUILT / "streams"
    options = ("-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
    classes = f"{built}/classes:{built}/dependency/*"
    return (str(find_java().path), *options, "-cp", classes, "bench.Counting", topology)


def start(
    servers: Servers, rival: Rival, settings: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a rival; standard output goes to `<folder>.out`, standard error to `<folder>.log`."""
    folder = servers.folder / f"{rival.name.replace(' ', '-').replace('/', '-')}-{uuid4().hex[:8]}"
    folder.mkdir()
    environment = {
        **os.environ,
        "BENCH_SERVERS": servers.bootstrap_servers,
        "BENCH_GROUP": folder.name,
        "BENCH_FOLDER": str(folder),
        **settings,
    }
    out = folder.with_suffix(".out")
    with out.open("wb") as stdout, folder.with_suffix(".log").open("wb") as stderr:
        process = subprocess.Popen(
            rival.command, env=environment, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, cwd=folder
        )
    return process, out


def report_in(out: Path) -> dict[str, Any] | None:
    """Return the report in a file of standard output; None until the report is complete."""
    for line in out.read_text("utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith('{"tenth_at_s"') and line.endswith("\n"):
            return dict(json.loads(line))
    return None


async def measure(servers: Servers, rival: Rival, backlog: Backlog) -> Measurement:
    """Measure events per second from the moment when a tenth of the events are counted until all are.

    Raises WrongCountsError if the reported counts are wrong, TimeoutError if there is no report in time, and
    RuntimeError if the process ends without a report.
    """
    settings = {"BENCH_TOPIC": backlog.topic, "BENCH_EVENTS": str(backlog.events)}
    process, out = start(servers, rival, settings)
    try:
        meter = Meter({rival.name: process.pid, **servers.pids})
        report = await _wait(process, out, meter)
        usages = meter.stop()
    finally:
        process.kill()
        process.wait(30)
    check(report["counts"], backlog.expected)
    rate = report["timed"] / (report["last_at_s"] - report["tenth_at_s"])
    return Measurement({"rate": rate}, backlog.events, usages)


async def _wait(process: subprocess.Popen[bytes], out: Path, meter: Meter) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_S
    sampled_at = time.monotonic()
    while (report := report_in(out)) is None:
        errors = out.with_suffix(".log").read_text(errors="replace")[-LOG_CHARACTERS_SHOWN:]
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before its report: {errors}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"no report within {DEADLINE_S} s: {errors}")
        if time.monotonic() > sampled_at + SAMPLE_EVERY_S:
            meter.sample()
            sampled_at = time.monotonic()
        await asyncio.sleep(POLL_EVERY_S)
    return report


def check(counts: Mapping[str, int], expected: Mapping[str, int]) -> None:
    """Check that the totals per region are as expected. Raises WrongCountsError."""
    found, correct = per_region(counts), per_region(expected)
    wrong = {
        region: (found[region], correct[region])
        for region in found | correct
        if found[region] != correct[region]
    }
    if wrong:
        region, (actual, wanted) = next(iter(sorted(wrong.items())))
        raise WrongCountsError(
            f"{len(wrong)} regions differ, {region} has {actual} instead of {wanted}; "
            f"in all {found.total()} of {correct.total()}"
        )


def per_region(counts: Mapping[str, int]) -> Counter[str]:
    """Return totals by region, which is the first part of each key."""
    totals: Counter[str] = Counter()
    for key, count in counts.items():
        totals[key.partition("|")[0]] += count
    return totals
