"""Campaigns and agencies: which are open, and opening one. A scope is never made by a registration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import asyncpg
import msgspec

from registration.domain.operation import DONE, Answer, OperationFault
from registration.intake.transaction import claim_one
from registration.store.participants import QUERIES, Connection


class ScopeKind(StrEnum):
    """The two kinds of scope beside `all`."""

    CAMPAIGN = "campaign"
    AGENCY = "agency"


class Claim(msgspec.Struct, frozen=True):
    """The caller's key and the fingerprint of what was sent under it."""

    caller: str
    route: str
    key: str
    body_hmac: bytes


class Scopes:
    """The open campaigns and agencies as last read. None is ever closed, so what was known stays true."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._readings = 0
        self.names: Final[dict[ScopeKind, Mapping[str, str]]] = {ScopeKind.CAMPAIGN: {}, ScopeKind.AGENCY: {}}

    async def refresh(self) -> None:
        """Read them again; all that ask while one reading is under way share the next one."""
        asked = self._readings
        async with self._lock:
            if self._readings > asked:
                return
            self._readings += 1
            self.names[ScopeKind.CAMPAIGN] = {
                row["id"]: row["name"] async for row in QUERIES.campaigns(self._pool)
            }
            self.names[ScopeKind.AGENCY] = {
                row["id"]: row["name"] async for row in QUERIES.agencies(self._pool)
            }

    async def open(self, kind: ScopeKind, scope_id: str, name: str, claim: Claim) -> Answer:
        """Open a scope under the caller's key; open already under the same name is no refusal."""
        async with self._pool.acquire() as connection, connection.transaction():
            given = await claim_one(connection, claim.caller, claim.route, claim.key, claim.body_hmac)
            if given is not None:
                return given
            kept = await open_scope(connection, kind, scope_id, name)
            answer = Answer(DONE if kept == name else OperationFault.SCOPE_EXISTS)
            if answer.outcome != DONE:
                await QUERIES.change_answers(
                    connection,
                    callers=[claim.caller],
                    routes=[claim.route],
                    keys=[claim.key],
                    outcomes=[answer.outcome],
                    participant_ids=[None],
                    regions=[None],
                    revisions=[None],
                )
        await self.refresh()
        return answer


async def open_scope(connection: Connection, kind: ScopeKind, scope_id: str, name: str) -> str:
    """Open a scope unless its id is taken; the name it is open under."""
    query = QUERIES.open_campaign if kind is ScopeKind.CAMPAIGN else QUERIES.open_agency
    while True:
        kept = await query(connection, id=scope_id, name=name)
        # None where another opened it while we asked: the next look sees it.
        if kept is not None:
            return str(kept)
