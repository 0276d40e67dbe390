"""The services write records that the contract's schemas accept, and can read the contract's samples."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import msgspec
import pytest

from aggregator.domain import cut_record
from aggregator.domain.event import Event, QuarantineReason, read_event
from aggregator.domain.minute_record import MINUTE, KeptCut, write_minutes
from aggregator.publishing import minute_publisher
from board.state.day_growth import decode_day
from board.state.milestones import decode_milestone
from board.state.next_threshold import MilestoneRules
from board.state.registration_rate import decode_minute
from cuts.records import decode_cut, decode_register_state
from notifier.domain.milestones import Crossing
from notifier.domain.published_rules import published_rules
from notifier.domain.rules import At, Every, PercentOfTarget, Rule
from notifier.store import latches
from registration.audit import register_days_record, register_state_record
from registration.audit.day_start import DayStart
from registration.audit.lag import Lag
from registration.audit.tallies import Difference
from registration.domain import commands
from registration.domain import decision as decide
from registration.domain.cloud_event import EventDraft, number_event
from registration.domain.participant import Participant, Person, Standing, Status
from tests.support.contract_documents import RULES_SAMPLE, SAMPLES, faults, sample

NOW = datetime.datetime(2021, 10, 24, 12, 5, tzinfo=datetime.UTC)


def names(topic: str) -> list[str]:
    """Return the names of a topic's samples."""
    return [name for name in SAMPLES if name.startswith(f"{topic}/")]


def parse_time(text: str) -> datetime.datetime:
    """Parse a timestamp of a sample."""
    return datetime.datetime.fromisoformat(text)


def comparable(value: Any) -> Any:
    """Convert a value to JSON's types, with timestamps as numbers, so that equal times compare equal."""
    if isinstance(value, str):
        try:
            return parse_time(value).timestamp() if value.endswith("Z") else value
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(inner) for inner in value]
    return value


# --- participant-events ---


def person() -> Person:
    return Person(b"h", b"n", b"p", "key", "Peserta Contoh", None, "2026-01", "booth", occurred_at=NOW)


def participant(last: int, *steps: str) -> Participant:
    standing = Standing("31.71.01.1001", "ppkukm", "fest-2021", steps)
    return Participant(uuid.UUID(int=last), Status.REGISTERED, standing, 1, person())


COMMANDS: list[tuple[commands.Command, Participant | None]] = [
    (commands.RegisterCommand(uuid.UUID(int=1), Standing("31.71.01.1001", None, None, ()), person()), None),
    (commands.MoveCommand(id=uuid.UUID(int=1), region="31.74.04.1002", occurred_at=NOW), participant(1)),
    (commands.CompleteStepsCommand(id=uuid.UUID(int=1), steps=("P7", "P2")), participant(1, "P3")),
    (commands.CorrectCommand(id=uuid.UUID(int=1), standing={"agency": None}, person={}), participant(1)),
    (
        commands.CorrectCommand(id=uuid.UUID(int=1), standing={}, person={"name": "Peserta Lain"}),
        participant(1),
    ),
    (commands.WithdrawCommand(id=uuid.UUID(int=1)), participant(1, "P2")),
    (commands.MergeCommand(id=uuid.UUID(int=1), into=uuid.UUID(int=2)), participant(1, "P2")),
]


@pytest.mark.parametrize(("command", "before"), COMMANDS)
def test_every_command_of_the_register_creates_valid_events(
    command: commands.Command, before: Participant | None
) -> None:
    decision = decide.decide(command, before, participant(2, "P4"))

    assert not isinstance(decision, decide.Refused)
    for change in decision:
        event = number_event(EventDraft(uuid.UUID(int=3), change, "booth"), 7, NOW)
        assert faults("participant-event", json.loads(event.value)) == []
        assert isinstance(read_event(event.value.encode(), event.partition), Event)


@pytest.mark.parametrize("name", names("participant-events"))
def test_the_aggregator_reads_an_event_in_its_partition_and_rejects_it_in_another(name: str) -> None:
    value, expected = SAMPLES[name].read_bytes(), sample(name)

    event = read_event(value, expected["partition"])

    assert isinstance(event, Event)
    assert (event.partition, event.sequence) == (expected["partition"], expected["sequence"])
    before, after = expected["data"]["before"], expected["data"]["after"]
    assert json.loads(msgspec.json.encode(event.data)) == {"before": before, "after": after}
    assert read_event(value, (expected["partition"] + 1) % 12) is QuarantineReason.MISPLACED


