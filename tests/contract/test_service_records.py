"""What the services write is what the contract says, and what the contract says is what they read."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import msgspec
import pytest

from aggregator.domain import cut
from aggregator.domain.event import Event, QuarantineReason, read_event
from aggregator.publishing import minute_publisher, quarantine_outbox
from board.state.milestones import decode_crossing
from board.state.registration_rate import decode_minute
from cuts.records import decode_cut, decode_register_state
from notifier.domain.milestones import Crossing
from notifier.store import latches
from registration.audit import register_state
from registration.audit.lag import Lag
from registration.audit.tallies import Difference
from registration.domain import decide
from registration.domain.event import EventDraft, number_event
from registration.domain.participant import Participant, Person, Standing, Status
from tests.support.contract_documents import SAMPLES, faults, sample

NOW = datetime.datetime(2021, 10, 24, 12, 5, tzinfo=datetime.UTC)


def names(topic: str) -> list[str]:
    """The samples of a topic."""
    return [name for name in SAMPLES if name.startswith(f"{topic}/")]


def moment(text: str) -> datetime.datetime:
    """A moment of a sample."""
    return datetime.datetime.fromisoformat(text)


def plain(value: Any) -> Any:
    """A value as JSON has it, moments made comparable."""
    if isinstance(value, str):
        try:
            return moment(value).timestamp() if value.endswith("Z") else value
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


# --- participant-events ---


def person() -> Person:
    return Person(b"h", b"n", b"p", "key", "Peserta Contoh", None, "2026-01", "booth", occurred_at=NOW)


def participant(last: int, *steps: str) -> Participant:
    standing = Standing("31.71.01.1001", "ppkukm", "fest-2021", steps)
    return Participant(uuid.UUID(int=last), Status.REGISTERED, standing, 1, person())


COMMANDS: list[tuple[decide.Command, Participant | None]] = [
    (decide.RegisterCommand(uuid.UUID(int=1), Standing("31.71.01.1001"), person()), None),
    (decide.MoveCommand(id=uuid.UUID(int=1), region="31.74.04.1002", occurred_at=NOW), participant(1)),
    (decide.CompleteStepsCommand(id=uuid.UUID(int=1), steps=("P7", "P2")), participant(1, "P3")),
    (decide.CorrectCommand(id=uuid.UUID(int=1), standing={"agency": None}, person={}), participant(1)),
    (
        decide.CorrectCommand(id=uuid.UUID(int=1), standing={}, person={"name": "Peserta Lain"}),
        participant(1),
    ),
    (decide.WithdrawCommand(id=uuid.UUID(int=1)), participant(1, "P2")),
    (decide.MergeCommand(id=uuid.UUID(int=1), into=uuid.UUID(int=2)), participant(1, "P2")),
]


@pytest.mark.parametrize(("command", "before"), COMMANDS)
def test_every_command_of_the_register_leads_to_an_event_of_the_contract(
    command: decide.Command, before: Participant | None
) -> None:
    decision = decide.decide(command, before, participant(2, "P4"))

    assert not isinstance(decision, decide.Refused)
    for happened in decision:
        event = number_event(EventDraft(uuid.UUID(int=3), happened, "booth"), 7, NOW)
        assert faults("participant-event", json.loads(event.value)) == []
        assert isinstance(read_event(event.value.encode(), event.partition), Event)


@pytest.mark.parametrize("name", names("participant-events"))
def test_the_aggregator_reads_the_standings_of_an_event_in_its_partition_and_in_no_other(name: str) -> None:
    value, said = SAMPLES[name].read_bytes(), sample(name)

    event = read_event(value, said["partition"])

    assert isinstance(event, Event)
    assert (event.partition, event.sequence, event.time) == (
        said["partition"],
        said["sequence"],
        said["time"],
    )
    before, after = said["data"]["before"], said["data"]["after"]
    assert json.loads(msgspec.json.encode(event.data)) == {"before": before, "after": after}
    assert read_event(value, (said["partition"] + 1) % 12) is QuarantineReason.MISPLACED


# --- region-counts ---


def cut_of(said: dict[str, Any]) -> cut.Cut:
    head = cut.CutHead(
        set_id=1,
        generation=said["generation"],
        epoch=said["epoch"],
        positions=tuple(said["positions"]),
        gaps=tuple((gap["partition"], gap["expected"], gap["seen"]) for gap in said["gaps"]),
        quarantined=tuple((pair[0], pair[1]) for pair in said["quarantined"]),
        quarantined_total=said["quarantined_total"],
    )
    return cut.Cut(said["term"], said["cut"], moment(said["as_of"]), head)


@pytest.mark.parametrize("name", ["change", "heart-beat", "change-with-gap-and-quarantine"])
def test_the_aggregator_writes_a_change_as_the_contract_shows_it(name: str) -> None:
    said = sample(f"region-counts/v1/{name}.json")
    rows = [tuple(row) for row in said["rows"]]

    value = cut.write_change(cut_of(said), said["base"], said["full_offset"], rows)

    assert plain(json.loads(value)) == plain(said)


def test_the_aggregator_writes_a_full_in_parts_as_the_contract_shows_it() -> None:
    parts = [sample(f"region-counts/v1/full-{which}-of-two-parts.json") for which in ("first", "second")]
    rows = [tuple(row) for part in parts for row in part["rows"]]
    first_part = sum(len(msgspec.json.encode(row)) + 1 for row in parts[0]["rows"])

    values = cut.write_full(cut_of(parts[0]), -1, rows, cut.HEAD_BYTES + first_part)

    assert plain([json.loads(value) for value in values]) == plain(parts)


def test_the_aggregator_writes_an_empty_full_as_the_contract_shows_it() -> None:
    said = sample("region-counts/v1/full-empty.json")

    (value,) = cut.write_full(cut_of(said), -1, [])

    assert plain(json.loads(value)) == plain(said)


@pytest.mark.parametrize("name", names("region-counts"))
def test_readers_of_cuts_understand_every_field(name: str) -> None:
    said = sample(name)

    record = decode_cut(SAMPLES[name].read_bytes())

    assert plain(msgspec.to_builtins(record)) == plain({"part": 0, "parts": 1, **said})


# --- region-minutes ---


@pytest.mark.parametrize("name", names("region-minutes"))
def test_a_minute_is_written_and_read_as_the_contract_shows_it(name: str) -> None:
    said = sample(name)
    key = (moment(said["minute"]), said["scope"])

    value = minute_publisher._value(key, said["term"], [(row[0], row[1]) for row in said["rows"]])

    assert json.loads(value) == said
    assert minute_publisher._key(key).decode() == f"{said['scope']}|{said['minute']}"
    read = decode_minute(value)
    assert (read.scope, read.minute, read.term) == (said["scope"], key[0], said["term"])
    assert [[region, count] for region, count in read.rows] == said["rows"]


# --- register-state ---


@pytest.mark.parametrize("name", names("register-state"))
def test_the_registers_state_is_written_and_read_as_the_contract_shows_it(name: str) -> None:
    said = sample(name)
    audit = said["audit"] and register_state.AuditResult(
        **{**said["audit"], "differences": tuple(Difference(**one) for one in said["audit"]["differences"])}
    )
    register = register_state.RegisterSnapshot(
        moment(said["time"]),
        said["last_sequence"],
        said["published"],
        said["epoch"],
        said["refused"],
        said["relay_alive"],
    )

    value = register_state.encode(said["term"], register, audit, Lag(**said["lag"]), said["refused"])

    assert plain(json.loads(value)) == plain(said)
    assert plain(json.loads(msgspec.json.encode(decode_register_state(value)))) == plain(said)


# --- milestones and quarantine: the outbox puts the sequence in ---


@pytest.mark.parametrize("name", names("milestones"))
def test_a_milestone_is_written_and_read_as_the_contract_shows_it(name: str) -> None:
    said = sample(name)
    fields = {key: value for key, value in said.items() if key not in ("sequence", "state")}

    key, text = latches._record({**fields, "crossed_at": moment(said["crossed_at"])}, said["state"])

    value = text.replace("{sequence}", str(said["sequence"]))
    assert key == said["id"]
    assert plain(json.loads(value)) == plain(said)
    assert plain(json.loads(msgspec.json.encode(decode_crossing(value.encode())))) == plain(said)


def test_a_crossing_becomes_a_milestone_of_the_contract() -> None:
    crossing = Crossing(
        "all", "31", "target", "registered", 200_000, "ever", 2, 200_013, 200_013, "7.12", NOW
    )

    _, text = latches._milestone(crossing, NOW)

    assert faults("milestone", json.loads(text.replace("{sequence}", "1"))) == []


@pytest.mark.parametrize("name", names("participant-events-quarantine"))
def test_what_was_quarantined_is_told_as_the_contract_shows_it(name: str) -> None:
    said = sample(name)
    row = {**said, "kafka_offset": said["offset"], "at": moment(said["at"])}

    value = quarantine_outbox._value(row).replace("{sequence}", str(said["sequence"]))

    assert plain(json.loads(value)) == plain(said)
    assert quarantine_outbox._key(row) == f"{said['partition']}.{said['offset']}"


@pytest.mark.parametrize("reason", QuarantineReason)
def test_every_reason_of_the_aggregator_fits_the_contract(reason: QuarantineReason) -> None:
    said = sample("participant-events-quarantine/v1/quarantined.json")

    assert faults("quarantined", {**said, "reason": reason.value}) == []
