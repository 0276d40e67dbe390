"""Measures from outside how far counting lags behind the register, and when the system has recovered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
import asyncpg

from faults.running_system.system_under_test import SystemUnderTest

PROBE_EVERY_S: Final = 0.2
LAG_S_MAX: Final = 1.0
STEADY_S: Final = 1.5
# The internal error is in the list because asyncpg may raise it if a connection ends during a statement.
DATABASE_UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
# The age in seconds of the oldest uncounted event, by the database's clock. In each partition this is the
# event with the sequence after the position.
OLDEST_UNCOUNTED: Final = """
select coalesce(extract(epoch from clock_timestamp() - min(event.recorded_at)), 0)::float
from registration.event
join aggregator.position using (partition)
join aggregator.live using (set_id)
where event.sequence = position.sequence + 1
"""


@dataclass
class RecoveryProbe:
    """Measures the lag repeatedly: the age in seconds of the oldest accepted event that is not counted."""

    system: SystemUnderTest
    lag_s: float | None = None
    """None while the database does not answer."""

    async def run(self) -> None:
        """Measure the lag without end."""
        while True:
            with contextlib.suppress(*DATABASE_UNAVAILABLE):
                await self._sample_over_one_connection()
            self.lag_s = None
            await asyncio.sleep(PROBE_EVERY_S)

    async def _sample_over_one_connection(self) -> None:
        connection = await asyncpg.connect(
            **self.system.databases.admin.asyncpg_options(), timeout=2, command_timeout=2
        )
        try:
            while True:
                self.lag_s = await connection.fetchval(OLDEST_UNCOUNTED)
                await asyncio.sleep(PROBE_EVERY_S)
        finally:
            self.lag_s = None
            connection.terminate()

    async def time_to_recovery(self, wait_s: float) -> float | None:
        """Return the seconds until the system has recovered; None if this takes longer than `wait_s`.

        The system has recovered when an API is ready and not degraded, the lag is under a second, and a board
        reports `live`, all for at least STEADY_S.
        """
        return await self._time_until(self._has_recovered, wait_s)

    async def all_counted(self, wait_s: float) -> bool:
        """Wait until every accepted event is counted; return False if this takes longer than `wait_s`."""
        return await self._time_until(self._has_no_lag, wait_s) is not None

    async def _time_until(
        self, condition: Callable[[aiohttp.ClientSession], Awaitable[bool]], wait_s: float
    ) -> float | None:
        began_at = time.monotonic()
        since: float | None = None
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as http:
            while (now := time.monotonic()) - began_at < wait_s:
                since = (since or now) if await condition(http) else None
                if since is not None and now - since >= STEADY_S:
                    return since - began_at
                await asyncio.sleep(PROBE_EVERY_S)
        return None

    async def _has_no_lag(self, _: aiohttp.ClientSession) -> bool:
        return self.lag_s == 0.0

    async def _has_recovered(self, http: aiohttp.ClientSession) -> bool:
        has_caught_up = self.lag_s is not None and self.lag_s < LAG_S_MAX
        return has_caught_up and await self._is_ready(http) and await self._any_board_is_live(http)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(f"{self.system.url}/health/ready") as response:
                return response.status == 200 and not (await response.json())["degraded"]
        return False

    async def _any_board_is_live(self, http: aiohttp.ClientSession) -> bool:
        for board in ("board", "board-2"):
            if await self._is_live(http, board):
                return True
        return False

    async def _is_live(self, http: aiohttp.ClientSession, board: str) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(f"{self.system.stack.url(board)}/v1/counts?level=province") as response:
                return response.status == 200 and (await response.json())["state"] == "live"
        return False
