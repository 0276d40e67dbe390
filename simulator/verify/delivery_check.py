"""Checks that each alert of the notifier arrived exactly once in the mailbox or at the webhook receiver.

The mailbox is a folder of messages. The webhook receiver's file has a JSON line per call. Folder and file are
read completely, so a second delivery is found however long ago it was.
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
    """An alert to one official about one crossing."""

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
    """How often each alert id arrived on each channel, and how many calls had an invalid signature."""

    mailbox: Counter[str] = field(default_factory=Counter)
    webhook: Counter[str] = field(default_factory=Counter)
    forged: int = 0


async def alerts_of(http: aiohttp.ClientSession, notifier: str) -> list[Alert]:
    """Return all alerts of the notifier, from all pages."""
    found: list[Alert] = []
    before = ""
    while True:
        async with http.get(f"{notifier}/v1/alerts?limit={PAGE}{before}") as response:
            response.raise_for_status()
            body: dict[str, Any] = await response.json()
        found += [parse_alert(entry) for entry in body["alerts"]]
        if body["next"] is None:
            return found
        before = f"&before={body['next']}"


def parse_alert(body: dict[str, Any]) -> Alert:
    """Parse an alert of the notifier's API."""
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
    """Read the folder of the mailbox and the file of the webhook receiver."""
    found = Deliveries()
    for path in mail.glob("*.eml"):
        found.mailbox.update(ids_in(path.read_bytes()))
    if calls.exists():
        for line in calls.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            if call["verified"]:
                found.webhook[call["webhook_id"]] += 1
            else:
                found.forged += 1
    return found


def ids_in(message: bytes) -> set[str]:
    """Return all UUIDs in a message's text; besides alert ids, they may include other ids."""
    body = email.message_from_bytes(message, policy=default).get_body(("plain", "html"))
    return set(UUID.findall(str(body.get_content()))) if body else set()


def delivery_errors(alerts: Iterable[Alert], arrived: Deliveries) -> list[str]:
    """Describe the alerts that did not arrive exactly once, and the calls with an invalid signature."""
    wrong = []
    for alert in alerts:
        times = (arrived.webhook if alert.channel == "webhook" else arrived.mailbox)[alert.id]
        if times != 1 or alert.state != "delivered":
            wrong.append(f"{alert.channel} alert {alert.id} is {alert.state} and arrived {times} times")
    if arrived.forged:
        wrong.append(f"{arrived.forged} calls at the receiver were not signed by us")
    return wrong


def missing_alerts(
    alerts: Iterable[Alert], rule: str, every: int, before: int, after: int, above: int = 0
) -> list[str]:
    """Describe the thresholds that a count passed between `before` and `after` without an alert.

    The thresholds are the multiples of `every` above `above`.
    """
    alerted = {alert.threshold for alert in alerts if alert.rule == rule}
    passed = range((max(before, above) // every + 1) * every, after + 1, every)
    return [f"{rule}: no alert for {threshold:,}" for threshold in passed if threshold not in alerted]
