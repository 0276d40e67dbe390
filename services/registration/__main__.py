"""The register's processes and commands: `python -m registration --help`.

Composition only: settings, then adapters, then what runs. Nothing else reads the environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from database.migrations import migrate as migrate_schema
from database.pool import connect
from lifecycle.shutdown import StopSignal, run
from registration.audit.settings import AuditSettings
from registration.auth.api_keys import Role
from registration.cli import admin
from registration.cli.imports import import_file, undo_import
from registration.imports.settings import ImportSettings
from registration.intake.scopes import ScopeKind
from registration.processes.api import serve_api
from registration.processes.audit import audit as run_audit
from registration.processes.relay import relay as run_relay
from registration.relay.event_source import TOPIC as EVENTS
from registration.relay.recovery import recover as start_over
from registration.relay.settings import RelaySettings
from registration.settings import ApiSettings, RegisterSettings, SecretSettings
from settings.kafka import KafkaSettings
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.logs import configure

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The register of participants.")
key = typer.Typer(no_args_is_help=True, help="API keys.")
campaign = typer.Typer(no_args_is_help=True, help="Campaigns.")
agency = typer.Typer(no_args_is_help=True, help="Agencies.")
app.add_typer(key, name="key")
app.add_typer(campaign, name="campaign")
app.add_typer(agency, name="agency")


def register_settings() -> RegisterSettings:
    """The settings of every process, its logs and crash points set up by them."""
    settings = load(RegisterSettings)
    configure("registration", settings.log_level)
    arm(settings.crash_at)
    return settings


# --- the API ---


@app.command()
def api() -> None:
    """Serve the HTTP interface and write what comes in."""
    settings, secrets, own, imports = load(RegisterSettings, SecretSettings, ApiSettings, ImportSettings)
    configure("registration-api", settings.log_level)
    arm(settings.crash_at)
    run(lambda stopping: serve_api((settings, secrets, own, imports), stopping))


# --- relay and audit ---


@app.command()
def relay() -> None:
    """Send what the register accepted to the topic of events, in order."""
    settings, own, kafka = load(RegisterSettings, RelaySettings, KafkaSettings)
    configure("registration-relay", settings.log_level)
    arm(settings.crash_at)
    run(lambda stopping: run_relay(settings, own, kafka, stopping))


@app.command()
def audit() -> None:
    """Prove the published counts against the register, and tell where the register stands."""
    settings, own, kafka = load(RegisterSettings, AuditSettings, KafkaSettings)
    configure("registration-audit", settings.log_level)
    arm(settings.crash_at)
    run(lambda stopping: run_audit(settings, own, kafka, stopping))


@app.command()
def recover(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant")] = False,
) -> None:
    """Start over from a restored register: empty the topic of events, send and count everything again."""
    settings, kafka = load(RegisterSettings, KafkaSettings)
    configure("registration", settings.log_level)
    arm(settings.crash_at)
    if not yes:
        typer.echo(
            f"This empties {kafka.topic(EVENTS)} on {kafka.bootstrap_servers} and counts everything again."
        )
        typer.confirm("Is this register the one to go on from?", abort=True)
    epoch = asyncio.run(start_over(settings, kafka))
    typer.echo(f"The topic is empty and sent again from the first event; this is epoch {epoch}.")


# --- imports ---


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    rejected: Annotated[Path | None, typer.Option(help="Write the report of rejected rows here")] = None,
) -> None:
    """Import participants from a CSV file; a file begun before goes on where it was."""
    settings, secrets, imports = load(RegisterSettings, SecretSettings, ImportSettings)
    _importing(settings, lambda stopping: import_file((settings, secrets, imports), file, rejected, stopping))


@app.command()
def undo(import_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Withdraw everybody an import registered, but for those whom somebody changed since."""
    settings, imports = load(RegisterSettings, ImportSettings)
    _importing(settings, lambda stopping: undo_import((settings, imports), import_id, stopping))


def _importing(settings: RegisterSettings, work: Callable[[StopSignal], Awaitable[None]]) -> None:
    configure("registration-import", settings.log_level)
    arm(settings.crash_at)
    try:
        run(work)
    except admin.CommandRefusedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


# --- commands ---


@app.command()
def migrate() -> None:
    """Bring the schema up to date."""
    migrate_schema("registration", register_settings().database)


@key.command("create")
def create_key(
    role: Annotated[str, typer.Option(help="booth, officer or admin")],
    label: Annotated[str, typer.Option(help="Whose it is, for example booth-07")],
) -> None:
    """Make an API key and print it: it is shown this once and kept only as a hash."""
    roles = {each.word: each for each in Role}
    if role not in roles:
        raise typer.BadParameter(f"must be one of {', '.join(roles)}", param_hint="--role")
    _command(admin.create_key, roles[role], label)


@key.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a key's life; its ID is the part between the underscores."""
    _command(admin.revoke_key, key_id)


@campaign.command("add")
def add_campaign(scope_id: Annotated[str, typer.Argument(metavar="ID")], name: str) -> None:
    """Open a campaign that registrations may name."""
    _command(admin.add_scope, ScopeKind.CAMPAIGN, scope_id, name)


@agency.command("add")
def add_agency(scope_id: Annotated[str, typer.Argument(metavar="ID")], name: str) -> None:
    """Open an agency that registrations may name."""
    _command(admin.add_scope, ScopeKind.AGENCY, scope_id, name)


@app.command()
def erase(participant_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """Erase a participant's personal data for good; the counts stay."""
    _command(admin.erase, participant_id)


def _command(work: Callable[..., Awaitable[str]], *arguments: object) -> None:
    """Do one thing to the register and print what came of it; exit 1 where nothing did."""
    settings = register_settings()

    async def done() -> str:
        pool = await connect(settings.database, application_name="registration command", max_size=1)
        try:
            return await work(pool, *arguments)
        finally:
            await pool.close()

    try:
        typer.echo(asyncio.run(done()))
    except admin.CommandRefusedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app(prog_name="registration")
