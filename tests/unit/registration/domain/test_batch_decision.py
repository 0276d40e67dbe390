"""Applying operations in one batch has the same results as applying them one by one."""

from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from registration.domain.batch_decision import KnownParticipants, apply, ids_needed, niks_needed
from registration.domain.commands import MoveCommand, RegisterCommand, WithdrawCommand
from registration.domain.decision import Reason
from registration.domain.idempotent_operation import DONE, Operation
from registration.domain.participant import Participant, Person, Standing, Status

A, B = "31.71.01.1001", "31.72.01.1001"
NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
KNOWN = UUID(int=100)


def person(nik: bytes) -> Person:
    return Person(nik, b"n", None, "key", "Nama", None, "2026-01", "booth")


def known(status: Status = Status.REGISTERED) -> Participant:
    return Participant(KNOWN, status, Standing(A, None, None, ()), 3, person(b"known"))


def operation(number: int, command: RegisterCommand | MoveCommand | WithdrawCommand) -> Operation:
    return Operation("caller", "route", f"key-{number}", b"body", command, "booth")


command_lists = st.lists(
    st.one_of(
        st.sampled_from((b"new-1", b"new-2", b"known")).map(lambda nik: ("register", nik)),
        st.sampled_from((A, B)).map(lambda region: ("move", region)),
        st.just(("withdraw", b"")),
    ),
    max_size=7,
)


def operations_of(specs: list[tuple[str, object]]) -> list[Operation]:
    commands: list[RegisterCommand | MoveCommand | WithdrawCommand] = []
    for number, (kind, value) in enumerate(specs):
        if kind == "register":
            assert isinstance(value, bytes)
            commands.append(RegisterCommand(UUID(int=number), Standing(B, None, None, ()), person(value)))
        elif kind == "move":
            commands.append(MoveCommand(id=KNOWN, region=str(value)))
        else:
            commands.append(WithdrawCommand(id=KNOWN))
    return [operation(number, command) for number, command in enumerate(commands)]


@given(command_lists, st.sampled_from((Status.REGISTERED, Status.WITHDRAWN)))
def test_a_batch_has_the_results_of_its_operations_one_by_one(
    specs: list[tuple[str, object]], status: Status
) -> None:
    operations = operations_of(specs)

    numbers, alone_numbers = count(1000), count(1000)
    whole = apply(operations, KnownParticipants([known(status)]), lambda: UUID(int=next(numbers)))

    participants = KnownParticipants([known(status)])
    alone = [apply([each], participants, lambda: UUID(int=next(alone_numbers))) for each in operations]
    assert whole.outcomes == [outcome for each in alone for outcome in each.outcomes]
    assert whole.drafts == [draft for each in alone for draft in each.drafts]


def test_answers_carry_the_time_of_recording() -> None:
    operations = operations_of([("register", b"new-1"), ("move", A)])

    answers = apply(operations, KnownParticipants([]), lambda: UUID(int=1)).answers(NOW)

    assert [answer.outcome for answer in answers] == [DONE, Reason.UNKNOWN]
    assert {answer.recorded_at for answer in answers} == {NOW}


def test_a_nik_that_is_repeated_in_a_batch_is_registered_once_and_then_refused() -> None:
    operations = operations_of([("register", b"new-1")] * 5)

    result = apply(operations, KnownParticipants([]), lambda: UUID(int=1))

    assert [outcome for outcome, *_ in result.outcomes] == [DONE, *[Reason.DUPLICATE] * 4]
    assert len(result.drafts) == 1


def test_ids_and_niks_needed_are_those_that_operations_name() -> None:
    operations = operations_of([("register", b"new-1"), ("move", B)])

    assert ids_needed(operations) == {KNOWN}
    assert niks_needed(operations) == {b"new-1"}
