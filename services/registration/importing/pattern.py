"""The text of a registration's event, with gaps for what differs from one to the next.

The text is made once by `events.written`, which alone knows its form, and filled by joining: that costs a
fifth of writing each event anew. A property test holds the two against each other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from registration.domain import EventType, Happened
from registration.events import Draft, utc_text, written
from registration.participant import Participant, Person, Standing, Status
from registration.partitioning import partition_of

NO_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
# Both stand in an event once: within a JSON text no quotation mark stands unescaped.
TIME_PLACE: Final = f'"time":"{utc_text(NO_TIME)}"'
SEQUENCE_PLACE: Final = '"sequence":0,'

_ID, _SUBJECT = UUID(int=1), UUID(int=2)
_STANDING: Final = Standing("-")
_encode = msgspec.json.Encoder().encode


class Pattern:
    """Fills in the events of people registered for the first time, by one channel."""

    def __init__(self, channel: str) -> None:
        person = Person(None, None, None, "", None, None, "", channel)
        sample = Participant(_SUBJECT, Status.REGISTERED, _STANDING, 1, person)
        happened = Happened(EventType.REGISTERED, None, sample, NO_TIME)
        text = written(Draft(_ID, happened, channel), 0, NO_TIME).value
        gaps = (
            str(_ID),
            str(_SUBJECT),
            f'"partition":{partition_of(_SUBJECT)},',
            f'"after":{_encode(_STANDING).decode()},',
            f'"occurred_at":"{NO_TIME.isoformat()}"',
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
