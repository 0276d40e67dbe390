"""A template for the JSON texts of `registered` events, which is filled by joining strings.

The format is defined by `domain.cloud_event.event_text` alone. That function encodes a sample event once, and
the template is the resulting text without its variable parts. Filling the template costs a fifth of encoding
an event. A property test compares the filled template with the encoded event.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from registration.domain.cloud_event import EventDraft, event_text
from registration.domain.decision import Event, EventType
from registration.domain.participant import Participant, Person, Standing, Status
from registration.domain.participant_partition import partition_of

_SAMPLE_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
_SAMPLE_ID, _SAMPLE_SUBJECT = UUID(int=1), UUID(int=2)
_SAMPLE_STANDING: Final = Standing("-", None, None, ())
_encode = msgspec.json.Encoder().encode


class EventTemplate:
    """Makes the texts of `registered` events of newcomers, all through the same channel."""

    def __init__(self, channel: str) -> None:
        person = Person(None, None, None, "", None, None, "", channel)
        sample = Participant(_SAMPLE_SUBJECT, Status.REGISTERED, _SAMPLE_STANDING, 1, person)
        event = Event(EventType.REGISTERED, None, sample, _SAMPLE_TIME)
        text = event_text(EventDraft(_SAMPLE_ID, event, channel))
        variable_parts = (
            str(_SAMPLE_ID),
            str(_SAMPLE_SUBJECT),
            f'"partition":{partition_of(_SAMPLE_SUBJECT)},',
            f'"after":{_encode(_SAMPLE_STANDING).decode()},',
            f'"occurred_at":"{_SAMPLE_TIME.isoformat()}"',
        )
        pieces = re.split("|".join(map(re.escape, variable_parts)), text)
        assert len(pieces) == len(variable_parts) + 1, (
            "each variable part occurs once in the text, in this order"
        )
        self._pieces = pieces

    def fill(
        self, event_id: str, subject: str, partition: int, after: Standing, occurred_at: str | None
    ) -> str:
        """Return the text of an event, which still contains TIME_PLACEHOLDER and SEQUENCE_PLACEHOLDER.

        `after` is the standing after the event, and `subject` the participant's id.
        """
        begin, of, at, then, when, end = self._pieces
        occurred = "null" if occurred_at is None else f'"{occurred_at}"'
        return (
            f'{begin}{event_id}{of}{subject}{at}"partition":{partition},{then}'
            f'"after":{_encode(after).decode()},{when}"occurred_at":{occurred}{end}'
        )
