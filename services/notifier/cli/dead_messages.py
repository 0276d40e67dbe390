"""The commands `dead list`, `dead replay` and `dead discard`, for messages that were given up."""

from __future__ import annotations

import json
import uuid
from typing import Annotated

import typer

from notifier.cli.database_command import refuse, run
from notifier.store.dead_messages import DeadMessages, Decision

app = typer.Typer(no_args_is_help=True, help="Messages that were given up.")

MessageId = Annotated[uuid.UUID, typer.Argument(help="The id that `dead list` prints.")]


@app.command("list")
def list_dead(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List messages that are dead or unconfirmed, oldest first, at most 1,000."""
    for message in run(lambda pool: DeadMessages(pool).list_oldest()):
        if as_json:
            typer.echo(json.dumps(message))
            continue
        columns = ("id", "state", "reason", "recipient", "ended_at", "attempts", "alerts")
        following = message["next_recipient"] or "no next channel"
        typer.echo("  ".join([*(str(message[column]) for column in columns), following]))


@app.command()
def replay(
    message_id: Annotated[uuid.UUID | None, typer.Argument(help="The id that `dead list` prints.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Send all of them again.")] = False,
) -> None:
    """Send a message again, on its own channel and for the whole time for retries."""
    if every == (message_id is not None):
        refuse("name either one message or --all")
    if message_id is None:
        number = run(lambda pool: DeadMessages(pool).replay_all())
        typer.echo(f"{number} messages are sent again")
        return
    _report(run(lambda pool: DeadMessages(pool).replay(message_id)), f"{message_id} is sent again")


@app.command()
def discard(message_id: MessageId) -> None:
    """Remove a message from the list, because it needs no further attempt."""
    _report(run(lambda pool: DeadMessages(pool).discard(message_id)), f"{message_id} is discarded")


def _report(decision: Decision, text: str) -> None:
    if decision is Decision.UNKNOWN:
        refuse("there is no such message")
    if decision is Decision.NOT_GIVEN_UP:
        refuse("the message is neither dead nor unconfirmed")
    typer.echo(text)
