"""What an administrator does from the command line: keys, campaigns and agencies, erasing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from registration.auth.api_keys import Role, new_key
from registration.intake.scopes import ScopeKind, open_scope
from registration.requests.request_models import ScopeBody
from registration.store.participants import QUERIES


class CommandRefusedError(Exception):
    """The command changed nothing; the message says why, without personal data."""


async def create_key(pool: asyncpg.Pool[Any], role: Role, label: str) -> str:
    """Make a key; its text is known to nobody else afterwards."""
    key_id, text, digest = new_key()
    await QUERIES.insert_key(pool, id=key_id, role=role.word, hash=digest, label=label)
    return text


async def revoke_key(pool: asyncpg.Pool[Any], key_id: str) -> str:
    """End a key's life. Raises CommandRefusedError where there is none of this id."""
    if not await QUERIES.revoke_key(pool, id=key_id):
        raise CommandRefusedError("there is no such key, or it was revoked already")
    return f"{key_id} is revoked; API processes forget it within seconds"


async def add_scope(pool: asyncpg.Pool[Any], kind: ScopeKind, scope_id: str, name: str) -> str:
    """Open a campaign or an agency; open already under the same name is fine. Raises CommandRefusedError."""
    try:
        body = ScopeBody(id=scope_id, name=name)
    except ValidationError as error:
        wrong = ", ".join(str(fault["loc"][0]) for fault in error.errors(include_input=False))
        raise CommandRefusedError(f"not valid: {wrong}") from None
    async with pool.acquire() as connection:
        kept = await open_scope(connection, kind, body.id, body.name)
    if kept != body.name:
        raise CommandRefusedError(f"{kind} {body.id} is open under another name: {kept}")
    return f"{kind} {body.id} is open"


async def erase(pool: asyncpg.Pool[Any], participant_id: UUID) -> str:
    """Erase a participant's personal data for good. Raises CommandRefusedError if nothing is stored."""
    if not await QUERIES.erase(pool, id=participant_id):
        raise CommandRefusedError("there is no such participant, or the data were erased already")
    return f"{participant_id} is erased; the standing stays, and with it every count"
