"""What is watched while faults go on: how far counting lags, and the stream as one viewer sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import asyncpg
import msgspec

from faults.system_under_test import World
from simulator.clients.sse_client import Parser, lines

LOOK_EVERY_S: Final = 0.2
VIEW_S: Final = 7.0
"""How long the viewer stays with one replica of the board before it goes on to the next."""
LAG_S_MAX: Final = 1.0
STEADY_S: Final = 1.5
# A connection ended while its statement is under way may also end as asyncpg's own internal error.
DATABASE_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
# The next event to be counted of each partition, by the register's own clock.
OLDEST: Final = """
select coalesce(extract(epoch from clock_timestamp() - min(event.recorded_at)), 0)::float
from registration.event
join aggregator.position using (partition)
join aggregator.live using (set_id)
where event.sequence = position.sequence + 1
"""


@dataclass
class Lag:
    """The age of the oldest accepted event that is not counted yet, in seconds; None while nobody can say."""

    world: World
    now_s: float | None = None

    async def look(self) -> None:
        """Keep looking, without end."""
        while True:
            with contextlib.suppress(*DATABASE_AWAY):
                await self._look_over_one_connection()
            self.now_s = None
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_over_one_connection(self) -> None:
        connection = await asyncpg.connect(self.world.databases.admin, timeout=2, command_timeout=2)
        try:
            while True:
                self.now_s = await connection.fetchval(OLDEST)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self.now_s = None
            connection.terminate()

    async def recovered(self, wait_s: float) -> float | None:
        """Seconds until an api answers, the lag is under a second and a board says `live`, and all stay so.

        None where that took longer.
        """
        return await self._until(self._is_prompt, wait_s)

    async def counted(self, wait_s: float) -> bool:
        """Wait until nothing accepted is left to be counted."""
        return await self._until(self._is_empty, wait_s) is not None

    async def _until(
        self, condition: Callable[[aiohttp.ClientSession], Awaitable[bool]], wait_s: float
    ) -> float | None:
        """Seconds until a condition began to hold for STEADY_S."""
        began_at = time.monotonic()
        since: float | None = None
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as http:
            while (now := time.monotonic()) - began_at < wait_s:
                since = (since or now) if await condition(http) else None
                if since is not None and now - since >= STEADY_S:
                    return since - began_at
                await asyncio.sleep(LOOK_EVERY_S)
        return None

    async def _is_empty(self, _: aiohttp.ClientSession) -> bool:
        return self.now_s == 0.0

    async def _is_prompt(self, http: aiohttp.ClientSession) -> bool:
        is_counted = self.now_s is not None and self.now_s < LAG_S_MAX
        return is_counted and await self._open(http) and await self._live(http)

    async def _open(self, http: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(f"{self.world.url}/health/ready") as answer:
                return answer.status == 200
        return False

    async def _live(self, http: aiohttp.ClientSession) -> bool:
        for board in ("board", "board-2"):
            if await self._is_live(http, board):
                return True
        return False

    async def _is_live(self, http: aiohttp.ClientSession, board: str) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(f"{self.world.stack.url(board)}/v1/counts?level=province") as answer:
                return answer.status == 200 and (await answer.json())["state"] == "live"
        return False


@dataclass(frozen=True)
class Seen:
    """One message of the stream: which replica sent it, the cut it names, the province's count if told."""

    replica: str
    term: int
    cut: int
    registered: int | None


@dataclass
class Viewer:
    """Follows the stream, from one replica to the next and back, always after the last id it saw."""

    world: World
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    _last_id: str = ""

    async def view(self) -> None:
        """Keep following, without end."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=VIEW_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                await self._follow_for_a_while(http, "board")
                await self._follow_for_a_while(http, "board-2")
                await asyncio.sleep(0.1)

    async def _follow_for_a_while(self, http: aiohttp.ClientSession, replica: str) -> None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await asyncio.wait_for(self._follow(http, replica), VIEW_S)

    async def _follow(self, http: aiohttp.ClientSession, replica: str) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        url = f"{self.world.stack.url(replica)}/v1/stream?scope=all"
        async with http.get(url, headers=headers) as response:
            response.raise_for_status()
            self.connections += 1
            parser = Parser(self._last_id)
            async for line in lines(response.content):
                message = parser.feed(line)
                if message is not None and message.event in ("snapshot", "delta"):
                    self._note(replica, message.id, message.data)

    def _note(self, replica: str, id_: str, data: bytes) -> None:
        self._last_id = id_
        term, _, cut = id_.partition(".")
        self.seen.append(Seen(replica, int(term), int(cut), _province(msgspec.json.decode(data)["rows"])))


def _province(rows: Sequence[dict[str, Any]]) -> int | None:
    return next((row["counts"].get("registered") for row in rows if row["region"] == "31"), None)
