"""Tests the group commit with a register in memory, whose transactions can be made to fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from registration.domain.commands import WithdrawCommand
from registration.domain.idempotent_operation import DONE, Answer, Operation, OperationFault
from registration.intake.group_commit import (
    COMMIT_S_MAX,
    GroupCommit,
    OverloadedError,
    OverloadReason,
    QueueLimits,
)
from registration.store.error_classification import AmbiguousCommitError
from tests.support.deadlines import until
from tests.support.manual_clock import ManualClock

NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)


def operation_with(key: str, body: bytes = b"body") -> Operation:
    return Operation("caller", "withdraw", key, body, WithdrawCommand(id=UUID(int=1)), "booth")


class Register:
    """Stores answers by idempotency key.

    Each of `failures` is for one transaction: an error that it raises, or None to let it succeed.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.batches: list[list[str]] = []
        self.failures: list[Exception | None] = []
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        self.batches.append([operation.key for operation in operations])
        await self.open.wait()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not isinstance(failure, AmbiguousCommitError):
            raise failure
        if any("\0" in operation.key for operation in operations):
            raise asyncpg.CharacterNotInRepertoireError("0x00")
        answers = []
        for operation in operations:
            stored = self.answers.get(operation.key)
            answers.append(
                replace(stored, replayed=True) if stored else Answer(DONE, revision=len(self.answers))
            )
            self.answers.setdefault(operation.key, answers[-1])
        if failure is not None:
            raise failure
        return answers


@asynccontextmanager
async def running(
    register: Register, limits: QueueLimits | None = None, clock: Callable[[], float] | None = None
) -> AsyncIterator[GroupCommit]:
    async def no_pause(_seconds: float) -> None:
        await asyncio.sleep(0)

    writer = GroupCommit(
        register.write, limits or QueueLimits(), **({"clock": clock} if clock else {}), sleep=no_pause
    )
    task = asyncio.ensure_future(writer.run(lambda: None))
    try:
        yield writer
    finally:
        register.open.set()
        writer.stop()
        await asyncio.wait_for(task, 30)


async def test_all_waiting_operations_are_written_in_one_transaction() -> None:
    register = Register()
    async with running(register) as writer:
        await asyncio.gather(*(writer.submit(operation_with(f"k{n}")) for n in range(50)))

    assert sorted(len(batch) for batch in register.batches) == [50]


async def test_a_batch_has_at_most_batch_rows_max_operations() -> None:
    register = Register()
    async with running(register, QueueLimits(batch_rows_max=7)) as writer:
        await asyncio.gather(*(writer.submit(operation_with(f"k{n}")) for n in range(20)))

    assert [len(batch) for batch in register.batches] == [7, 7, 6]


async def test_a_repeat_of_a_key_in_flight_gets_the_same_answer() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        first = asyncio.ensure_future(writer.submit(operation_with("k")))
        await until(lambda: register.batches)
        second = asyncio.ensure_future(writer.submit(operation_with("k")))
        register.open.set()
        answers = await asyncio.gather(first, second)

    assert answers[1] == replace(answers[0], replayed=True)
    assert register.batches == [["k"]]


async def test_a_key_in_flight_with_another_body_is_refused_at_once() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        first = asyncio.ensure_future(writer.submit(operation_with("k")))
        await until(lambda: register.batches)

        assert (await writer.submit(operation_with("k", b"other"))).outcome is OperationFault.KEY_REUSED

        register.open.set()
        assert (await first).outcome == DONE


async def test_a_disconnect_does_not_cancel_other_callers_of_the_same_key() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        first = asyncio.ensure_future(writer.submit(operation_with("k")))
        await until(lambda: register.batches)
        second = asyncio.ensure_future(writer.submit(operation_with("k")))
        await asyncio.sleep(0)
        first.cancel()
        register.open.set()

        assert (await second).outcome == DONE


async def test_a_commit_whose_reply_is_lost_is_run_again_and_its_answer_is_no_replay() -> None:
    register = Register()
    register.failures = [AmbiguousCommitError("lost"), asyncpg.CannotConnectNowError("starting")]
    async with running(register) as writer:
        answer = await writer.submit(operation_with("k"))

    assert answer.outcome == DONE
    assert not answer.replayed
    assert register.batches == [["k"]] * 3


async def test_without_a_database_an_unwritten_operation_is_refused_at_once() -> None:
    register = Register()
    register.failures = [ConnectionRefusedError()]
    async with running(register) as writer:
        with pytest.raises(OverloadedError) as raised:
            await writer.submit(operation_with("k"))
        after = await writer.submit(operation_with("l"))

    assert raised.value.reason is OverloadReason.DATABASE_UNAVAILABLE
    assert raised.value.retry_after_s > 0
    assert after.outcome == DONE


