"""Runs one rival's process over a backlog: starts it, waits for its report, checks its counts, ends it."""

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
from bench.paths.model import Measured, WrongCountsError
from deploy.local.java import find_java

ROOT: Final = Path(__file__).resolve().parents[2]
BUILT: Final = ROOT / ".local" / "bench"
DEADLINE_S: Final = 900
LOOK_EVERY_S: Final = 0.1
SAMPLE_EVERY_S: Final = 1.0
LOG_TAIL: Final = 1_500


@dataclass(frozen=True)
class Rival:
    """How a rival's process is started."""

    name: str
    command: tuple[str, ...]


def python(module: str, interpreter: str = sys.executable) -> tuple[str, ...]:
    """The command of a Python rival."""
    return (interpreter, "-m", f"bench.rivals.{module}")


def quix() -> tuple[str, ...]:
    """The command of the one with an environment of its own."""
    return python("quix_streams_counter", str(BUILT / "quix" / "bin" / "python"))


def streams(topology: str) -> tuple[str, ...]:
    """The command of a Kafka Streams topology: `processor` or `dsl`."""
    built = BUILT / "streams"
    options = ("-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
    classes = f"{built}/classes:{built}/dependency/*"
    return (str(find_java().path), *options, "-cp", classes, "bench.Counting", topology)


def start(
    servers: Servers, rival: Rival, settings: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Path]:
    """Start one; its standard output goes to `<folder>.out`, what it complains of to `<folder>.log`."""
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
    """The report, once it stands there whole."""
    for line in out.read_text("utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith('{"tenth_at_s"') and line.endswith("\n"):
            return dict(json.loads(line))
    return None


async def race(servers: Servers, rival: Rival, backlog: Backlog) -> Measured:
    """Events a second from the first tenth to the last.

    Raises WrongCountsError, TimeoutError, RuntimeError.
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
    check(report["counts"], backlog.truth)
    rate = report["timed"] / (report["last_at_s"] - report["tenth_at_s"])
    return Measured({"rate": rate}, backlog.events, usages)


async def _wait(process: subprocess.Popen[bytes], out: Path, meter: Meter) -> dict[str, Any]:
    ends = time.monotonic() + DEADLINE_S
    sampled_at = time.monotonic()
    while (report := report_in(out)) is None:
        complaint = out.with_suffix(".log").read_text(errors="replace")[-LOG_TAIL:]
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before its report: {complaint}")
        if time.monotonic() > ends:
            raise TimeoutError(f"no report within {DEADLINE_S} s: {complaint}")
        if time.monotonic() > sampled_at + SAMPLE_EVERY_S:
            meter.sample()
            sampled_at = time.monotonic()
        await asyncio.sleep(LOOK_EVERY_S)
    return report


def check(counts: Mapping[str, int], truth: Mapping[str, int]) -> None:
    """Compare the totals per region; raises WrongCounts."""
    found, right = per_region(counts), per_region(truth)
    wrong = {
        region: (found[region], right[region]) for region in found | right if found[region] != right[region]
    }
    if wrong:
        region, (seen, true) = next(iter(sorted(wrong.items())))
        raise WrongCountsError(
            f"{len(wrong)} regions differ, {region} has {seen} instead of {true}; "
            f"in all {found.total()} of {right.total()}"
        )


def per_region(counts: Mapping[str, int]) -> Counter[str]:
    """Totals by the region that each key begins with."""
    totals: Counter[str] = Counter()
    for key, count in counts.items():
        totals[key.partition("|")[0]] += count
    return totals
