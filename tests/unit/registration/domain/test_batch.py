"""A batch in a small world gives what its operations would give one by one, each after the other."""

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registration.domain.batch import KnownParticipants, apply, ids_needed
from registration.domain.decide import MoveCommand, Reason, RegisterCommand, WithdrawCommand
from registration.domain.operation import DONE, Operation
from registration.domain.participant import Participant, Person, Standing, Status

A, B = "31.71.01.1001", "31.72.01.1001"
NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
KNOWN = UUID(int=100)


def person(nik: bytes) -> Person:
    return Person(nik, b"n", None, "key", "Nama", None, "2026-01", "booth")


def known(status: Status = Status.REGISTERED) -> Participant:
    return Participant(KNOWN, status, Standing(A), 3, person(b"known"))


def operation(number: int, command: RegisterCommand | MoveCommand | WithdrawCommand) -> Operation:
    return Operation("caller", "route", f"key-{number}", b"body", command, "booth")


wishes = st.lists(
    st.one_of(
        st.sampled_from((b"new-1", b"new-2", b"known")).map(lambda nik: ("register", nik)),
        st.sampled_from((A, B)).map(lambda region: ("move", region)),
        st.just(("withdraw", b"")),
    ),
    max_size=7,
)


def operations_of(wished: list[tuple[str, object]]) -> list[Operation]:
    commands: list[RegisterCommand | MoveCommand | WithdrawCommand] = []
    for number, (kind, value) in enumerate(wished):
        if kind == "register":
            assert isinstance(value, bytes)
            commands.append(RegisterCommand(UUID(int=number), Standing(B), person(value)))
        elif kind == "move":
            commands.append(MoveCommand(id=KNOWN, region=str(value)))
        else:
            commands.append(WithdrawCommand(id=KNOWN))
    return [operation(number, command) for number, command in enumerate(commands)]


@given(wishes, st.sampled_from((Status.REGISTERED, Status.WITHDRAWN)))
def test_a_batch_gives_what_its_operations_give_one_by_one(
    wished: list[tuple[str, object]], status: Status
) -> None:
    operations = operations_of(wished)

    numbers, alone_numbers = count(1000), count(1000)
    whole = apply(operations, KnownParticipants([known(status)]), lambda: UUID(int=next(numbers)))

    world = KnownParticipants([known(status)])
    alone = [apply([each], world, lambda: UUID(int=next(alone_numbers))) for each in operations]
    assert whole.told == [told for each in alone for told in each.told]
    assert whole.drafts == [draft for each in alone for draft in each.drafts]


@given(wishes)
def test_newcomers_are_those_whom_a_batch_registers_where_nobody_is_known(
    wished: list[tuple[str, object]],
) -> None:
    operations = operations_of(wished)

    applied = apply(operations, KnownParticipants([]), lambda: UUID(int=1))

    new = {each.command.person.nik_hmac for each in operations if isinstance(each.command, RegisterCommand)}
    assert set(applied.newcomers()) == new
    assert [outcome for outcome, *_ in applied.told].count(DONE) == len(new)


@given(wishes)
def test_all_of_a_batch_are_new_where_each_is_a_registration_of_another_person(
    wished: list[tuple[str, object]],
) -> None:
    operations = operations_of(wished)

    all_new = apply(operations, KnownParticipants([]), lambda: UUID(int=1)).all_new

    niks = [each.command.person.nik_hmac for each in operations if isinstance(each.command, RegisterCommand)]
    assert all_new == (len(set(niks)) == len(operations))


def test_what_is_told_says_when_it_came_true() -> None:
    operations = operations_of([("register", b"new-1"), ("move", A)])

    answers = apply(operations, KnownParticipants([]), lambda: UUID(int=1)).answers(NOW)

    assert [answer.outcome for answer in answers] == [DONE, Reason.UNKNOWN]
    assert {answer.recorded_at for answer in answers} == {NOW}


def test_of_one_nik_many_times_in_a_batch_the_first_is_registered_and_the_others_are_refused() -> None:
    operations = operations_of([("register", b"new-1")] * 5)

    applied = apply(operations, KnownParticipants([]), lambda: UUID(int=1))

    assert [outcome for outcome, *_ in applied.told] == [DONE, *[Reason.DUPLICATE] * 4]
    assert len(applied.drafts) == 1


def test_a_batch_asks_for_the_participants_that_its_operations_name() -> None:
    assert ids_needed(operations_of([("register", b"new-1"), ("move", B)])) == {KNOWN}
