"""Two runs of the same operations give the same lines; a changed field, a repeat or a gap is visible."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.surface.database_schema import cleaned
from checks.surface.operation_series import EVERYBODY, Series, import_file, nik
from checks.surface.placeholders import replaced
from checks.surface.record_normalization import PARTITIONS, Record, events, lines_of, partition_of
from tests.support.contract_documents import SCHEMA_OF_TOPIC, samples_of

ONE, OTHER = "017cb230-91e0-71c5-82ab-94d07c3f5e18", "017cb230-9a82-70e2-87fc-a1b4c8d03357"


def event(subject: str, sequence: int, revision: int = 1, **changed: Any) -> Record:
    """Return the record of an event in the right partition for its participant `subject`."""
    value = {
        "id": "017cba93-82ac-7e7f-86c0-11776e8db7cd",
        "subject": subject,
        "time": "2021-10-24T12:05:00.137001Z",
        "partition": partition_of(subject),
        "sequence": sequence,
        "data": {"revision": revision, "occurred_at": "2021-10-24T19:04:58+07:00"},
    }
    return Record(partition_of(subject), sequence - 1, subject, json.dumps({**value, **changed}))


def shown(*records: Record, name: str = "somebody") -> list[Any]:
    subjects = [json.loads(record.value or "").get("subject") for record in records]
    return [json.loads(line) for line in events(records, dict.fromkeys(subjects, name))]


def test_the_line_of_an_event_does_not_depend_on_id_partition_and_time() -> None:
    later: dict[str, Any] = {
        "id": "017d223a-225c-74a4-84dc-15364204a80f",
        "time": "2021-11-15T06:12:55.004002Z",
    }

    assert partition_of(ONE) != partition_of(OTHER)
    assert shown(event(ONE, 1)) == shown(event(OTHER, 1, **later))


def test_a_time_that_the_client_sent_stays() -> None:
    (line,) = shown(event(ONE, 1))

    assert line["value"]["data"]["occurred_at"] == "2021-10-24T19:04:58+07:00"


@pytest.mark.parametrize(
    "changed", [{"time": "2021-10-24T12:05:00Z"}, {"source": "/x"}, {"partition": 11}, {"id": "1"}]
)
def test_a_different_field_or_precision_gives_a_different_line(changed: dict[str, Any]) -> None:
    assert shown(event(ONE, 1)) != shown(event(ONE, 1, **changed))


def test_a_repeated_record_is_shown_once_and_a_different_one_with_its_sequence_as_a_repeat() -> None:
    lines = shown(event(ONE, 1), event(ONE, 1), event(ONE, 1, revision=2))

    assert [line["value"]["sequence"] for line in lines] == ["<next>", "<repeat>"]


def test_a_gap_between_sequences_is_shown() -> None:
    lines = shown(event(ONE, 1), event(ONE, 3, revision=2))

    assert [line["value"]["sequence"] for line in lines] == ["<next>", "<gap>"]


def test_an_event_outside_its_participants_partition_is_shown() -> None:
    correct = event(ONE, 1)
    misplaced = Record((correct.partition + 1) % PARTITIONS, 0, correct.key, correct.value)

    (line,) = shown(misplaced)

    assert line["partition"] == "<wrong>"
    assert line["value"]["partition"] == correct.partition


def test_events_are_listed_by_participant_and_revision() -> None:
    records = [event(OTHER, 1), event(ONE, 1), event(ONE, 2, revision=2)]

    lines = [json.loads(line) for line in events(records, {ONE: "participant 01", OTHER: "participant 02"})]

    assert [(line["key"], line["value"]["data"]["revision"]) for line in lines] == [
        ("<participant 01>", 1),
        ("<participant 01>", 2),
        ("<participant 02>", 1),
    ]


def test_a_record_that_is_no_event_is_shown_unchanged() -> None:
    (line,) = events([Record(0, 0, None, "no event")], {})

    assert json.loads(line)["value"] == "no event"


def test_only_the_last_full_and_the_last_change_of_the_cuts_are_shown() -> None:
    full = {
        "cut": 3,
        "term": 7,
        "kind": "full",
        "base": None,
        "positions": [1, 2],
        "next_offsets": [1, 2],
        "quarantined_ranges": [[1, 4, 4]],
        "full_offset": -1,
        "rows": [["b", 2], ["a", 1]],
        "part": 0,
        "parts": 2,
    }
    beat = {**full, "kind": "change", "base": 3, "rows": [], "full_offset": 5}
    values = [{**full, "cut": 2, "parts": 1}, beat, full, {**full, "part": 1}, beat]
    records = [Record(0, offset, None, json.dumps(value)) for offset, value in enumerate(values)]

    lines = [json.loads(line)["value"] for line in lines_of("region-counts", records, {})]

    assert [(line["kind"], line["part"]) for line in lines] == [("full", 0), ("full", 1), ("change", 0)]
    assert lines[0]["rows"] == [["a", 1], ["b", 2]]
    assert (lines[0]["positions"], lines[0]["base"], lines[2]["base"]) == (
        "<3 in 2 partitions>",
        None,
        "<cut>",
    )


def test_minutes_are_summed_and_only_the_newest_record_of_each_counts() -> None:
    def minute(number: int, count: int, **more: int) -> Record:
        moment = f"2021-10-24T12:0{number}:00Z"
        rows = [["31", count], *([region, n] for region, n in more.items())]
        value = {"scope": "all", "minute": moment, "term": 1, "rows": rows}
        return Record(0, 0, f"all|{moment}", json.dumps(value))

    split = list(
        lines_of("region-minutes", [minute(1, 1), minute(1, 2), minute(2, 3, x=1), minute(3, 0, x=-1)], {})
    )
    whole = list(lines_of("region-minutes", [minute(9, 5)], {}))

    assert split == whole


@pytest.mark.parametrize("topic", sorted(SCHEMA_OF_TOPIC))
def test_the_lines_of_the_contracts_samples_contain_no_id_and_no_time(topic: str) -> None:
    values = samples_of(topic)
    records = [Record(0, number, "key", json.dumps(value)) for number, value in enumerate(values)]

    text = "\n".join(lines_of(topic, records, {}))

    assert text
    assert 'Z"' not in text
    assert "017c" not in text


def test_a_derived_id_stays() -> None:
    derived, random = "27e806d0-295c-51eb-96dc-a13efc6899c6", "27e806d0-295c-41eb-96dc-a13efc6899c6"

    assert replaced([derived, random], {}) == [derived, "<id of version 4>"]


def test_a_topic_without_special_rules_is_shown_in_topic_order() -> None:
    records = [Record(0, 0, ONE, '{"at": "2021-10-24T12:05:00Z"}'), Record(0, 1, None, None)]

    lines = [json.loads(line) for line in lines_of("new", records, {ONE: "somebody"})]

    assert [(line["key"], line["value"]) for line in lines] == [
        ("<somebody>", {"at": "<time>"}),
        (None, None),
    ]


def test_comments_and_the_random_key_of_a_dump_are_left_out() -> None:
    dump = (
        "--\n-- Dumped by 18.1\n\n\\restrict abc\nCREATE TABLE a (\n    b text -- c\n);\n\\unrestrict abc\n"
    )

    assert cleaned(dump) == "CREATE TABLE a (\n    b text -- c\n);\n"


def test_the_series_is_the_same_in_every_run() -> None:
    assert list(Series().steps()) == list(Series().steps())


def test_every_person_is_synthetic_and_three_are_in_the_import_file() -> None:
    numbers = {nik(person) for person in EVERYBODY}

    assert len(numbers) == len(EVERYBODY)
    assert all(number.startswith("3199") and len(number) == 16 for number in numbers)
    assert sum(number in import_file() for number in numbers) == 3
