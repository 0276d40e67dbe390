"""Lists the messages that were given up, and lets an operator send them again or discard them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import asyncpg

from database.sql_files import load_queries
from notifier.store.alerts import utc_text

QUERIES: Final = load_queries("notifier.store")
LISTED_MAX: Final = 1000


class Decision(Enum):
    """Whether an operator's command applied to a message."""

    DONE = "done"
    NOT_GIVEN_UP = "not_given_up"
    """The message is being sent, is delivered, or was discarded before."""
    UNKNOWN = "unknown"


class DeadMessages:
    """The messages in the states `dead` and `unconfirmed`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def list_oldest(self) -> list[dict[str, Any]]:
        """Return the messages that were given up, oldest first, in the form that the API returns."""
        return [_body(row) async for row in QUERIES.list_dead(self._pool, limit=LISTED_MAX)]

    async def replay(self, message_id: uuid.UUID) -> Decision:
        """Send the message again, from now on and for the whole time for retries, on its own channel."""
        replayed = [row["id"] async for row in QUERIES.replay(self._pool, id=message_id)]
        return await self._decision(message_id, bool(replayed))

    async def replay_all(self) -> int:
        """Send all messages again that were given up. Return their number."""
        return len([row["id"] async for row in QUERIES.replay(self._pool, id=None)])

    async def discard(self, message_id: uuid.UUID) -> Decision:
        """Remove the message from the list; its alerts and receipts remain."""
        return await self._decision(message_id, bool(await QUERIES.discard(self._pool, id=message_id)))

    async def _decision(self, message_id: uuid.UUID, is_done: bool) -> Decision:
        if is_done:
            return Decision.DONE
        state = await QUERIES.message_state(self._pool, id=message_id)
        return Decision.UNKNOWN if state is None else Decision.NOT_GIVEN_UP


def _body(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "recipient": row["recipient"],
        "channel": row["channel"],
        "state": row["state"],
        "reason": row["reason"],
        "receipt": json.loads(row["receipt"] or "{}"),
        "alerts": row["alerts"],
        "attempts": row["attempts"],
        "created_at": utc_text(row["created_at"]),
        "ended_at": utc_text(row["ended_at"]),
        "next_recipient": row["next_recipient"],
    }
