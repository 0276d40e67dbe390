"""Reads the province's total, the counts of a scope, and the newest crossings from the board."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class ProvinceTotal:
    """The province's current count with its freshness, coverage and audit, as the board shows them."""

    registered: int
    state: str
    coverage: float
    drift: int | None

    @property
    def lag(self) -> int:
        """The approximate number of accepted events that are not counted yet."""
        return round(self.registered / self.coverage) - self.registered if self.coverage else 0

    @property
    def proven(self) -> bool:
        """Whether all accepted events are counted and the last audit found no drift."""
        return self.state == "live" and self.coverage == 1.0 and self.drift == 0


@dataclass(frozen=True, slots=True)
class BoardClient:
    """A client of the board, whose endpoints are all public."""

    http: aiohttp.ClientSession
    url: str

    async def total(self) -> ProvinceTotal | None:
        """Return the province's total; None if the board does not answer or has no count yet."""
        body = await self._get("/v1/counts?scope=all&level=province")
        if body is None or not body["rows"]:
            return None
        drift = body["audit"]["drift"] if body["audit"] else None
        registered = body["rows"][0]["counts"].get("registered", 0)
        return ProvinceTotal(registered, body["state"], body["coverage"] or 0.0, drift)

    async def kelurahan(self, scope: str) -> Counter[tuple[str, str]]:
        """Return all counts of a scope by (kelurahan, measure); empty if the scope has no counts."""
        body = await self._get(f"/v1/counts?scope={scope}&level=subdistrict")
        counts: Counter[tuple[str, str]] = Counter()
        for row in body["rows"] if body else ():
            for measure, count in row["counts"].items():
                counts[row["region"], measure] = count
        return counts

    async def milestones(self, limit: int = 200) -> list[dict[str, Any]]:
        """Return at most `limit` crossings, the newest ones; empty if the board does not answer."""
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