# --- region-counts ---


def cut_of(expected: dict[str, Any]) -> cut_record.Cut:
    head = cut_record.CutHead(
        set_id=1,
        generation=expected["generation"],
        epoch=expected["epoch"],
        positions=tuple(expected["positions"]),
        gaps=tuple((gap["partition"], gap["expected"], gap["seen"]) for gap in expected["gaps"]),
        next_offsets=tuple(expected["next_offsets"]),
    )
    return cut_record.Cut(
        expected["term"],
        expected["cut"],
        parse_time(expected["as_of"]),
        head,
        expected["quarantined_total"],
        expected["ignored"],
    )


def content_of(*records: dict[str, Any]) -> cut_record.CutContent:
    return cut_record.CutContent(
        [tuple(span) for record in records for span in record["quarantined_ranges"]],
        [tuple(row) for record in records for row in record["rows"]],
        [tuple(peak) for record in records for peak in record.get("peaks", ())],
    )


@pytest.mark.parametrize("name", ["change", "heart-beat", "change-with-gap-and-quarantine"])
def test_the_aggregator_writes_a_change_like_the_sample(name: str) -> None:
    expected = sample(f"region-counts/v1/{name}.json")

    value = cut_record.write_change(
        cut_of(expected), expected["base"], expected["full_offset"], content_of(expected)
    )

    assert comparable(json.loads(value)) == comparable(expected)


def test_the_aggregator_writes_a_full_in_parts_like_the_samples() -> None:
    parts = [sample(f"region-counts/v1/full-{which}-of-two-parts.json") for which in ("first", "second")]
    in_first_part = [*parts[0]["quarantined_ranges"], *parts[0]["rows"]]
    first_part = sum(len(msgspec.json.encode(item)) + 1 for item in in_first_part)

    values = cut_record.write_full(
        cut_of(parts[0]), -1, content_of(*parts), cut_record.HEAD_BYTES + first_part
    )

    assert comparable([json.loads(value) for value in values]) == comparable(parts)


def test_the_aggregator_writes_an_empty_full_like_the_sample() -> None:
    expected = sample("region-counts/v1/full-empty.json")

    (value,) = cut_record.write_full(cut_of(expected), -1, content_of(expected))

    assert comparable(json.loads(value)) == comparable(expected)


@pytest.mark.parametrize("name", names("region-counts"))
def test_the_reader_of_cuts_decodes_every_field(name: str) -> None:
    expected = sample(name)

    record = decode_cut(SAMPLES[name].read_bytes())

    assert comparable(msgspec.to_builtins(record)) == comparable(
        {"peaks": [], "part": 0, "parts": 1, **expected}
    )


# --- region-minutes ---


def kept_cut(minute: str, expected: dict[str, Any], *, is_former: bool, late: bool) -> KeptCut:
    ends_at = parse_time(minute) + (datetime.timedelta() if is_former else MINUTE)
    return KeptCut(
        ends_at,
        expected["cut"],
        parse_time(expected["as_of"]),
        expected["generation"],
        expected["epoch"],
        tuple(expected["positions"]),
        behind=is_former and late,
    )


@pytest.mark.parametrize("name", names("region-minutes"))
def test_a_minute_is_read_like_the_sample(name: str) -> None:
    expected = sample(name)

    read = decode_minute(SAMPLES[name].read_bytes())

    assert (read.scope, read.term, read.late) == (
        expected["scope"],
        expected["term"],
        expected.get("late", False),
    )
    assert read.minute == parse_time(expected["minute"])
    assert [[region, count] for region, count in read.rows] == expected["rows"]


@pytest.mark.parametrize("name", [name for name in names("region-minutes") if "from" in sample(name)])
def test_a_minute_is_written_like_the_sample(name: str) -> None:
    expected = sample(name)
    scope, minute = expected["scope"], expected["minute"]
    since = kept_cut(minute, expected["from"], is_former=True, late=expected["late"])
    upto = kept_cut(minute, expected["to"], is_former=False, late=False)

    values = write_minutes(
        expected["term"], since, upto, [(scope, region, count) for region, count in expected["rows"]]
    )

    assert json.loads(values[scope]) == expected
    assert list(values)[-1] == "all"
    assert minute_publisher._key(parse_time(minute), scope).decode() == f"{scope}|{minute}"


