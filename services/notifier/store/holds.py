"""Holds messages while a silence lasts, and joins the held e-mails of an official when it has ended."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from database.sql_files import load_queries
from notifier.domain.alert_evidence import AlertEvidence
from notifier.domain.alerts import EMAIL_ALERTS_MAX, Channel, Silence, held_until
from notifier.domain.delivery_policy import MessageState

QUERIES: Final = load_queries("notifier.store")


async def join_held_messages(connection: Any, message: Any, channel: Channel) -> None:
    """Give this message, whose silence has ended, the alerts of the recipient's other held e-mails."""
    if channel is Channel.EMAIL and message["state"] == MessageState.HELD.value:
        await QUERIES.merge_held(
            connection, id=message["id"], recipient=message["recipient"], alerts_max=EMAIL_ALERTS_MAX
        )


async def hold_silenced_alerts(
    connection: Any, message: Any, alerts: Sequence[AlertEvidence]
) -> tuple[AlertEvidence, ...]:
    """Return the alerts of the message that no silence holds.

    If silences hold some alerts, these become messages of their own. If they hold all, the message is held.
    """
    silences = [Silence(**dict(row)) async for row in QUERIES.silences(connection)]
    held: dict[datetime, list[uuid.UUID]] = {}
    free = []
    for alert in alerts:
        until = held_until(message["recipient"], alert, silences)
        if until is None:
            free.append(alert)
        else:
            held.setdefault(until, []).append(alert.id)
    if held and not free:
        await QUERIES.hold(connection, id=message["id"], until=min(held))
        return ()
    for until, ids in held.items():
        await QUERIES.split_held(connection, id=message["id"], alerts=ids, until=until)
    return tuple(free)
