"""A batch in a small world gives what its operations would give one by one, each after the other."""

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registration.batch import World, apply, ids_needed, newcomers
from registration.domain import Move, Reason, Register, Withdraw
from registration.operations import DONE, Operation
from registration.participant import Participant, Person, Standing, Status

A, B = "31.71.01.1001", "31.72.01.1001"
NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
KNOWN = UUID(int=100)


def person(nik: bytes) -> Person:
    return Person(nik, b"n", None, "key", "Nama", None, "2026-01", "booth")


def known(status: Status = Status.REGISTERED) -> Participant:
    return Participant(KNOWN, status, Standing(A), 3, person(b"known"))


def operation(number: int, command: Register | Move | Withdraw) -> Operation:
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
    commands: list[Register | Move | Withdraw] = []
    for number, (kind, value) in enumerate(wished):
        if kind == "register":
            assert isinstance(value, bytes)
            commands.append(Register(UUID(int=number), Standing(B), person(value)))
        elif kind == "move":
            commands.append(Move(id=KNOWN, region=str(value)))
        else:
            commands.append(Withdraw(id=KNOWN))
    return [operation(number, command) for number, command in enumerate(commands)]


@given(wishes, st.sampled_from((Status.REGISTERED, Status.WITHDRAWN)))
def test_a_batch_gives_what_its_operations_give_one_by_one(
    wished: list[tuple[str, object]], status: Status
) -> None:
    operations = operations_of(wished)

    numbers, alone_numbers = count(1000), count(1000)
    whole = apply(operations, World([known(status)]), lambda: UUID(int=next(numbers)), NOW)

    world = World([known(status)])
    alone = [apply([each], world, lambda: UUID(int=next(alone_numbers)), NOW) for each in operations]
    assert whole.answers == [answer for each in alone for answer in each.answers]
    assert whole.drafts == [draft for each in alone for draft in each.drafts]


@given(wishes)
def test_those_inserted_beforehand_are_those_that_the_batch_registers(
    wished: list[tuple[str, object]],
) -> None:
    operations = [each for each in operations_of(wished) if isinstance(each.command, Register)]

    applied = apply(operations, World([]), lambda: UUID(int=1), NOW)

    assert set(newcomers(operations).values()) == {draft.happened.after for draft in applied.drafts}
    told = [answer.outcome for answer in applied.answers]
    assert told.count(DONE) == len(newcomers(operations))
    assert set(told) <= {DONE, Reason.DUPLICATE}


def test_of_one_nik_many_times_in_a_batch_the_first_is_registered_and_the_others_are_refused() -> None:
    operations = operations_of([("register", b"new-1")] * 5)

    applied = apply(operations, World([]), lambda: UUID(int=1), NOW)

    assert [answer.outcome for answer in applied.answers] == [DONE, *[Reason.DUPLICATE] * 4]
    assert len(applied.drafts) == 1


def test_a_batch_asks_for_the_participants_that_its_operations_name() -> None:
    assert ids_needed(operations_of([("register", b"new-1"), ("move", B)])) == {KNOWN}