async def test_a_deadlock_repeats_the_batch() -> None:
    register = Register()
    register.failures = [asyncpg.DeadlockDetectedError("deadlock"), asyncpg.LockNotAvailableError("lock")]
    async with running(register) as writer:
        answers = await asyncio.gather(writer.submit(operation_with("k")), writer.submit(operation_with("l")))

    assert [answer.outcome for answer in answers] == [DONE, DONE]
    assert register.batches == [["k", "l"]] * 3


@given(st.lists(st.booleans(), min_size=1, max_size=9))
async def test_only_operations_that_cannot_be_stored_are_refused(bad: list[bool]) -> None:
    register = Register()
    async with running(register) as writer:
        keys = [f"{n}\0" if is_bad else f"{n}" for n, is_bad in enumerate(bad)]
        answers = await asyncio.gather(*(writer.submit(operation_with(key)) for key in keys))

    assert [answer.outcome == OperationFault.UNSTORABLE for answer in answers] == bad
    assert len(register.answers) == bad.count(False)


async def test_a_full_queue_refuses_new_operations_and_writes_the_others() -> None:
    register = Register()
    register.open.clear()
    async with running(register, QueueLimits(queue_length_max=2, batch_rows_max=1)) as writer:
        accepted = [asyncio.ensure_future(writer.submit(operation_with("k0")))]
        await until(lambda: register.batches)
        accepted += [asyncio.ensure_future(writer.submit(operation_with(f"k{n}"))) for n in (1, 2)]
        await asyncio.sleep(0)

        with pytest.raises(OverloadedError) as raised:
            await writer.submit(operation_with("k3"))
        register.open.set()
        answers = await asyncio.gather(*accepted)

    assert raised.value.reason is OverloadReason.QUEUE_FULL
    assert {answer.outcome for answer in answers} == {DONE}


async def test_an_overdue_operation_is_refused_unwritten_even_while_a_transaction_blocks() -> None:
    register = Register()
    register.open.clear()
    async with running(register, QueueLimits(batch_rows_max=1, waited_s_max=0.2)) as writer:
        blocked = asyncio.ensure_future(writer.submit(operation_with("blocked")))
        await until(lambda: register.batches)

        with pytest.raises(OverloadedError) as raised:
            await writer.submit(operation_with("waiting"))
        register.open.set()

        assert raised.value.reason is OverloadReason.WAITED_TOO_LONG
        assert (await blocked).outcome == DONE
    assert "waiting" not in register.answers


async def test_after_stop_new_operations_are_refused_and_waiting_ones_are_written() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        waiting = asyncio.ensure_future(writer.submit(operation_with("k")))
        await until(lambda: register.batches)
        writer.stop()
        with pytest.raises(OverloadedError):
            await writer.submit(operation_with("l"))
        register.open.set()

        assert (await waiting).outcome == DONE


async def test_a_programming_error_is_raised_to_its_batch_and_the_writer_continues() -> None:
    register = Register()
    register.failures = [KeyError("bug")]
    async with running(register) as writer:
        with pytest.raises(KeyError):
            await writer.submit(operation_with("k"))

        assert (await writer.submit(operation_with("l"))).outcome == DONE


async def test_an_ambiguous_commit_without_an_outcome_in_time_is_refused_as_outcome_unknown() -> None:
    register = Register()
    register.failures = [AmbiguousCommitError("lost"), *[ConnectionRefusedError()] * 1000]
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.5
        return now

    async with running(register, QueueLimits(waited_s_max=1e9, ambiguous_s_max=30.0), clock) as writer:
        with pytest.raises(OverloadedError) as raised:
            await writer.submit(operation_with("k"))
        register.failures = []

    assert raised.value.reason is OverloadReason.OUTCOME_UNKNOWN


async def test_a_commit_that_does_not_return_is_reported_until_it_returns() -> None:
    clock, register = ManualClock(), Register()
    register.open.clear()

    async with running(register, QueueLimits(waited_s_max=100), clock) as writer:
        submitted = asyncio.ensure_future(writer.submit(operation_with("one")))
        await until(lambda: bool(register.batches))
        await writer.ask_whether_it_commits()
        clock.now_s += COMMIT_S_MAX + 1
        with pytest.raises(TimeoutError):
            await writer.ask_whether_it_commits()
        register.open.set()
        await submitted
        await until(lambda: not_reported(writer))


async def not_reported(writer: GroupCommit) -> bool:
    try:
        await writer.ask_whether_it_commits()
    except TimeoutError:
        return False
    return True
