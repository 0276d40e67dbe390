"""The group commit on a store in memory whose transactions can be made to fail."""

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

from registration.domain.decide import WithdrawCommand
from registration.domain.operation import DONE, Answer, Operation, OperationFault
from registration.intake.group_commit import GroupCommit, OverloadedError, OverloadReason, QueueLimits
from registration.store.errors import AmbiguousCommitError
from tests.support.deadlines import until

NOW = datetime(2021, 10, 24, 12, 5, tzinfo=UTC)


def operation(key: str, body: bytes = b"body") -> Operation:
    return Operation("caller", "withdraw", key, body, WithdrawCommand(id=UUID(int=1)), "booth")


class Register:
    """Answers by key, as the table of idempotency keys holds them; `troubles` are met one per transaction."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.batches: list[list[str]] = []
        self.troubles: list[Exception | None] = []
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        self.batches.append([each.key for each in operations])
        await self.open.wait()
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None and not isinstance(trouble, AmbiguousCommitError):
            raise trouble
        if any("\0" in each.key for each in operations):
            raise asyncpg.CharacterNotInRepertoireError("0x00")
        told = []
        for each in operations:
            known = self.answers.get(each.key)
            told.append(replace(known, replayed=True) if known else Answer(DONE, revision=len(self.answers)))
            self.answers.setdefault(each.key, told[-1])
        if trouble is not None:
            raise trouble
        return told


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
        await asyncio.wait_for(task, 10)


async def test_all_that_wait_are_written_in_one_transaction() -> None:
    register = Register()
    async with running(register) as writer:
        await asyncio.gather(*(writer.submit(operation(f"k{n}")) for n in range(50)))

    assert sorted(len(batch) for batch in register.batches) == [50]


async def test_a_batch_is_no_larger_than_allowed() -> None:
    register = Register()
    async with running(register, QueueLimits(batch_rows_max=7)) as writer:
        await asyncio.gather(*(writer.submit(operation(f"k{n}")) for n in range(20)))

    assert [len(batch) for batch in register.batches] == [7, 7, 6]


async def test_a_second_request_with_a_key_in_flight_gets_the_same_answer() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        first = asyncio.ensure_future(writer.submit(operation("k")))
        await until(lambda: register.batches)
        second = asyncio.ensure_future(writer.submit(operation("k")))
        register.open.set()
        answers = await asyncio.gather(first, second)

    assert answers[1] == replace(answers[0], replayed=True)
    assert register.batches == [["k"]]


async def test_a_key_in_flight_with_another_body_is_refused_at_once() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        first = asyncio.ensure_future(writer.submit(operation("k")))
        await until(lambda: register.batches)

        assert (await writer.submit(operation("k", b"other"))).outcome is OperationFault.KEY_REUSED

        register.open.set()
        assert (await first).outcome == DONE


async def test_who_hangs_up_does_not_take_along_those_that_wait_for_the_same_key() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        first = asyncio.ensure_future(writer.submit(operation("k")))
        await until(lambda: register.batches)
        second = asyncio.ensure_future(writer.submit(operation("k")))
        await asyncio.sleep(0)
        first.cancel()
        register.open.set()

        assert (await second).outcome == DONE


async def test_a_commit_whose_answer_is_lost_is_run_again_and_told_as_new() -> None:
    register = Register()
    register.troubles = [AmbiguousCommitError("lost"), asyncpg.CannotConnectNowError("starting")]
    async with running(register) as writer:
        answer = await writer.submit(operation("k"))

    assert answer.outcome == DONE
    assert not answer.replayed
    assert register.batches == [["k"]] * 3


async def test_where_the_database_is_down_who_is_surely_not_written_is_told_so() -> None:
    register = Register()
    register.troubles = [ConnectionRefusedError()]
    async with running(register) as writer:
        with pytest.raises(OverloadedError) as told:
            await writer.submit(operation("k"))
        after = await writer.submit(operation("l"))

    assert told.value.reason is OverloadReason.DATABASE_UNAVAILABLE
    assert told.value.retry_after_s > 0
    assert after.outcome == DONE


async def test_a_deadlock_repeats_the_batch() -> None:
    register = Register()
    register.troubles = [asyncpg.DeadlockDetectedError("deadlock"), asyncpg.LockNotAvailableError("lock")]
    async with running(register) as writer:
        answers = await asyncio.gather(writer.submit(operation("k")), writer.submit(operation("l")))

    assert [answer.outcome for answer in answers] == [DONE, DONE]
    assert register.batches == [["k", "l"]] * 3


@given(st.lists(st.booleans(), min_size=1, max_size=9))
async def test_what_cannot_be_stored_is_refused_alone(bad: list[bool]) -> None:
    register = Register()
    async with running(register) as writer:
        keys = [f"{n}\0" if is_bad else f"{n}" for n, is_bad in enumerate(bad)]
        answers = await asyncio.gather(*(writer.submit(operation(key)) for key in keys))

    assert [answer.outcome == OperationFault.UNSTORABLE for answer in answers] == bad
    assert len(register.answers) == bad.count(False)


async def test_a_full_queue_refuses_and_goes_on() -> None:
    register = Register()
    register.open.clear()
    async with running(register, QueueLimits(queue_length_max=2, batch_rows_max=1)) as writer:
        taken = [asyncio.ensure_future(writer.submit(operation("k0")))]
        await until(lambda: register.batches)
        taken += [asyncio.ensure_future(writer.submit(operation(f"k{n}"))) for n in (1, 2)]
        await asyncio.sleep(0)

        with pytest.raises(OverloadedError) as told:
            await writer.submit(operation("k3"))
        register.open.set()
        answers = await asyncio.gather(*taken)

    assert told.value.reason is OverloadReason.QUEUE_FULL
    assert {answer.outcome for answer in answers} == {DONE}


async def test_who_waited_too_long_is_refused_before_writing_even_while_a_transaction_stands() -> None:
    register = Register()
    register.open.clear()
    async with running(register, QueueLimits(batch_rows_max=1, waited_s_max=0.2)) as writer:
        standing = asyncio.ensure_future(writer.submit(operation("standing")))
        await until(lambda: register.batches)

        with pytest.raises(OverloadedError) as told:
            await writer.submit(operation("waiting"))
        register.open.set()

        assert told.value.reason is OverloadReason.WAITED_TOO_LONG
        assert (await standing).outcome == DONE
    assert "waiting" not in register.answers


async def test_after_the_stop_nothing_is_taken_and_what_waits_is_written() -> None:
    register = Register()
    register.open.clear()
    async with running(register) as writer:
        waiting = asyncio.ensure_future(writer.submit(operation("k")))
        await until(lambda: register.batches)
        writer.stop()
        with pytest.raises(OverloadedError):
            await writer.submit(operation("l"))
        register.open.set()

        assert (await waiting).outcome == DONE


async def test_a_fault_of_ours_is_told_to_its_batch_and_the_writer_goes_on() -> None:
    register = Register()
    register.troubles = [KeyError("bug")]
    async with running(register) as writer:
        with pytest.raises(KeyError):
            await writer.submit(operation("k"))

        assert (await writer.submit(operation("l"))).outcome == DONE


async def test_an_outcome_that_cannot_be_found_out_in_time_is_told_as_unknown() -> None:
    register = Register()
    register.troubles = [AmbiguousCommitError("lost"), *[ConnectionRefusedError()] * 1000]
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.5
        return now

    async with running(register, QueueLimits(waited_s_max=1e9, ambiguous_s_max=30.0), clock) as writer:
        with pytest.raises(OverloadedError) as told:
            await writer.submit(operation("k"))
        register.troubles = []

    assert told.value.reason is OverloadReason.OUTCOME_UNKNOWN
