"""Path `board`: how many can watch one process, at what cost per update and with what delay."""

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

from bench.fixtures.board_without_kafka import DEPTH, board_of, feed
from bench.measurement.process_usage import Meter
from bench.paths.model import Contender, Figure, Goal, Measured, Path, Scale, SkippedError, WrongCountsError
from deploy.local.paths import ROOT
from deploy.local.ports import free_ports

VIEWERS: Final = {Scale.FULL: 10_000, Scale.QUICK: 3_000, Scale.SMOKE: 40}
UPDATES: Final = {Scale.FULL: 20, Scale.QUICK: 8, Scale.SMOKE: 3}
EVERY_S: Final = 1.0
LAST_S_MAX: Final = 20.0
KIB_PER_MIB: Final = 1024
OURS, STARLETTE, HUB = "board", "plain Starlette", "Go hub"


@dataclass(frozen=True)
class World:
    """The lines to feed, the size of the crowd, and a folder; `hub` None where there is no Go."""

    folder: File
    viewers: int
    lines: list[bytes]
    hub: File | None


@asynccontextmanager
async def open_world(scale: Scale) -> AsyncIterator[World]:
    """Encode what rivals are fed, as our board encodes it; build the hub."""
    with tempfile.TemporaryDirectory(prefix="bench-viewers-") as name:
        folder = File(name)
        yield World(folder, VIEWERS[scale], _lines(folder, UPDATES[scale] + 1), _hub(folder))


def _lines(folder: File, cuts: int) -> list[bytes]:
    board = board_of(folder, 1)
    viewer = board.audience.enter("all", DEPTH, None)
    lines = []
    for cut in range(1, cuts + 1):
        feed(board, cut)
        lines.append(b"%d %s\n" % (cut, board.audience.take(viewer).hex().encode()))
    return lines


def _hub(folder: File) -> File | None:
    go = shutil.which("go")
    if go is None:
        return None
    built = folder / "hub"
    subprocess.run([go, "build", "-o", built, "."], cwd=ROOT / "bench" / "rivals" / "go_sse_hub", check=True)
    return built


def ours(world: World) -> Measured:
    """Our board."""
    arguments = [str(world.viewers + 10), str(world.folder)]
    return _measure(world, [sys.executable, "-m", "bench.fixtures.board_without_kafka", "{port}", *arguments])


def starlette(world: World) -> Measured:
    """A task and a generator for each viewer."""
    return _measure(world, [sys.executable, "-m", "bench.rivals.starlette_sse_server", "{port}"])


def hub(world: World) -> Measured:
    """A goroutine and a channel for each viewer."""
    if world.hub is None:
        raise SkippedError("there is no `go` on the PATH to build bench/rivals/go_sse_hub with")
    return _measure(world, [str(world.hub), "{port}"])


def _measure(world: World, command: list[str]) -> Measured:
    port = free_ports(1)[0]
    words = [word.format(port=port) for word in command]
    with subprocess.Popen(words, stdin=subprocess.PIPE, cwd=ROOT, bufsize=0) as server:
        assert server.stdin is not None, "the server is fed"
        try:
            server.stdin.write(world.lines[0])
            _wait_serving(port, server)
            alone_mib = Meter({"server": server.pid}).stop()[0].memory_mib
            with Crowd(port, world) as crowd:
                return _update(world, server, crowd, alone_mib)
        finally:
            server.kill()


def _update(world: World, server: subprocess.Popen[bytes], crowd: Crowd, alone_mib: float) -> Measured:
    feeding: IO[bytes] | None = server.stdin
    assert feeding is not None, "the server is fed"
    crowd.wait_ready()
    meter = Meter({"server": server.pid})
    fed_at_s = {}
    for cut, line in enumerate(world.lines[1:], 2):
        fed_at_s[cut] = time.monotonic()
        feeding.write(line)
        time.sleep(EVERY_S)
    usage = meter.stop()
    moments = crowd.end(fed_at_s)
    late_s = sorted(at_s - fed_at_s[int(cut)] for cut, at_s in moments if int(cut) in fed_at_s)
    updates = len(fed_at_s)
    return Measured(
        {
            "CPU": usage[0].cpu_s / updates * 1000,
            "p99": quantiles(late_s, n=100)[98] * 1000,
            "memory": (usage[0].memory_mib - alone_mib) * KIB_PER_MIB / world.viewers,
            "viewers": world.viewers,
        },
        updates * world.viewers,
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


class Crowd:
    """The crowd's process."""

    def __init__(self, port: int, world: World) -> None:
        self._world = world
        self._file = world.folder / "moments"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.load.stream_viewers",
                str(port),
                str(world.viewers),
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
        """Wait until all viewers have come."""
        assert self.process.stdout is not None, "it tells"
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the crowd did not come")

    def end(self, fed_at_s: dict[int, float]) -> list[tuple[float, float]]:
        """End it; the moments, as (cut, seconds). Raises WrongCountsError if a viewer missed the last."""
        out, _ = self.process.communicate(b"%d\n" % max(fed_at_s), timeout=LAST_S_MAX)
        told = json.loads(out)
        if told != {"viewers": self._world.viewers, "at_last": self._world.viewers}:
            raise WrongCountsError(f"after cut {max(fed_at_s)}: {told}")
        moments = array("d")
        moments.frombytes(self._file.read_bytes())
        return list(zip(moments[::2], moments[1::2], strict=True))


PATH: Final = Path(
    name="board",
    about="Viewers of one process that are told of one update a second: CPU time of the process per update, "
    "delay from the update to each viewer, memory for each.",
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
    open=open_world,
)
