"""A small world: two participants, few commands; whatever comes, events add up to the standings."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.decide import (
    Command,
    CompleteStepsCommand,
    CorrectCommand,
    Event,
    EventType,
    MergeCommand,
    MoveCommand,
    Reason,
    Refused,
    RegisterCommand,
    WithdrawCommand,
    decide,
)
from registration.domain.participant import Participant, Person, Standing, Status

ONE, TWO = UUID(int=1), UUID(int=2)
NIKS = {ONE: b"1", TWO: b"2"}
A, B = "31.71.01.1001", "31.72.01.1001"


def person(participant_id: UUID) -> Person:
    return Person(NIKS[participant_id], b"n", None, "key", "Nama", None, "2026-01", "booth")


def registration(participant_id: UUID, region: str = A) -> RegisterCommand:
    return RegisterCommand(participant_id, Standing(region), person(participant_id))


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


def play(played: list[Command]) -> tuple[dict[UUID, Participant], list[Event]]:
    world: dict[UUID, Participant] = {}
    events: list[Event] = []
    for command in played:
        into = world.get(command.into) if isinstance(command, MergeCommand) else None
        decision = decide(command, world.get(command.id), into)
        if not isinstance(decision, Refused):
            for happened in decision:
                assert world.get(happened.after.id) == happened.before
                world[happened.after.id] = happened.after
                events.append(happened)
    return world, events


@given(st.lists(commands, max_size=8))
def test_adding_after_and_subtracting_before_gives_the_standings(played: list[Command]) -> None:
    world, events = play(played)

    counted: dict[str, int] = {}
    for happened in events:
        before = happened.before.counted if happened.before else None
        for standing, sign in ((before, -1), (happened.after.counted, 1)):
            if standing is not None:
                counted[standing.region] = counted.get(standing.region, 0) + sign
    expected: dict[str, int] = {}
    for participant in world.values():
        if participant.status is Status.REGISTERED:
            expected[participant.standing.region] = expected.get(participant.standing.region, 0) + 1
    assert {region: count for region, count in counted.items() if count} == expected


@given(st.lists(commands, max_size=8))
def test_revisions_of_a_participant_rise_by_one_with_each_event(played: list[Command]) -> None:
    _, events = play(played)

    for participant_id in (ONE, TWO):
        revisions = [event.after.revision for event in events if event.after.id == participant_id]
        assert revisions == list(range(1, len(revisions) + 1))


@given(st.lists(commands, max_size=8))
def test_a_merge_gives_two_events_and_loses_no_step(played: list[Command]) -> None:
    _, events = play(played)

    merges = [event for event in events if event.type is EventType.MERGED]
    assert len(merges) % 2 == 0
    for given_up, kept in zip(merges[::2], merges[1::2], strict=True):
        assert given_up.before is not None
        assert kept.before is not None
        assert given_up.after.counted is None
        assert given_up.after.merged_into == kept.after.id
        union = {*given_up.before.standing.steps, *kept.before.standing.steps}
        assert kept.after.standing.steps == tuple(sorted(union))


def test_a_registered_nik_registers_no_second_time() -> None:
    assert decide(registration(ONE), registered()) == Refused(Reason.DUPLICATE)


def test_after_a_withdrawal_the_same_participant_registers_again_with_nothing_before() -> None:
    withdrawn = decide(WithdrawCommand(id=ONE), registered())
    assert not isinstance(withdrawn, Refused)

    again = decide(RegisterCommand(TWO, Standing(B), person(ONE)), withdrawn[0].after)

    assert not isinstance(again, Refused)
    (event,) = again
    assert event.after.id == ONE
    assert event.after.revision == 3
    assert event.before is not None
    assert event.before.counted is None
    assert event.after.counted == Standing(B)


def test_a_second_withdrawal_is_refused() -> None:
    withdrawn = decide(WithdrawCommand(id=ONE), registered())
    assert not isinstance(withdrawn, Refused)

    assert decide(WithdrawCommand(id=ONE), withdrawn[0].after) == Refused(Reason.WITHDRAWN)


def test_a_stale_revision_is_refused_and_the_current_one_is_not() -> None:
    assert decide(MoveCommand(id=ONE, region=B, expected=2), registered()) == Refused(Reason.STALE)
    assert not isinstance(decide(MoveCommand(id=ONE, region=B, expected=1), registered()), Refused)


def test_what_would_change_nothing_is_refused() -> None:
    assert decide(MoveCommand(id=ONE, region=A), registered()) == Refused(Reason.SAME_REGION)
    correction = CorrectCommand(id=ONE, standing={"region": A}, person={"name": "Nama"})
    assert decide(correction, registered()) == Refused(Reason.NOTHING_CORRECTED)
    done = registered(standing=Standing(A, steps=("P2",)))
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


def test_of_an_erased_participant_the_standing_can_change_but_no_name_comes_back() -> None:
    erased = registered(person=Person(None, None, None, "key", None, None, "2026-01", "booth"))

    refused = decide(CorrectCommand(id=ONE, standing={}, person={"name": "Nama"}), erased)

    assert refused == Refused(Reason.ERASED)
    assert not isinstance(decide(WithdrawCommand(id=ONE), erased), Refused)