# --- register-state ---


@pytest.mark.parametrize("name", names("register-state"))
def test_the_registers_state_is_written_and_read_like_the_sample(name: str) -> None:
    expected = sample(name)
    audit = expected["audit"] and register_state_record.AuditResult(
        **{
            **expected["audit"],
            "differences": tuple(Difference(**difference) for difference in expected["audit"]["differences"]),
        }
    )
    growth = expected["growth_audit"] and register_state_record.GrowthAudit(**expected["growth_audit"])
    register = register_state_record.RegisterSnapshot(
        parse_time(expected["time"]),
        expected["last_sequence"],
        expected["published"],
        expected["epoch"],
        expected["refused"],
        expected["relay_alive"],
    )

    value = register_state_record.encode(
        expected["term"],
        register,
        (register_state_record.AuditState(expected["audit_outcome"], audit), growth),
        Lag(expected["lag"]["events"], expected["lag"]["standing_s"]),
        expected["refused"],
    )

    assert comparable(json.loads(value)) == comparable(expected)
    assert comparable(json.loads(msgspec.json.encode(decode_register_state(value)))) == comparable(expected)


# --- register-days ---


@pytest.mark.parametrize("name", names("register-days"))
def test_the_start_of_a_day_is_written_and_read_like_the_sample(name: str) -> None:
    expected = sample(name)
    counts = {(expected["scope"], region, "registered"): count for region, count in expected["rows"]}
    start = DayStart(datetime.date.fromisoformat(expected["day"]), expected["epoch"], counts)

    (record,) = register_days_record.day_records(expected["term"], start)

    assert record.value is not None
    assert (record.key, json.loads(record.value)) == (expected["scope"].encode(), expected)
    assert json.loads(msgspec.json.encode(decode_day(record.value))) == expected


# --- milestones: the outbox fills in the sequence ---


@pytest.mark.parametrize("name", [name for name in names("milestones") if name != RULES_SAMPLE])
def test_a_milestone_is_written_and_read_like_the_sample(name: str) -> None:
    expected = sample(name)
    fields = {key: value for key, value in expected.items() if key not in ("sequence", "state")}

    key, text = latches._topic_record(
        {**fields, "crossed_at": parse_time(expected["crossed_at"])}, expected["state"]
    )

    value = text.replace("{sequence}", str(expected["sequence"]))
    assert key == expected["id"]
    assert comparable(json.loads(value)) == comparable(expected)
    assert comparable(json.loads(msgspec.json.encode(decode_milestone(value.encode())))) == comparable(
        expected
    )


def test_the_rules_are_published_and_read_like_the_sample() -> None:
    expected = sample(RULES_SAMPLE)
    rules = (
        Rule("province-steps", "all", "registered", Every(10_000, 200_000), regions=frozenset({"31"})),
        Rule("cities", "all", "registered", PercentOfTarget((50, 100)), level="city"),
        Rule("cities", "all", "registered", At((10_000, 20_000)), level="city"),
    )

    published = published_rules(rules, {("all", "31.71", "registered"): 3, ("all", "31", "registered"): 9})

    of_target = {**expected["rules"][1], "regions": ["31.71"], "at": [2, 3]}
    del of_target["level"]
    assert published == [expected["rules"][0], of_target, expected["rules"][1]]
    assert faults("milestone-rules", {**expected, "rules": published}) == []
    read = decode_milestone(SAMPLES[RULES_SAMPLE].read_bytes())
    assert isinstance(read, MilestoneRules)
    assert [(rule.every, rule.above, rule.at) for rule in read.rules] == [
        (10_000, 200_000, ()),
        (None, 0, (10_000, 20_000)),
    ]


def test_a_crossing_becomes_a_valid_milestone() -> None:
    crossing = Crossing(
        "all", "31", "target", "registered", 200_000, "ever", 2, 200_013, 200_013, "7.12", NOW
    )

    _, text = latches._crossing_record(crossing, NOW)

    assert faults("milestone", json.loads(text.replace("{sequence}", "1"))) == []
