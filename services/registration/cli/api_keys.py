"""Creates API keys (`registration key create`) and revokes them (`registration key revoke`)."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
import typer

from database.replication import replicated_connection
from registration.auth.api_keys import new_key
from registration.auth.callers import Role
from registration.cli.command_runner import CommandRefusedError, run_on_register
from registration.store.register_rows import QUERIES

app = typer.Typer(no_args_is_help=True, help="API keys.")


@app.command("create")
def create(
    role: Annotated[str, typer.Option(help="booth, officer or admin")],
    label: Annotated[str, typer.Option(help="The key's holder, for example booth-07")],
) -> None:
    """Create an API key and print it. Only its hash is stored, so the key cannot be printed again."""
    roles = {role.stored_name: role for role in Role}
    if role not in roles:
        raise typer.BadParameter(f"must be one of {', '.join(roles)}", param_hint="--role")
    run_on_register(create_key, roles[role], label)


@app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Revoke an API key. The ID is the part of the key between its first two underscores."""
    run_on_register(revoke_key, key_id)


async def create_key(pool: asyncpg.Pool[Any], role: Role, label: str) -> str:
    """Create an API key and return its text, which cannot be recovered later."""
    key_id, text, digest = new_key()
    async with replicated_connection(pool) as connection:
        await QUERIES.insert_key(connection, id=key_id, role=role.stored_name, hash=digest, label=label)
    return text


async def revoke_key(pool: asyncpg.Pool[Any], key_id: str) -> str:
    """Revoke an API key and return a message.

    Raises CommandRefusedError if the key is unknown or was revoked already.
    """
    async with replicated_connection(pool) as connection:
        revoked = await QUERIES.revoke_key(connection, id=key_id)
    if not revoked:
        raise CommandRefusedError("there is no such key, or it was revoked already")
    return f"{key_id} is revoked; API processes refuse it within seconds"
