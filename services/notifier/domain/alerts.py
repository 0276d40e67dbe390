"""Plans the alerts and messages for new crossings, and derives their ids.

Each id is derived from the values that identify its object. A notifier that is restored from an older backup
therefore sends its alerts again under the same ids. The functions do no I/O and read no clock.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from notifier.domain.milestones import Crossing

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://jakpreneur.example/milestones")
EMAIL_ALERTS_MAX: Final = 200
"""If one official has more alerts than this, they are split into several e-mails."""

BilingualText = Mapping[str, str]
"""A text by language: `{"id": …, "en": …}`."""


class Channel(Enum):
    """The means of delivery to a recipient."""

    EMAIL = "email"
    WEBHOOK = "webhook"


class CrossingKey(Protocol):
    """The values that identify a crossing."""

    @property
    def scope(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def threshold(self) -> int: ...
    @property
    def epoch_label(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """An official or a webhook.

    A recipient receives alerts for the regions in `regions` and `within`, and for every region that lies
    inside a region of `within`.
    """

    id: str
    channel: Channel
    regions: frozenset[str] = frozenset()
    within: tuple[str, ...] = ()
    rules: frozenset[str] | None = None
    """The ids of the rules whose alerts the recipient receives; None for all rules."""
    role: BilingualText | None = None
    address: str | None = None
    language: str = "id"
    endpoint: str | None = None
    """The name of the webhook's endpoint in the settings."""
    next: str | None = None
    """The id of the recipient that gets the alerts if they cannot be delivered to this one."""

    def receives(self, region: str, rule: str) -> bool:
        """Whether the recipient receives alerts for this region and rule."""
        if self.rules is not None and rule not in self.rules:
            return False
        return region in self.regions or any(inside(region, outer) for outer in self.within)


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds back matching alerts until the time `until`. A field that is None matches all alerts.

    A silence for an official covers the official's other channels, too.
    """

    until: datetime
    recipient: str | None = None
    region: str | None = None
    rule: str | None = None

    def holds(self, recipient: str, crossing: CrossingKey) -> bool:
        """Whether the silence holds the alert of this crossing.

        A silence for a region covers the regions inside it, too.
        """
        return (
            (
                self.recipient is None
                or recipient == self.recipient
                or recipient.startswith(f"{self.recipient}/")
            )
            and self.rule in (None, crossing.rule)
            and (self.region is None or inside(crossing.region, self.region))
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """The notice to one recipient of one crossing."""

    id: uuid.UUID
    crossing_id: uuid.UUID
    recipient: str


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail or webhook call with its alerts.

    `held_until` is the end of the silence that holds the message back; None if there is no such silence.
    """

    id: uuid.UUID
    recipient: str
    channel: Channel
    alerts: tuple[Alert, ...]
    held_until: datetime | None = None


class StoredAlert(CrossingKey, Protocol):
    """An alert that is stored, with its crossing."""

    @property
    def crossing_id(self) -> uuid.UUID: ...


def crossing_id(crossing: CrossingKey) -> uuid.UUID:
    """Return the id of a crossing, derived from its scope, region, rule, threshold and epoch."""
    return _derive_id("crossing", *_unique_columns(crossing))


def alert_id(crossing: CrossingKey, recipient: str) -> uuid.UUID:
    """Return the id of an alert, derived from the crossing's identifying values and from the recipient."""
    return _derive_id("alert", *_unique_columns(crossing), recipient)


def plan_messages(
    crossings: Iterable[Crossing], recipients: Iterable[Recipient], silences: Sequence[Silence] = ()
) -> Iterator[Message]:
    """Return the messages for these crossings: one e-mail per official, one webhook call per alert.

    An official with alerts that are held until different times gets a separate e-mail for each of these
    times. An official with more than EMAIL_ALERTS_MAX alerts gets several e-mails.
    """
    ordered = sorted(crossings, key=lambda crossing: (crossing.region, crossing.measure, crossing.threshold))
    for recipient in recipients:
        by_time: dict[datetime | None, list[Alert]] = {}
        for crossing in ordered:
            if recipient.receives(crossing.region, crossing.rule):
                held = held_until(recipient.id, crossing, silences)
                alert = Alert(alert_id(crossing, recipient.id), crossing_id(crossing), recipient.id)
                by_time.setdefault(held, []).append(alert)
        for held, alerts in by_time.items():
            yield from _messages_of(recipient, alerts, held)


def plan_next_channel(alerts: Iterable[StoredAlert], recipient: Recipient) -> Iterator[Message]:
    """Return the messages that bring the alerts of a given-up message to the recipient's next channel."""
    moved = [Alert(alert_id(alert, recipient.id), alert.crossing_id, recipient.id) for alert in alerts]
    yield from _messages_of(recipient, moved, None)


def _messages_of(recipient: Recipient, alerts: Sequence[Alert], held: datetime | None) -> Iterator[Message]:
    alerts_max = EMAIL_ALERTS_MAX if recipient.channel is Channel.EMAIL else 1
    for start in range(0, len(alerts), alerts_max):
        part = tuple(alerts[start : start + alerts_max])
        yield Message(_message_id(part), recipient.id, recipient.channel, part, held)


def inside(region: str, outer: str) -> bool:
    """Whether `region` is `outer` or lies inside it. For example, `31.71.01` lies inside `31.71`."""
    return region == outer or region.startswith(outer + ".")


def held_until(recipient: str, crossing: CrossingKey, silences: Sequence[Silence]) -> datetime | None:
    """Return the end of the silences that hold the alert of this crossing; None if no silence holds it."""
    return max((silence.until for silence in silences if silence.holds(recipient, crossing)), default=None)


def _unique_columns(crossing: CrossingKey) -> tuple[str, str, str, int, str]:
    """The values of the unique constraint of the table `latch`."""
    return (crossing.scope, crossing.region, crossing.rule, crossing.threshold, crossing.epoch_label)


def _message_id(alerts: Sequence[Alert]) -> uuid.UUID:
    return _derive_id("message", *sorted(str(alert.id) for alert in alerts))


def _derive_id(*parts: str | int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, json.dumps(parts, separators=(",", ":")))
