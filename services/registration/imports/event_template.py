"""The text of a registration's event, with gaps for what differs from one to the next.

The text is made once by `events.text_of`, which alone knows its form, and filled by joining: that costs a
fifth of writing each event anew. A property test holds the two against each other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from registration.domain.decide import Event, EventType
from registration.domain.event import EventDraft, event_text
from registration.domain.participant import Participant, Person, Standing, Status
from registration.domain.partitioning import partition_of

_WHENEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_ID, _SUBJECT = UUID(int=1), UUID(int=2)
_STANDING: Final = Standing("-")
_encode = msgspec.json.Encoder().encode


class EventTemplate:
    """Fills in the events of people registered for the first time, by one channel."""

    def __init__(self, channel: str) -> None:
        person = Person(None, None, None, "", None, None, "", channel)
        sample = Participant(_SUBJECT, Status.REGISTERED, _STANDING, 1, person)
        happened = Event(EventType.REGISTERED, None, sample, _WHENEVER)
        text = event_text(EventDraft(_ID, happened, channel))
        gaps = (
            str(_ID),
            str(_SUBJECT),
            f'"partition":{partition_of(_SUBJECT)},',
            f'"after":{_encode(_STANDING).decode()},',
            f'"occurred_at":"{_WHENEVER.isoformat()}"',
        )
        pieces = re.split("|".join(map(re.escape, gaps)), text)
        assert len(pieces) == len(gaps) + 1, "each gap stands once in the text of an event, in this order"
        self._pieces = pieces

    def fill(
        self, event_id: str, subject: str, partition: int, after: Standing, occurred_at: str | None
    ) -> str:
        """The event as text; its time and sequence stand as TIME_PLACE and SEQUENCE_PLACE."""
        begin, of, at, then, when, end = self._pieces
        occurred = "null" if occurred_at is None else f'"{occurred_at}"'
        return (
            f'{begin}{event_id}{of}{subject}{at}"partition":{partition},{then}'
            f'"after":{_encode(after).decode()},{when}"occurred_at":{occurred}{end}'
        )
