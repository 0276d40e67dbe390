"""Lists the open campaigns and agencies, and opens new ones. A registration never opens a scope."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import asyncpg
import msgspec

from database.replication import replicated_transaction
from registration.domain.idempotent_operation import DONE, Answer, OperationFault
from registration.intake.transaction import stored_answer
from registration.store.error_classification import ConcurrentWriteError
from registration.store.register_rows import QUERIES, Connection, key_rows, write_rows

ATTEMPTS_MAX: Final = 3
"""If another request writes the same idempotency key meanwhile, the next attempt finds the key."""


class ScopeKind(StrEnum):
    """The kinds of scope that can be opened. The scope `all` always exists."""

    CAMPAIGN = "campaign"
    AGENCY = "agency"


class KeyClaim(msgspec.Struct, frozen=True):
    """An idempotency key with its caller and route, and the fingerprint of the request."""

    caller: str
    route: str
    key: str
    body_hmac: bytes


class Scopes:
    """The open campaigns and agencies as last read. A scope is never closed, so an entry stays valid."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()
        self._reads = 0
        self.names: Final[dict[ScopeKind, Mapping[str, str]]] = {ScopeKind.CAMPAIGN: {}, ScopeKind.AGENCY: {}}

    async def refresh(self) -> None:
        """Read the open scopes again. All calls that are made during one read share the next read."""
        reads_before = self._reads
        async with self._lock:
            if self._reads > reads_before:
                return
            self._reads += 1
            self.names[ScopeKind.CAMPAIGN] = {
                row["id"]: row["name"] async for row in QUERIES.campaigns(self._pool)
            }
            self.names[ScopeKind.AGENCY] = {
                row["id"]: row["name"] async for row in QUERIES.agencies(self._pool)
            }

    async def open(self, kind: ScopeKind, scope_id: str, name: str, claim: KeyClaim) -> Answer:
        """Open a scope under an idempotency key.

        The answer is also `done` if the scope is already open with the same name.
        """
        for attempt in range(ATTEMPTS_MAX):
            try:
                answer = await self._open(kind, scope_id, name, claim)
                break
            except ConcurrentWriteError:
                if attempt == ATTEMPTS_MAX - 1:
                    raise
        await self.refresh()
        return answer

    async def _open(self, kind: ScopeKind, scope_id: str, name: str, claim: KeyClaim) -> Answer:
        unique_key = (claim.caller, claim.route, claim.key)
        async with self._pool.acquire() as connection, replicated_transaction(connection):
            earlier = await stored_answer(connection, unique_key, claim.body_hmac)
            if earlier is not None:
                return earlier
            stored_name = await open_scope(connection, kind, scope_id, name)
            answer = Answer(DONE if stored_name == name else OperationFault.SCOPE_EXISTS)
            outcome = (answer.outcome, None, None, None)
            await write_rows(connection, key_rows([unique_key], [claim.body_hmac], [outcome]))
        return answer


async def open_scope(connection: Connection, kind: ScopeKind, scope_id: str, name: str) -> str:
    """Open a scope unless its id exists, and return the stored name.

    If the id existed, the stored name may differ from `name`.
    """
    query = QUERIES.open_campaign if kind is ScopeKind.CAMPAIGN else QUERIES.open_agency
    while True:
        stored_name = await query(connection, id=scope_id, name=name)
        # The name is None if a concurrent transaction opened the scope after this statement began. The next
        # statement sees that scope.
        if stored_name is not None:
            return str(stored_name)
