"""Path `board`: CPU time per update, delay, and memory per viewer, for 10,000 viewers of one process."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as File
from statistics import quantiles
from typing import IO, Final, Self

from bench.fixtures.board_without_kafka import DEPTH, make_board, publish_cut
from bench.measurement.process_usage import Meter
from bench.paths.path_definition import (
    Contender,
    Figure,
    Goal,
    Measurement,
    Path,
    Scale,
    SkippedError,
    WrongCountsError,
)
from deploy.local.free_ports import free_ports
from deploy.local.paths import ROOT

VIEWERS: Final = {Scale.FULL: 10_000, Scale.QUICK: 3_000, Scale.SMOKE: 40}
UPDATES: Final = {Scale.FULL: 20, Scale.QUICK: 8, Scale.SMOKE: 3}
EVERY_S: Final = 1.0
LAST_S_MAX: Final = 20.0
KIB_PER_MIB: Final = 1024
OURS, STARLETTE, HUB = "board", "plain Starlette", "Go hub"


@dataclass(frozen=True)
class Setup:
    """The lines that each server reads, the number of viewers, a folder, and the Go hub if it is built."""

    folder: File
    viewers: int
    lines: list[bytes]
    hub: File | None


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Encode cuts with our board's code, as events that the rivals will send; build the rival in Go."""
    with tempfile.TemporaryDirectory(prefix="bench-viewers-") as name:
        folder = File(name)
        yield Setup(folder, VIEWERS[scale], _lines(folder, UPDATES[scale] + 1), _hub(folder))


def _lines(folder: File, cuts: int) -> list[bytes]:
    app_state = make_board(folder, 1)
    subscriptions = app_state.subscriptions
    subscriber = subscriptions.add("all", DEPTH, None)
    lines = []
    for cut in range(1, cuts + 1):
        publish_cut(app_state, cut)
        lines.append(b"%d %s\n" % (cut, subscriptions.next_bytes(subscriber).hex().encode()))
    return lines


def _hub(folder: File) -> File | None:
    go = shutil.which("go")
    if go is None:
        return None
    built = folder / "hub"
    subprocess.run([go, "build", "-o", built, "."], cwd=ROOT / "bench" / "rivals" / "go_sse_hub", check=True)
    return built


def ours(setup: Setup) -> Measurement:
    """Measure our board."""
    arguments = [str(setup.viewers + 10), str(setup.folder)]
    return _measure(setup, [sys.executable, "-m", "bench.fixtures.board_without_kafka", "{port}", *arguments])


def starlette(setup: Setup) -> Measurement:
    """Measure Starlette, with a task and a generator per viewer."""
    return _measure(setup, [sys.executable, "-m", "bench.rivals.starlette_sse_server", "{port}"])


def hub(setup: Setup) -> Measurement:
    """Measure the Go hub, with a goroutine and a channel per viewer. Raises SkippedError."""
    if setup.hub is None:
        raise SkippedError("`go` is needed to build bench/rivals/go_sse_hub")
    return _measure(setup, [str(setup.hub), "{port}"])


def _measure(setup: Setup, command: list[str]) -> Measurement:
    port = free_ports(1)[0]
    words = [word.format(port=port) for word in command]
    with subprocess.Popen(words, stdin=subprocess.PIPE, cwd=ROOT, bufsize=0) as server:
        assert server.stdin is not None, "the server reads lines"
        try:
            server.stdin.write(setup.lines[0])
            _wait_serving(port, server)
            without_viewers_mib = Meter({"server": server.pid}).stop()[0].memory_mib
            with ViewerProcess(port, setup) as viewers:
                return _measure_updates(setup, server, viewers, without_viewers_mib)
        finally:
            server.kill()


def _measure_updates(
    setup: Setup, server: subprocess.Popen[bytes], viewers: ViewerProcess, without_viewers_mib: float
) -> Measurement:
    lines_in: IO[bytes] | None = server.stdin
    assert lines_in is not None, "the server reads lines"
    viewers.wait_ready()
    meter = Meter({"server": server.pid})
    sent_at_s = {}
    for cut, line in enumerate(setup.lines[1:], 2):
        sent_at_s[cut] = time.monotonic()
        lines_in.write(line)
        time.sleep(EVERY_S)
    usage = meter.stop()
    cut_times = viewers.end(sent_at_s)
    delays_s = sorted(at_s - sent_at_s[int(cut)] for cut, at_s in cut_times if int(cut) in sent_at_s)
    updates = len(sent_at_s)
    return Measurement(
        {
            "CPU": usage[0].cpu_s / updates * 1000,
            "p99": quantiles(delays_s, n=100)[98] * 1000,
            "memory": (usage[0].memory_mib - without_viewers_mib) * KIB_PER_MIB / setup.viewers,
            "viewers": setup.viewers,
        },
        updates * setup.viewers,
        usage,
    )


def _wait_serving(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server does not answer; exit code {server.poll()}")


class ViewerProcess:
    """The running process of `bench.load.stream_viewers`, which opens the streams of all viewers."""

    def __init__(self, port: int, setup: Setup) -> None:
        self._world = setup
        self._file = setup.folder / "cut_times"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.load.stream_viewers",
                str(port),
                str(setup.viewers),
                str(self._file),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.__exit__(None, None, None)

    def wait_ready(self) -> None:
        """Wait until all viewers have their first event."""
        assert self.process.stdout is not None, "it prints"
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the viewers did not connect")

    def end(self, sent_at_s: dict[int, float]) -> list[tuple[float, float]]:
        """End the process and return (cut, monotonic seconds) of each received event.

        Raises WrongCountsError if a viewer missed the last cut.
        """
        out, _ = self.process.communicate(b"%d\n" % max(sent_at_s), timeout=LAST_S_MAX)
        summary = json.loads(out)
        if summary != {"viewers": self._world.viewers, "at_last": self._world.viewers}:
            raise WrongCountsError(f"after cut {max(sent_at_s)}: {summary}")
        cut_times = array("d")
        cut_times.frombytes(self._file.read_bytes())
        return list(zip(cut_times[::2], cut_times[1::2], strict=True))


PATH: Final = Path(
    name="board",
    about="Viewers of one process that receive one update per second: CPU time of the process per update, "
    "delay from the update to each viewer, memory per viewer.",
    figures={
        "CPU": Figure("ms per update", more_is_better=False),
        "p99": Figure("ms", more_is_better=False),
        "memory": Figure("KiB per viewer", more_is_better=False),
        "viewers": Figure("viewers"),
    },
    ours=Contender(OURS, ours),
    rivals=(Contender(STARLETTE, starlette), Contender(HUB, hub)),
    goals=(
        Goal("CPU", STARLETTE, 2.0),
        Goal("CPU", HUB, 0.5),
        Goal("p99", "1 s", 1.0, limit=1_000),
        Goal("p99", STARLETTE),
        Goal("memory", "20 KiB", 1.0, limit=20),
        Goal("memory", STARLETTE),
        Goal("memory", HUB),
        Goal("viewers", "10,000", 1.0, limit=10_000),
    ),
    open=open_setup,
)
