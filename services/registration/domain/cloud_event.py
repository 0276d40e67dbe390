"""Encodes events as JSON text, the form in which the register stores them and the relay publishes them.

The format is CloudEvents 1.0 in structured mode. Source: CloudEvents 1.0.2, JSON event format 1.0.2; the
field `traceparent` comes from the distributed tracing extension of CloudEvents. The order of fields is fixed,
so that equal events have equal texts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from registration.domain.decision import Event
from registration.domain.participant import Standing
from registration.domain.participant_partition import partition_of

# Source: W3C Trace Context, version 00. It forbids a trace id or parent id of zeros only.
TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class _Data(msgspec.Struct):
    revision: int
    before: Standing | None
    after: Standing | None
    occurred_at: str | None
    channel: str


class _Event(msgspec.Struct):
    specversion: str
    id: UUID
    source: str
    type: str
    subject: UUID
    time: str
    datacontenttype: str
    partition: int
    sequence: int
    traceparent: str | msgspec.UnsetType
    data: _Data


_ENCODER: Final = msgspec.json.Encoder()
# Only the transaction knows an event's time and sequence. Until it sets them, the event's text contains these
# two placeholders, each exactly once. No value can contain a placeholder, because JSON escapes quotation
# marks inside strings.
_NO_TIME: Final = "0001-01-01T00:00:00Z"
TIME_PLACEHOLDER: Final = f'"time":"{_NO_TIME}"'
SEQUENCE_PLACEHOLDER: Final = '"sequence":0,'


class NumberedEvent(msgspec.Struct, frozen=True):
    """An event with its partition and sequence. `value` is the event's JSON text, without personal data."""

    partition: int
    sequence: int
    id: UUID
    participant_id: UUID
    type: str
    value: str


class EventDraft(msgspec.Struct, frozen=True):
    """An event without its sequence. `channel` is how the request came in, such as booth or import."""

    id: UUID
    event: Event
    channel: str
    traceparent: str | None = None

    @property
    def partition(self) -> int:
        """The partition of the event's participant."""
        return partition_of(self.event.after.id)


def number_event(draft: EventDraft, sequence: int, time: datetime) -> NumberedEvent:
    """Return the event with its sequence and time. `time` is the transaction's now() in the database."""
    event = draft.event
    value = event_text(draft).replace(TIME_PLACEHOLDER, f'"time":"{utc_text(time)}"')
    value = value.replace(SEQUENCE_PLACEHOLDER, f'"sequence":{sequence},')
    return NumberedEvent(draft.partition, sequence, draft.id, event.after.id, event.type.value, value)


def event_text(draft: EventDraft) -> str:
    """Return the event's JSON text, which still contains TIME_PLACEHOLDER and SEQUENCE_PLACEHOLDER."""
    event = draft.event
    before, after = event.before, event.after
    envelope = _Event(
        specversion="1.0",
        id=draft.id,
        source="/registration",
        type=event.type.value,
        subject=after.id,
        time=_NO_TIME,
        datacontenttype="application/json",
        partition=draft.partition,
        sequence=0,
        traceparent=draft.traceparent or msgspec.UNSET,
        data=_Data(
            revision=after.revision,
            before=before.counted_standing if before is not None else None,
            after=after.counted_standing,
            occurred_at=event.occurred_at.isoformat() if event.occurred_at is not None else None,
            channel=draft.channel,
        ),
    )
    return _ENCODER.encode(envelope).decode()


@lru_cache(maxsize=16)  # all events of a batch have the same time
def utc_text(time: datetime) -> str:
    """Format a time as RFC 3339 in UTC, such as `2021-10-24T12:05:00.137000Z`.

    The fraction of the second is omitted if it is zero.
    """
    return time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def valid_traceparent(header: str | None) -> str | None:
    """Return a request's `traceparent` header if it is valid, else None."""
    return header if header and TRACEPARENT.fullmatch(header) else None
