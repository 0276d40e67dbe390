"""Who is told of a crossing, in which messages, and under which ids.

Ids are derived from what they stand for: a notifier restored from an older backup tells under the same ids.
Pure: no clock, no I/O.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from notifier.domain.milestones import Crossing

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://jakpreneur.example/milestones")
EMAIL_ALERTS_MAX: Final = 200
"""A longer list goes out in several e-mails."""

Text = Mapping[str, str]
"""The same words by language: `{"id": …, "en": …}`."""


class Channel(Enum):
    """How a recipient is reached."""

    EMAIL = "email"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Recipient:
    """An official or a webhook, and the regions it is told about: exactly `regions`, and all `within`."""

    id: str
    channel: Channel
    regions: frozenset[str] = frozenset()
    within: tuple[str, ...] = ()
    rules: frozenset[str] | None = None
    """None: of every rule."""
    role: Text | None = None
    address: str | None = None
    language: str = "id"

    def is_told_of(self, region: str, rule: str) -> bool:
        """Whether crossings of this rule in this region concern the recipient."""
        if self.rules is not None and rule not in self.rules:
            return False
        return region in self.regions or any(inside(region, outer) for outer in self.within)


@dataclass(frozen=True, slots=True)
class Silence:
    """Until when which alerts wait; None matches everything."""

    until: datetime
    recipient: str | None = None
    region: str | None = None
    rule: str | None = None

    def holds(self, recipient: str, crossing: Crossing) -> bool:
        """Whether an alert about this crossing has to wait."""
        return (
            self.recipient in (None, recipient)
            and self.rule in (None, crossing.rule)
            and (self.region is None or inside(crossing.region, self.region))
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """What one recipient is told of one crossing."""

    id: uuid.UUID
    crossing_id: uuid.UUID
    recipient: str


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail or one webhook call, with the alerts it carries; held back until a silence ends."""

    id: uuid.UUID
    recipient: str
    channel: Channel
    alerts: tuple[Alert, ...]
    held_until: datetime | None = None


def crossing_id(crossing: Crossing) -> uuid.UUID:
    """The id of a crossing, from its scope, region, rule, threshold and epoch."""
    return _derived("crossing", *_unique(crossing))


def alert_id(crossing: Crossing, recipient: str) -> uuid.UUID:
    """The id of an alert, from the same and the recipient."""
    return _derived("alert", *_unique(crossing), recipient)


def plan(
    crossings: Iterable[Crossing], recipients: Iterable[Recipient], silences: Sequence[Silence] = ()
) -> Iterator[Message]:
    """The messages that tell of these crossings: per official one e-mail, per webhook one call an alert.

    Alerts under a silence wait together in a message of their own.
    """
    told = sorted(crossings, key=lambda crossing: (crossing.region, crossing.measure, crossing.threshold))
    for recipient in recipients:
        held: dict[datetime | None, list[Alert]] = {}
        for crossing in told:
            if recipient.is_told_of(crossing.region, crossing.rule):
                until = _held_until(recipient.id, crossing, silences)
                alert = Alert(alert_id(crossing, recipient.id), crossing_id(crossing), recipient.id)
                held.setdefault(until, []).append(alert)
        size = EMAIL_ALERTS_MAX if recipient.channel is Channel.EMAIL else 1
        for until, alerts in held.items():
            for start in range(0, len(alerts), size):
                part = tuple(alerts[start : start + size])
                yield Message(_message_id(part), recipient.id, recipient.channel, part, until)


def inside(region: str, outer: str) -> bool:
    """Whether a region is another one or lies in it: `31.71.01` in `31.71`."""
    return region == outer or region.startswith(outer + ".")


def _held_until(recipient: str, crossing: Crossing, silences: Sequence[Silence]) -> datetime | None:
    return max((silence.until for silence in silences if silence.holds(recipient, crossing)), default=None)


def _unique(crossing: Crossing) -> tuple[str, str, str, int, str]:
    return (crossing.scope, crossing.region, crossing.rule, crossing.threshold, crossing.epoch_label)


def _message_id(alerts: Sequence[Alert]) -> uuid.UUID:
    return _derived("message", *sorted(str(alert.id) for alert in alerts))


def _derived(*parts: str | int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, json.dumps(parts, separators=(",", ":")))
