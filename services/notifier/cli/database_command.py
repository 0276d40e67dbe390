"""Runs an operator's command on the notifier's database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import asyncpg
import typer

from database.address import DatabaseAddress
from database.pool import connect
from lifecycle.command import run_command
from notifier.settings import CommandSettings
from settings.loader import load

T = TypeVar("T")


def run(command: Callable[[asyncpg.Pool[Any]], Awaitable[T]]) -> T:
    """Return the result of the command, which gets a pool of connections."""
    return run_command(_run(load(CommandSettings).database, command))


async def _run(address: DatabaseAddress, command: Callable[[asyncpg.Pool[Any]], Awaitable[T]]) -> T:
    pool = await connect(address, service="notifier", application_name="notifier command")
    try:
        return await command(pool)
    finally:
        await pool.close()


def refuse(text: str) -> NoReturn:
    """Print the text to stderr and exit with 1."""
    typer.echo(text, err=True)
    raise typer.Exit(1)
