"""Runs a board in its own process, and viewers that read its stream."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.background_task import background_task
from tests.support.deadlines import until
from tests.support.log_files import tail
from tests.support.ports import free_ports
from tests.support.samples.board_fixture import Event, parse

TARGETS = Path(__file__).parents[3] / "deploy/local/config/targets.yaml"


@dataclass
class BoardProcess:
    """Runs `python -m board serve` on a free TCP port."""

    folder: Path
    kafka: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.AsyncClient(base_url=self.url, timeout=30)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process, and wait until it responds."""
        with (self.folder / "board.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "board", "serve"],
                env=os.environ | self.settings(),
                stderr=log,
                stdout=log,
            )
        try:
            await until(self._responds, 60, name="the board responds")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{tail(self.folder / 'board.log')}") from error

    def settings(self) -> dict[str, str]:
        """Return the environment variables with the board's settings."""
        own = {
            "BOARD_PORT": str(self.port),
            "BOARD_TARGETS_FILE": str(TARGETS),
            "BOARD_STATE_FILE": str(self.folder / "board.json"),
        }
        return {**own, **self.kafka, **self.extra}

    async def _responds(self) -> bool:
        with suppress(httpx.TransportError):
            return (await self.http.get("/health/live")).status_code == 200
        return False

    async def counts(self, **query: str) -> dict[str, Any]:
        """Return the response of /v1/counts, or {} if its status is not 200, for example before a cut."""
        response = await self.http.get("/v1/counts", params=query)
        return response.json() if response.status_code == 200 else {}

    async def shows(self, count: int) -> bool:
        """Whether the board shows this count for the province."""
        rows = (await self.counts(level="province")).get("rows", [])
        return bool(rows) and rows[0]["counts"]["registered"] == count

    async def state(self) -> str:
        """Return the freshness that the board shows: live, catching_up or stale."""
        return str((await self.counts(level="province")).get("state"))

    async def stop(self) -> int:
        """Send SIGTERM, wait until the process has ended and return its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, 60)

    async def close(self) -> None:
        """Kill the process if it still runs."""
        await self.http.aclose()
        if self._process and self._process.poll() is None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait, 60)


class Viewer:
    """An open stream that is read in the background."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = False

    @property
    def ids(self) -> list[tuple[int, int]]:
        """The cuts in the event ids, in order of arrival."""
        ids = [event.id.split(".") for event in self.events if event.id]
        return [(int(term), int(cut)) for term, cut in ids]

    @property
    def state(self) -> str:
        """The freshness that was last received; empty before the first."""
        event = self.last("snapshot", "delta", "state")
        return str(event.data["state"]) if event else ""

    def last(self, *names: str) -> Event | None:
        """Return the newest event that has one of these names; None if there is none."""
        return next((event for event in reversed(self.events) if event.name in names), None)

    def milestone_thresholds(self) -> list[int]:
        """Return the thresholds of the received milestones, in order of arrival."""
        return [event.data["threshold"] for event in self.events if event.name == "milestone"]

    def count(self) -> int | None:
        """Return the count that was last received for the province; None before the first count."""
        for event in reversed(self.events):
            if event.name in ("snapshot", "delta") and "31" in event.counts:
                return event.counts["31"]
        return None


@asynccontextmanager
async def open_stream(board: BoardProcess, last: str | None = None, **query: str) -> AsyncIterator[Viewer]:
    """Yield a viewer of the board's stream. `last` is the viewer's Last-Event-ID."""
    viewer = Viewer()

    async def read(stream: httpx.Response) -> None:
        incomplete = b""
        with suppress(httpx.TransportError):  # the board was killed
            async for chunk in stream.aiter_raw():
                complete, _, incomplete = (incomplete + chunk).rpartition(b"\n\n")
                viewer.events += parse(complete)
            viewer.ended = True

    headers = {"Last-Event-ID": last} if last else {}
    async with (
        httpx.AsyncClient(base_url=board.url, timeout=None) as http,
        http.stream("GET", "/v1/stream", params=query, headers=headers) as stream,
    ):
        assert stream.status_code == 200, await stream.aread()
        async with background_task(read(stream)):
            yield viewer
