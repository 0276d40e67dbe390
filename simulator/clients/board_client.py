"""What the simulator asks of the board: totals, counts of a scope, milestones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Total:
    """The province's row and the head above it, as the board shows them now."""

    registered: int
    state: str
    coverage: float
    drift: int | None

    @property
    def lag(self) -> int:
        """About how many are accepted and not counted yet."""
        return round(self.registered / self.coverage) - self.registered if self.coverage else 0

    @property
    def proven(self) -> bool:
        """Whether everything accepted is counted, and the last audit found nothing wrong."""
        return self.state == "live" and self.coverage == 1.0 and self.drift == 0


@dataclass(frozen=True, slots=True)
class Board:
    """The board's endpoints; all are public."""

    http: aiohttp.ClientSession
    url: str

    async def total(self) -> Total | None:
        """The province's total; None while the board cannot say."""
        body = await self._get("/v1/counts?scope=all&level=province")
        if body is None or not body["rows"]:
            return None
        drift = body["audit"]["drift"] if body["audit"] else None
        registered = body["rows"][0]["counts"].get("registered", 0)
        return Total(registered, body["state"], body["coverage"] or 0.0, drift)

    async def kelurahan(self, scope: str) -> Counter[tuple[str, str]]:
        """Every count of a scope by (kelurahan, measure); none where nobody was ever counted in it."""
        body = await self._get(f"/v1/counts?scope={scope}&level=subdistrict")
        counts: Counter[tuple[str, str]] = Counter()
        for row in body["rows"] if body else ():
            for measure, count in row["counts"].items():
                counts[row["region"], measure] = count
        return counts

    async def milestones(self, limit: int = 200) -> list[dict[str, Any]]:
        """The newest crossings."""
        body = await self._get(f"/v1/milestones?limit={limit}")
        listed: list[dict[str, Any]] = body["milestones"] if body else []
        return listed

    async def _get(self, path: str) -> dict[str, Any] | None:
        try:
            async with self.http.get(self.url + path, timeout=aiohttp.ClientTimeout(total=5)) as response:
                if response.status != 200:
                    return None
                body: dict[str, Any] = await response.json()
                return body
        except (aiohttp.ClientError, TimeoutError):
            return None
