from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import uuid_utils.compat
from hypothesis import given
from hypothesis import strategies as st

from registration.cipher import Cipher
from registration.domain.cloud_event import (
    SEQUENCE_PLACEHOLDER,
    TIME_PLACEHOLDER,
    EventDraft,
    number_event,
    utc_text,
)
from registration.domain.decision import Event, EventType
from registration.domain.participant import Participant, Person, Standing, Status
from registration.domain.participant_partition import partition_of
from registration.imports.chunk_encoding import pack
from registration.imports.column_validation import ImportedBusiness, ImportedRegistration
from registration.imports.event_template import EventTemplate
from registration.imports.row_validation import AcceptedRow, RejectedCell, ValidatedChunk
from registration.requests.command_mapping import register_command

CIPHER = Cipher(bytes(32))
WIB = timezone(timedelta(hours=7))


def accepted_row(number: int) -> AcceptedRow:
    registration = ImportedRegistration(
        name=f'Orang "{number}"',
        nik=f"319901410190{number:04d}",
        region="31.71.01.1001",
        consent="2026-01",
        business=ImportedBusiness("Warung", "kuliner"),
        occurred_at=datetime(2021, 10, 24, 12, tzinfo=UTC),
        steps=("P2",),
    )
    return AcceptedRow(
        number,
        register_command(
            registration, CIPHER, "import", uuid_utils.compat.uuid7, steps=registration.steps, import_id="i"
        ),
    )


@given(st.lists(st.integers(2, 40), unique=True, max_size=8))
def test_a_packed_chunk_is_sorted_by_fingerprint_and_unpacks_unchanged(numbers: list[int]) -> None:
    validated = ValidatedChunk(
        50, [accepted_row(number) for number in sorted(numbers)], [RejectedCell(41, "nik", "x")]
    )

    packed = pack(validated, uuid_utils.compat.uuid7)

    hashes = str(packed.participants["nik_hmac"]).strip("{}").split(",") if numbers else []
    assert hashes == sorted(hashes)
    assert packed.count == len(numbers)
    assert packed.rows == len(numbers) + 1
    assert msgspec.to_builtins(packed.unpacked()) == msgspec.to_builtins(validated)


@given(st.integers(1, 30))
def test_event_texts_have_one_placeholder_each_for_time_and_sequence(count: int) -> None:
    packed = pack(
        ValidatedChunk(99, [accepted_row(number) for number in range(2, count + 2)], []),
        uuid_utils.compat.uuid7,
    )

    lines = packed.events["texts"].split("\n")
    partitions = [int(number) for number in packed.events["partitions"].strip("{}").split(",")]
    ordinals = [int(number) for number in packed.events["ordinals"].strip("{}").split(",")]
    assert len(lines) == len(partitions) == len(ordinals) == count
    locked = [int(number) for number in packed.events["locked_partitions"].strip("{}").split(",")]
    assert locked == sorted(set(partitions))
    seen: Counter[int] = Counter()
    for line, partition, ordinal in zip(lines, partitions, ordinals, strict=True):
        seen[partition] += 1
        assert ordinal == seen[partition]
        assert line.count(TIME_PLACEHOLDER) == line.count(SEQUENCE_PLACEHOLDER) == 1
        event = json.loads(line.replace(SEQUENCE_PLACEHOLDER, '"sequence":7,'))
        assert partition_of(UUID(event["subject"])) == partition == event["partition"]
        assert event["sequence"] == 7


TEXTS = st.sampled_from(["31.71.01.1001", "a", 'odd "quotes"', "back\\slash"])
STANDINGS = st.builds(
    Standing, TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.sampled_from([(), ("P2",), ("P2", "P7")])
)
MOMENTS = st.none() | st.integers(0, 400_000).map(
    lambda hours: datetime(2015, 1, 1, tzinfo=WIB) + timedelta(hours=hours / 7)
)


@given(st.uuids(), st.uuids(), STANDINGS, MOMENTS)
def test_a_filled_template_equals_the_encoded_event(
    event_id: UUID, subject: UUID, standing: Standing, occurred_at: datetime | None
) -> None:
    person = Person(None, None, None, "", None, None, "", "import")
    event = Event(
        EventType.REGISTERED, None, Participant(subject, Status.REGISTERED, standing, 1, person), occurred_at
    )

    filled = EventTemplate("import").fill(
        str(event_id),
        str(subject),
        partition_of(subject),
        standing,
        occurred_at.isoformat() if occurred_at else None,
    )

    moment = datetime(2021, 10, 24, 12, 5, 1, 137, tzinfo=UTC)
    filled = filled.replace(TIME_PLACEHOLDER, f'"time":"{utc_text(moment)}"').replace(
        SEQUENCE_PLACEHOLDER, '"sequence":7,'
    )
    assert filled == number_event(EventDraft(event_id, event, "import"), 7, moment).value
