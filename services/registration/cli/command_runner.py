"""Runs a command: sets up logs and failpoints, connects to the register, exits with 1 after a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import typer

from database.pool import connect
from lifecycle.command import run_command
from registration.settings import RegisterSettings
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.logs import configure


class CommandRefusedError(Exception):
    """The command was refused or did not finish. The message gives the reason, without personal data."""


def set_up(settings: RegisterSettings, service: str = "registration") -> None:
    """Configure the logs with `service` as the service's name, and arm the failpoints."""
    configure(service, settings.log_level)
    arm(settings.crash_at)


@contextmanager
def exit_1_if_refused() -> Iterator[None]:
    """If the block raises CommandRefusedError, print its message to stderr and exit with code 1."""
    try:
        yield
    except CommandRefusedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def run_on_register(command: Callable[..., Awaitable[str]], *arguments: object) -> None:
    """Call `command(pool, *arguments)` with a pool of the register, and print the text that it returns."""
    settings = load(RegisterSettings)
    set_up(settings)

    async def connected() -> str:
        pool = await connect(
            settings.database, service="registration", application_name="registration command", max_size=1
        )
        try:
            return await command(pool, *arguments)
        finally:
            await pool.close()

    with exit_1_if_refused():
        typer.echo(run_command(connected()))
