"""Opens campaigns (`registration campaign add`) and agencies (`registration agency add`)."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
import typer
from pydantic import ValidationError

from database.replication import replicated_connection
from registration.cli.command_runner import CommandRefusedError, run_on_register
from registration.intake.campaigns_and_agencies import ScopeKind, open_scope
from registration.requests.request_models import ScopeBody

campaigns = typer.Typer(no_args_is_help=True, help="Campaigns.")
agencies = typer.Typer(no_args_is_help=True, help="Agencies.")


@campaigns.command("add")
def add_campaign(scope_id: Annotated[str, typer.Argument(metavar="ID")], name: str) -> None:
    """Open a campaign, so that registrations may name it by its ID."""
    run_on_register(add_scope, ScopeKind.CAMPAIGN, scope_id, name)


@agencies.command("add")
def add_agency(scope_id: Annotated[str, typer.Argument(metavar="ID")], name: str) -> None:
    """Open an agency, so that registrations may name it by its ID."""
    run_on_register(add_scope, ScopeKind.AGENCY, scope_id, name)


async def add_scope(pool: asyncpg.Pool[Any], kind: ScopeKind, scope_id: str, name: str) -> str:
    """Open a campaign or an agency and return a message. If it is open under this name, nothing changes.

    Raises CommandRefusedError if the id or the name is not valid, or if the id is open under another name.
    """
    try:
        body = ScopeBody(id=scope_id, name=name)
    except ValidationError as error:
        fields = ", ".join(str(fault["loc"][0]) for fault in error.errors(include_input=False))
        raise CommandRefusedError(f"not valid: {fields}") from None
    async with replicated_connection(pool) as connection:
        open_name = await open_scope(connection, kind, body.id, body.name)
    if open_name != body.name:
        raise CommandRefusedError(f"{kind} {body.id} is open under another name: {open_name}")
    return f"{kind} {body.id} is open"
