"""What an outsider sees: the board's cuts as they come, and the register's own count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import asyncpg

from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.stack import Stack

LOOK_EVERY_S = 0.2


@dataclass
class Witness:
    """Reads every few moments what the board shows, and keeps what must never be seen."""

    stack: Stack
    database: Databases
    violations: list[str] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)
    _last_total: int = 0
    _task: asyncio.Task[None] | None = None
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2))
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        assert self._session is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._session.close()

    async def look(self) -> dict[str, Any]:
        """The whole answer of the board for the scope `all`; raises aiohttp.ClientError."""
        assert self._session is not None
        async with self._session.get(f"{self.stack.url('board')}/v1/counts") as answer:
            assert answer.status == 200, answer.status
            body: dict[str, Any] = await answer.json()
            return body

    async def total(self) -> int:
        """The province's count on the board."""
        return _registered(await self.look(), "31")

    async def state(self) -> str:
        """What the board says of its freshness."""
        return str((await self.look())["state"])

    async def _watch(self) -> None:
        while True:
            try:
                seen = await self.look()
            except (aiohttp.ClientError, TimeoutError, AssertionError):
                seen = {}
            if seen:
                self._judge(seen)
            await asyncio.sleep(LOOK_EVERY_S)

    def _judge(self, seen: dict[str, Any]) -> None:
        self.states.append((time.monotonic(), seen["state"]))
        total = _registered(seen, "31")
        parts = sum(row["counts"].get("registered", 0) for row in seen["rows"] if row["parent"] == "31")
        if total != parts:
            self.violations.append(f"cut {seen['cut']}: the province has {total}, its parts {parts}")
        if total < self._last_total:
            self.violations.append(f"cut {seen['cut']}: {total} after {self._last_total}")
        self._last_total = total
        if seen["audit"] is not None and seen["audit"]["drift"] != 0:
            self.violations.append(f"cut {seen['cut']}: drift {seen['audit']['drift']}")

    async def registered(self) -> int:
        """How many the register holds."""
        connection = await asyncpg.connect(self.database.registration)
        try:
            count: int = await connection.fetchval(
                "select count(*) from participant where standing = 'registered'"
            )
            return count
        finally:
            await connection.close()

    async def sees_exactly(self, accepted: Collection[object], deadline_s: float = 30.0) -> None:
        """Wait until board and register both show so many, live, and an audit made since then found no drift.

        Fails at once on whatever the board may never have shown.
        """
        expected = len(accepted)
        assert await self.registered() == expected
        since = datetime.now(UTC)

        async def it_shows_them_all_and_an_audit_agrees() -> bool:
            seen = await self.look()
            assert _registered(seen, "31") == expected, f"{_registered(seen, '31')} of {expected}"
            assert seen["state"] == "live", seen["state"]
            assert seen["coverage"] == 1.0, seen["coverage"]
            assert seen["audit"]["drift"] == 0, seen["audit"]
            return datetime.fromisoformat(seen["audit"]["checked_at"]) > since

        await until(it_shows_them_all_and_an_audit_agrees, deadline_s, every_s=0.2)
        assert not self.violations, self.violations[:5]


def _registered(seen: dict[str, Any], region: str) -> int:
    return next(
        (int(row["counts"].get("registered", 0)) for row in seen["rows"] if row["region"] == region), 0
    )
