import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.cloud_event import EventDraft, number_event, utc_text, valid_traceparent
from registration.domain.decision import Event, EventType
from registration.domain.participant import Participant, Person, Standing, Status
from registration.domain.participant_partition import PARTITIONS, partition_of

SAMPLES = Path(__file__).parents[4] / "contract" / "samples" / "participant-events" / "v1"
PERSON = Person(b"hmac", b"nik", b"phone", "key", "Peserta Contoh", '{"name":"Warung"}', "2026-01", "booth")


def participant(sample: dict[str, object], standing: dict[str, object] | None, revision: int) -> Participant:
    counted = standing or {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": []}
    return Participant(
        UUID(str(sample["subject"])),
        Status.REGISTERED if standing is not None else Status.WITHDRAWN,
        msgspec.convert(counted, Standing),
        revision,
        PERSON,
    )


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_matches_the_sample_of_the_contract(path: Path) -> None:
    sample = json.loads(path.read_text())
    data = sample["data"]
    occurred = data["occurred_at"] and datetime.fromisoformat(data["occurred_at"])
    change = Event(
        EventType(sample["type"]),
        participant(sample, data["before"], data["revision"] - 1) if data["revision"] > 1 else None,
        participant(sample, data["after"], data["revision"]),
        occurred,
    )

    event = number_event(
        EventDraft(UUID(sample["id"]), change, data["channel"], sample.get("traceparent")),
        sample["sequence"],
        datetime.fromisoformat(sample["time"]),
    )

    value = json.loads(event.value)
    assert datetime.fromisoformat(value.pop("time")) == datetime.fromisoformat(sample.pop("time"))
    assert value == sample
    assert list(value) == list(sample)
    assert event.partition == sample["partition"] == partition_of(event.participant_id)


def test_an_event_holds_no_personal_data() -> None:
    state = Participant(UUID(int=7), Status.REGISTERED, Standing("31.71.01.1001", None, None, ()), 1, PERSON)
    change = Event(EventType.REGISTERED, None, state, None)

    value = number_event(EventDraft(UUID(int=1), change, "booth"), 1, datetime.now(UTC)).value

    for personal in ("Contoh", "Warung", "hmac", "phone", "2026-01"):
        assert personal not in value


@given(st.uuids())
def test_the_partition_is_the_last_four_bytes_modulo_twelve(participant_id: UUID) -> None:
    assert partition_of(participant_id) == int.from_bytes(participant_id.bytes[-4:], "big") % 12 < PARTITIONS


@given(st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=7))))))
def test_a_time_is_written_in_utc_and_denotes_the_same_instant(moment: datetime) -> None:
    if not datetime.min.replace(tzinfo=UTC) + timedelta(days=1) < moment:
        return
    text = utc_text(moment)

    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00-0-0-0",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"01-{'a' * 32}-{'b' * 16}-01",
    ],
)
def test_an_invalid_trace_context_is_dropped(header: str | None) -> None:
    assert valid_traceparent(header) is None


def test_a_valid_trace_context_is_kept_unchanged() -> None:
    header = f"00-{'a' * 32}-{'b' * 16}-01"

    assert valid_traceparent(header) == header
