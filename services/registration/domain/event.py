"""The event as it stands in the register and on the topic: CloudEvents 1.0 in structured mode.

Source: CloudEvents 1.0.2, JSON event format 1.0.2; `traceparent` after the distributed tracing extension.
Fields come in a fixed order, so equal events are equal texts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from registration.domain.decide import Event
from registration.domain.participant import Standing
from registration.domain.partitioning import partition_of

# W3C Trace Context, version 00; an id of zeros alone is invalid there.
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
# What only the register can know stands in an event's text as these until it is written. Both stand in it
# once: within a JSON text no quotation mark stands unescaped.
_NO_TIME: Final = "0001-01-01T00:00:00Z"
TIME_PLACE: Final = f'"time":"{_NO_TIME}"'
SEQUENCE_PLACE: Final = '"sequence":0,'


class NumberedEvent(msgspec.Struct, frozen=True):
    """An event with its place in the register; `value` is the record on the topic, without personal data."""

    partition: int
    sequence: int
    id: UUID
    participant_id: UUID
    type: str
    value: str


class EventDraft(msgspec.Struct, frozen=True):
    """An event without its sequence: what happened, how it came in, and its id."""

    id: UUID
    happened: Event
    channel: str
    traceparent: str | None = None

    @property
    def partition(self) -> int:
        """Where it belongs."""
        return partition_of(self.happened.after.id)


def number_event(draft: EventDraft, sequence: int, time: datetime) -> NumberedEvent:
    """The event at its sequence; `time` is the register's: the database's now() of the transaction."""
    happened = draft.happened
    value = event_text(draft).replace(TIME_PLACE, f'"time":"{utc_text(time)}"')
    value = value.replace(SEQUENCE_PLACE, f'"sequence":{sequence},')
    return NumberedEvent(draft.partition, sequence, draft.id, happened.after.id, happened.type.value, value)


def event_text(draft: EventDraft) -> str:
    """The event as text, in which TIME_PLACE and SEQUENCE_PLACE are still to be replaced."""
    happened = draft.happened
    before, after = happened.before, happened.after
    event = _Event(
        specversion="1.0",
        id=draft.id,
        source="/registration",
        type=happened.type.value,
        subject=after.id,
        time=_NO_TIME,
        datacontenttype="application/json",
        partition=draft.partition,
        sequence=0,
        traceparent=draft.traceparent or msgspec.UNSET,
        data=_Data(
            revision=after.revision,
            before=before.counted if before is not None else None,
            after=after.counted,
            occurred_at=happened.occurred_at.isoformat() if happened.occurred_at is not None else None,
            channel=draft.channel,
        ),
    )
    return _ENCODER.encode(event).decode()


@lru_cache(maxsize=16)  # a batch is told one time
def utc_text(moment: datetime) -> str:
    """`2021-10-24T12:05:00.137Z`: UTC, to the microsecond where there is one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def valid_traceparent(header: str | None) -> str | None:
    """The W3C trace context of a request, where it has one in the form we pass on."""
    return header if header and TRACEPARENT.fullmatch(header) else None
