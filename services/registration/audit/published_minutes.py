"""The minutes that arrive in the topic `region-minutes`, grouped for the audit of growth."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from cuts.records import UndecodableRecordError
from cuts.topic_readers import follow_table
from kafka.settings import KafkaSettings

TOPIC: Final = "region-minutes"
LAST_SCOPE: Final = "all"
"""The scope whose record is the last of its minute."""
LOOK_BACK: Final = timedelta(minutes=5)
GROUPS_MAX: Final = 3_000
"""More than the minutes of 48 hours, which arrive together if they are published again."""


class KeptCut(msgspec.Struct, frozen=True):
    """One of the two cuts whose difference a minute is."""

    cut: str
    generation: int
    epoch: int
    positions: tuple[int, ...]


class PublishedMinute(msgspec.Struct, frozen=True):
    """A record of region-minutes. Records of the version that counted by event name no cuts."""

    scope: str
    minute: datetime
    rows: tuple[tuple[str, int], ...]
    since: KeptCut | None = msgspec.field(default=None, name="from")
    upto: KeptCut | None = msgspec.field(default=None, name="to")


@dataclass(frozen=True, slots=True)
class MinuteGroup:
    """Records that arrived one after another, up to one of the scope `all`.

    If `is_whole`, the last record's minute has no other records than those of the group.
    """

    records: Sequence[PublishedMinute]
    is_whole: bool


_decoder = msgspec.json.Decoder(PublishedMinute)


def decode_minute(value: bytes) -> PublishedMinute:
    """Decode a value of region-minutes. Raises UndecodableRecordError."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecordError(str(error)) from error


class MinuteFollower:
    """Collects the minutes that wait for the audit."""

    def __init__(self) -> None:
        self.groups: deque[MinuteGroup] = deque(maxlen=GROUPS_MAX)
        self._records: list[PublishedMinute] = []
        self._began_whole = False

    async def follow(self, kafka: KafkaSettings) -> None:
        """Read the minutes. Never returns.

        This machine's clock decides only how many old minutes are audited again.
        """
        async for followed in follow_table(kafka, TOPIC, decode_minute, datetime.now(UTC) - LOOK_BACK):
            if followed.value is not None:
                self.add(followed.value)

    def add(self, record: PublishedMinute) -> None:
        """Add a record. The first group can lack records, because reading begins anywhere in the topic."""
        self._records.append(record)
        if record.scope == LAST_SCOPE:
            self.groups.append(MinuteGroup(self._records, self._began_whole))
            self._records, self._began_whole = [], True
