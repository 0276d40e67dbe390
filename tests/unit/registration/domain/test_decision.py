"""For any commands on two participants, the sum of their events equals the participants' standings."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.commands import (
    Command,
    CompleteStepsCommand,
    CorrectCommand,
    MergeCommand,
    MoveCommand,
    RegisterCommand,
    WithdrawCommand,
)
from registration.domain.decision import Event, EventType, Reason, Refused, decide
from registration.domain.participant import PUBLIC_CHANNEL, Participant, Person, Standing, Status

ONE, TWO = UUID(int=1), UUID(int=2)
NIKS = {ONE: b"1", TWO: b"2"}
A, B = "31.71.01.1001", "31.72.01.1001"


def person(participant_id: UUID) -> Person:
    return Person(NIKS[participant_id], b"n", None, "key", "Nama", None, "2026-01", "booth")


def registration(participant_id: UUID, region: str = A) -> RegisterCommand:
    return RegisterCommand(participant_id, Standing(region, None, None, ()), person(participant_id))


def registered(participant_id: UUID = ONE, **changed: object) -> Participant:
    decision = decide(registration(participant_id), None)
    assert not isinstance(decision, Refused)
    return msgspec.structs.replace(decision[0].after, **changed)


ids = st.sampled_from((ONE, TWO))
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(registration, ids, st.sampled_from((A, B))),
    st.builds(lambda i, r: MoveCommand(id=i, region=r), ids, st.sampled_from((A, B))),
    st.builds(lambda i, s: CompleteStepsCommand(id=i, steps=(s,)), ids, st.sampled_from(("P2", "P3"))),
    st.builds(
        lambda i, c: CorrectCommand(id=i, standing={"campaign": c}, person={}),
        ids,
        st.sampled_from((None, "c")),
    ),
    st.builds(lambda i: WithdrawCommand(id=i), ids),
    st.builds(lambda i, o: MergeCommand(id=i, into=o), ids, ids),
)


def play(sequence: list[Command]) -> tuple[dict[UUID, Participant], list[Event]]:
    participants: dict[UUID, Participant] = {}
    events: list[Event] = []
    for command in sequence:
        into = participants.get(command.into) if isinstance(command, MergeCommand) else None
        decision = decide(command, participants.get(command.id), into)
        if not isinstance(decision, Refused):
            for event in decision:
                assert participants.get(event.after.id) == event.before
                participants[event.after.id] = event.after
                events.append(event)
    return participants, events


@given(st.lists(commands, max_size=8))
def test_adding_after_and_subtracting_before_gives_the_standings(sequence: list[Command]) -> None:
    participants, events = play(sequence)

    counted: dict[str, int] = {}
    for event in events:
        before = event.before.counted_standing if event.before else None
        for standing, sign in ((before, -1), (event.after.counted_standing, 1)):
            if standing is not None:
                counted[standing.region] = counted.get(standing.region, 0) + sign
    expected: dict[str, int] = {}
    for participant in participants.values():
        if participant.status is Status.REGISTERED:
            expected[participant.standing.region] = expected.get(participant.standing.region, 0) + 1
    assert {region: count for region, count in counted.items() if count} == expected


@given(st.lists(commands, max_size=8))
def test_revisions_of_a_participant_rise_by_one_with_each_event(sequence: list[Command]) -> None:
    _, events = play(sequence)

    for participant_id in (ONE, TWO):
        revisions = [event.after.revision for event in events if event.after.id == participant_id]
        assert revisions == list(range(1, len(revisions) + 1))


@given(st.lists(commands, max_size=8))
def test_a_merge_gives_two_events_and_loses_no_step(sequence: list[Command]) -> None:
    _, events = play(sequence)

    merges = [event for event in events if event.type is EventType.MERGED]
    assert len(merges) % 2 == 0
    for merged, kept in zip(merges[::2], merges[1::2], strict=True):
        assert merged.before is not None
        assert kept.before is not None
        assert merged.after.counted_standing is None
        assert merged.after.merged_into == kept.after.id
        union = {*merged.before.standing.steps, *kept.before.standing.steps}
        assert kept.after.standing.steps == tuple(sorted(union))


def test_a_registered_nik_cannot_register_again() -> None:
    assert decide(registration(ONE), registered()) == Refused(Reason.DUPLICATE)


def test_a_withdrawn_participant_registers_again_under_the_same_id_with_no_standing_before() -> None:
    withdrawn = decide(WithdrawCommand(id=ONE), registered())
    assert not isinstance(withdrawn, Refused)

    again = decide(RegisterCommand(TWO, Standing(B, None, None, ()), person(ONE)), withdrawn[0].after)

    assert not isinstance(again, Refused)
    (event,) = again
    assert event.after.id == ONE
    assert event.after.revision == 3
    assert event.before is not None
    assert event.before.counted_standing is None
    assert event.after.counted_standing == Standing(B, None, None, ())


def test_a_public_registration_brings_no_withdrawn_participant_back() -> None:
    withdrawn = decide(WithdrawCommand(id=ONE), registered())
    assert not isinstance(withdrawn, Refused)
    public = msgspec.structs.replace(person(ONE), channel=PUBLIC_CHANNEL)

    again = decide(RegisterCommand(TWO, Standing(B, None, None, ()), public), withdrawn[0].after)

    assert again == decide(RegisterCommand(TWO, Standing(B, None, None, ()), public), registered())
    assert again == Refused(Reason.DUPLICATE)


def test_a_second_withdrawal_is_refused() -> None:
    withdrawn = decide(WithdrawCommand(id=ONE), registered())
    assert not isinstance(withdrawn, Refused)

    assert decide(WithdrawCommand(id=ONE), withdrawn[0].after) == Refused(Reason.WITHDRAWN)


def test_a_stale_revision_is_refused_and_the_current_revision_is_accepted() -> None:
    assert decide(MoveCommand(id=ONE, region=B, expected_revision=2), registered()) == Refused(Reason.STALE)
    assert not isinstance(decide(MoveCommand(id=ONE, region=B, expected_revision=1), registered()), Refused)


def test_a_command_that_changes_nothing_is_refused() -> None:
    assert decide(MoveCommand(id=ONE, region=A), registered()) == Refused(Reason.SAME_REGION)
    correction = CorrectCommand(id=ONE, standing={"region": A}, person={"name": "Nama"})
    assert decide(correction, registered()) == Refused(Reason.NOTHING_CORRECTED)
    done = registered(standing=Standing(A, None, None, ("P2",)))
    assert decide(CompleteStepsCommand(id=ONE, steps=("P2",)), done) == Refused(Reason.STEP_COMPLETED)


def test_an_unknown_participant_can_only_register() -> None:
    assert decide(WithdrawCommand(id=ONE), None) == Refused(Reason.UNKNOWN)


def test_a_merge_needs_another_registered_participant() -> None:
    withdrawn = decide(WithdrawCommand(id=TWO), registered(TWO))
    assert not isinstance(withdrawn, Refused)

    assert decide(MergeCommand(id=ONE, into=ONE), registered(), registered()) == Refused(
        Reason.MERGE_WITH_ITSELF
    )
    assert decide(MergeCommand(id=ONE, into=TWO), registered(), None) == Refused(Reason.MERGE_UNKNOWN)
    refused = decide(MergeCommand(id=ONE, into=TWO), registered(), withdrawn[0].after)
    assert refused == Refused(Reason.MERGE_NOT_REGISTERED)
