"""Reads the board's counts repeatedly and collects violations: wrong sums, falling totals, drift."""

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

from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.stack import Stack

READ_EVERY_S = 0.2
ANSWER_S_MAX = 10.0


@dataclass
class BoardObserver:
    """Reads the board while a block runs. `violations` describes each shown count that is wrong."""

    stack: Stack
    database: Databases
    violations: list[str] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)
    _last_total: int = 0
    _task: asyncio.Task[None] | None = None
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S_MAX))
        self._task = asyncio.create_task(self._read_without_end())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        assert self._session is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._session.close()

    async def counts(self) -> dict[str, Any]:
        """Return the board's response for the scope `all`. Raises AssertionError if it has no counts."""
        assert self._session is not None
        try:
            async with self._session.get(f"{self.stack.url('board')}/v1/counts") as response:
                assert response.status == 200, response.status
                body: dict[str, Any] = await response.json()
                return body
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AssertionError("the board does not answer") from error

    async def total(self) -> int:
        """Return the province's count on the board."""
        return _registered(await self.counts(), "31")

    async def state(self) -> str:
        """Return the freshness that the board reports."""
        return str((await self.counts())["state"])

    async def _read_without_end(self) -> None:
        while True:
            try:
                shown = await self.counts()
            except AssertionError:
                shown = {}
            if shown:
                self._check(shown)
            await asyncio.sleep(READ_EVERY_S)

    def _check(self, shown: dict[str, Any]) -> None:
        self.states.append((time.monotonic(), shown["state"]))
        total = _registered(shown, "31")
        parts = sum(row["counts"].get("registered", 0) for row in shown["rows"] if row["parent"] == "31")
        if total != parts:
            self.violations.append(f"cut {shown['cut']}: the province has {total}, its parts {parts}")
        if total < self._last_total:
            self.violations.append(f"cut {shown['cut']}: {total} after {self._last_total}")
        self._last_total = total
        # A drift of None means that the last audit is too old to be evidence.
        if shown["audit"] is not None and shown["audit"]["drift"] not in (0, None):
            self.violations.append(f"cut {shown['cut']}: drift {shown['audit']['drift']}")

    async def registered(self) -> int:
        """Return the number of registered participants in the register."""
        connection = await asyncpg.connect(**self.database.registration.asyncpg_options())
        try:
            count: int = await connection.fetchval(
                "select count(*) from participant where standing = 'registered'"
            )
            return count
        finally:
            await connection.close()

    async def wait_for_exactly(self, accepted: Collection[object], deadline_s: float = 60.0) -> None:
        """Wait until the board is live, shows as many participants as `accepted`, and an audit has no drift.

        Raises AssertionError if the register has another number of participants, or if there is a violation.
        """
        expected = len(accepted)
        assert await self.registered() == expected
        began_at = datetime.now(UTC)

        async def the_board_shows_all_and_an_audit_agrees() -> bool:
            shown = await self.counts()
            assert _registered(shown, "31") == expected, f"{_registered(shown, '31')} of {expected}"
            assert shown["state"] == "live", shown["state"]
            assert shown["coverage"] == 1.0, shown["coverage"]
            assert shown["audit"]["drift"] == 0, shown["audit"]
            return datetime.fromisoformat(shown["audit"]["checked_at"]) > began_at

        await until(the_board_shows_all_and_an_audit_agrees, deadline_s, every_s=0.2)
        assert not self.violations, self.violations[:5]


def _registered(shown: dict[str, Any], region: str) -> int:
    return next(
        (int(row["counts"].get("registered", 0)) for row in shown["rows"] if row["region"] == region), 0
    )
