"""What was told to whom: alerts as the notifier lists them, against what lies in mailbox and receiver.

The mailbox is a folder of messages, the receiver's file has a JSON line for each call; both are read whole:
what was delivered twice is seen however long ago it was.
"""

from __future__ import annotations

import email
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.policy import default
from pathlib import Path
from typing import Any, Final

import aiohttp

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Alert:
    """One official's alert of one crossing."""

    id: str
    channel: str
    state: str
    rule: str
    scope: str
    region: str
    threshold: int
    crossing: str


@dataclass(slots=True)
class Deliveries:
    """How often each alert id arrived."""

    mailbox: Counter[str] = field(default_factory=Counter)
    webhook: Counter[str] = field(default_factory=Counter)
    forged: int = 0


async def alerts_of(http: aiohttp.ClientSession, notifier: str) -> list[Alert]:
    """All alerts, through every page."""
    found: list[Alert] = []
    before = ""
    while True:
        async with http.get(f"{notifier}/v1/alerts?limit={PAGE}{before}") as response:
            response.raise_for_status()
            body: dict[str, Any] = await response.json()
        found += [alert_of(one) for one in body["alerts"]]
        if body["next"] is None:
            return found
        before = f"&before={body['next']}"


def alert_of(body: dict[str, Any]) -> Alert:
    """An alert as the notifier shows it."""
    crossing = body["crossing"]
    return Alert(
        id=body["id"],
        channel=body["channel"],
        state=body["state"],
        rule=crossing["rule"],
        scope=crossing["scope"],
        region=crossing["region"],
        threshold=int(crossing["threshold"]),
        crossing=crossing["id"],
    )


def deliveries(mail: Path, calls: Path) -> Deliveries:
    """Read the mailbox's folder and the receiver's file."""
    found = Deliveries()
    for path in mail.glob("*.eml"):
        found.mailbox.update(mentioned(path.read_bytes()))
    if calls.exists():
        for line in calls.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            if call["verified"]:
                found.webhook[call["webhook_id"]] += 1
            else:
                found.forged += 1
    return found


def mentioned(message: bytes) -> set[str]:
    """The ids that a message's text names: alerts, and perhaps others."""
    body = email.message_from_bytes(message, policy=default).get_body(("plain", "html"))
    return set(UUID.findall(str(body.get_content()))) if body else set()


def faults(alerts: Iterable[Alert], arrived: Deliveries) -> list[str]:
    """Alerts that did not arrive exactly once, and calls that were not signed by us."""
    wrong = []
    for alert in alerts:
        times = (arrived.webhook if alert.channel == "webhook" else arrived.mailbox)[alert.id]
        if times != 1 or alert.state != "delivered":
            wrong.append(f"{alert.channel} alert {alert.id} is {alert.state} and arrived {times} times")
    if arrived.forged:
        wrong.append(f"{arrived.forged} calls at the receiver were not signed by us")
    return wrong


def missing(
    alerts: Iterable[Alert], rule: str, every: int, before: int, after: int, above: int = 0
) -> list[str]:
    """Multiples of `every` that a count passed on its way from `before` to `after` and nobody was told."""
    told = {alert.threshold for alert in alerts if alert.rule == rule}
    passed = range((max(before, above) // every + 1) * every, after + 1, every)
    return [f"{rule}: nobody was told of {threshold:,}" for threshold in passed if threshold not in told]
