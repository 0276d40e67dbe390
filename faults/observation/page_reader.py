"""Reads the board's page: its statement about the audit all the time, and its figures at the end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from faults.running_system.system_under_test import SystemUnderTest

READ_EVERY_S: Final = 1.0
BOARDS: Final = ("board", "board-2")
MILESTONES_MAX: Final = 200


@dataclass(frozen=True)
class PageSample:
    """What a page says of the audit. `drift` is None if the page says that nothing was checked."""

    at: datetime
    checked_at: datetime
    drift: int | None
    growth_drift: int | None


@dataclass(frozen=True)
class PageAtEnd:
    """The responses of /v1/pace and /v1/milestones of one board after the last event was counted."""

    pace: dict[str, Any]
    milestones: list[dict[str, Any]]
    milestones_max: int = MILESTONES_MAX


@dataclass
class PageReader:
    """Reads the pages of both boards in turn."""

    system: SystemUnderTest
    samples: list[PageSample] = field(default_factory=list)

    async def run(self) -> None:
        """Read without end."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            for board in itertools.cycle(BOARDS):
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    await self._read(http, board)
                await asyncio.sleep(READ_EVERY_S)

    async def _read(self, http: aiohttp.ClientSession, board: str) -> None:
        url = f"{self.system.stack.url(board)}/v1/counts?level=province"
        async with http.get(url) as response:
            response.raise_for_status()
            audit = (await response.json())["audit"]
        if audit is not None:
            checked_at = datetime.fromisoformat(audit["checked_at"])
            sample = PageSample(datetime.now(UTC), checked_at, audit["drift"], audit["growth_drift"])
            self.samples.append(sample)

    async def pages_at_end(self) -> list[PageAtEnd]:
        """Return the figures of each board."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            return [await self._page(http, self.system.stack.url(board)) for board in BOARDS]

    async def _page(self, http: aiohttp.ClientSession, url: str) -> PageAtEnd:
        async with http.get(f"{url}/v1/pace?minutes=60") as response:
            pace = await response.json()
        async with http.get(f"{url}/v1/milestones?limit={MILESTONES_MAX}") as response:
            milestones = (await response.json())["milestones"]
        return PageAtEnd(pace, milestones)
