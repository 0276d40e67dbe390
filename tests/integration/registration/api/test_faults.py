"""What happens to registrations when writers race, commits lose their answers and the database goes away."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from random import Random

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from registration.domain.operation import DONE, Operation, OperationFault
from registration.intake.idempotency_cleanup import delete_old_keys
from registration.requests import commands
from registration.requests.request_models import RegisterBody
from tests.support.commit_proxy import CommitCut, open_commit_proxy
from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.registration.served_api import PATH, Served, body, check_register, served

pytestmark = pytest.mark.integration

A, B = "31.71.01.1001", "31.72.01.1001"
END_ONE_AT_WORK = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'test writer' AND datname = current_database() AND state <> 'idle' LIMIT 1
"""


async def test_two_processes_with_overlapping_niks_register_each_once_without_a_deadlock(
    database: Databases,
) -> None:
    people = 400
    async with served(database.registration) as one, served(database.registration) as two:
        # Each sends everybody, in opposite orders, with keys of its own.
        sent = [one.post(PATH, body(n), idempotency_key=f"one-{n}") for n in range(people)]
        sent += [two.post(PATH, body(n), idempotency_key=f"two-{n}") for n in reversed(range(people))]
        answers = await asyncio.gather(*sent)

        told = Counter(answer.status_code for answer in answers)
        assert told == {201: people, 409: people}
        assert await check_register(one.pool) == {A: people}
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await one.pool.fetchval(deadlocks) == 0


async def test_racing_changes_from_several_processes_keep_sequences_gapless_and_standings_true(
    database: Databases,
) -> None:
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(served(database.registration)) for _ in range(3)]
        ids = [await processes[0].registered(n) for n in range(30)]
        random, answers = Random(7), list[httpx.Response]()

        async def change(number: int) -> None:
            process, one, other = random.choice(processes), random.choice(ids), random.choice(ids)
            match number % 10:
                case 0 | 1 | 2:
                    sent = process.post(f"{PATH}/{one}/move", {"region": random.choice((A, B))})
                case 3 | 4:
                    sent = process.post(f"{PATH}/{one}/steps", {"step": f"P{random.randint(2, 7)}"})
                case 5:
                    sent = process.post(f"{PATH}/{one}/withdraw", {})
                case 6 if number % 100 == 6:
                    sent = process.post(f"{PATH}/{one}/merge", {"into": other}, role="officer")
                case _:
                    sent = process.post(PATH, body(random.randrange(30)))
            answers.append(await sent)

        await asyncio.gather(*(change(number) for number in range(600)))

        assert {answer.status_code for answer in answers} <= {200, 201, 409, 422}
        assert sum(answer.status_code < 300 for answer in answers) > 50
        await check_register(processes[0].pool)


async def test_a_key_in_flight_in_two_processes_registers_once_and_both_are_told_the_same(
    database: Databases,
) -> None:
    async with served(database.registration) as one, served(database.registration) as two:
        two.keys = one.keys
        sent = [each.post(PATH, body(n), idempotency_key=f"k{n}") for n in range(100) for each in (one, two)]
        answers = await asyncio.gather(*sent)

        assert {answer.status_code for answer in answers} == {201}
        for first, second in zip(answers[::2], answers[1::2], strict=True):
            assert first.content == second.content
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 100
        assert await check_register(one.pool) == {A: 100}


@pytest.mark.parametrize("cut", list(CommitCut))
async def test_a_commit_whose_answer_is_lost_registers_everybody_once_and_tells_them_so(
    database: Databases, cut: CommitCut
) -> None:
    async with (
        open_commit_proxy(database.registration) as (proxy, url),
        served(database.registration, writer_url=url) as register,
    ):
        await register.registered(1_000)
        proxy.cut = cut
        answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(40)))

        assert proxy.cuts == 1
        assert Counter(answer.status_code for answer in answers) == {201: 40}
        assert not any("idempotent-replayed" in answer.headers for answer in answers)
        assert await check_register(register.pool) == {A: 41}


async def test_a_session_ended_by_the_server_in_the_middle_loses_nobody(database: Databases) -> None:
    async with served(database.registration, batch_rows_max=10) as register:
        admin = await asyncpg.connect(database.admin)

        async def a_session_at_work_was_ended() -> bool:
            return bool(await admin.fetchval(END_ONE_AT_WORK))

        sent = [asyncio.ensure_future(register.post(PATH, body(n))) for n in range(300)]
        for _ in range(5):
            await until(a_session_at_work_was_ended, every_s=0.001)
        answers = await asyncio.gather(*sent)
        await admin.close()

        assert {answer.status_code for answer in answers} <= {201, 503}
        accepted = sum(answer.status_code == 201 for answer in answers)
        assert accepted > 0
        # Each 503 says that it was not written, and none was.
        assert await check_register(register.pool) == {A: accepted}


async def test_while_the_database_is_away_all_are_told_when_to_come_back_and_the_accepted_stay(
    database: Databases,
) -> None:
    async with (
        open_commit_proxy(database.registration) as (proxy, url),
        served(url, waited_s_max=1.0) as register,
    ):
        await register.registered(1)
        proxy.shut_down()

        away = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(10, 20)))
        proxy.is_down = False

        async def it_is_back() -> bool:
            return (await register.post(PATH, body(10), idempotency_key="again")).status_code == 201

        await until(it_is_back)
        assert {answer.status_code for answer in away} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in away)
        assert await check_register(register.pool) == {A: 2}


async def test_a_client_asleep_with_locks_holds_up_nobody_for_long(database: Databases) -> None:
    async with served(database.registration, waited_s_max=30) as register:
        async with register.pool.acquire() as asleep:
            await asleep.execute("BEGIN; SELECT * FROM partition FOR UPDATE")

            answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(20)))

        assert {answer.status_code for answer in answers} == {201}
        assert await check_register(register.pool) == {A: 20}


async def test_who_waits_too_long_behind_a_lock_is_told_so_and_is_not_written(database: Databases) -> None:
    async with served(database.registration, waited_s_max=0.5) as register:
        async with register.pool.acquire() as asleep:
            await asleep.execute("BEGIN; SELECT * FROM partition FOR UPDATE")
            answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(20)))
            await asleep.execute("ROLLBACK")

        assert {answer.status_code for answer in answers} == {503}
        assert await check_register(register.pool) == {}


async def test_a_value_that_no_rule_foresaw_is_refused_alone(register: Served) -> None:
    def operation(number: int, name: str) -> Operation:
        checked = RegisterBody.model_validate_json(
            json.dumps(body(number)), context=register.parts.checker.vocabulary()
        )
        command = commands.register_command(checked, register.parts.cipher, "booth", uuid7)
        command = replace(command, person=replace(command.person, name=name))
        return Operation("caller", "register", f"k{number}", b"", command, "booth")

    names = ["bad\0" if number in (3, 17) else "good" for number in range(30)]
    answers = await asyncio.gather(
        *(register.parts.writer.submit(operation(number, name)) for number, name in enumerate(names))
    )

    told = [answer.outcome for answer in answers]
    assert [number for number, outcome in enumerate(told) if outcome is OperationFault.UNSTORABLE] == [3, 17]
    assert told.count(DONE) == 28
    assert await check_register(register.pool) == {A: 28}


async def test_a_full_queue_is_answered_503_and_the_accepted_are_counted(database: Databases) -> None:
    async with served(database.registration, queue_length_max=5, batch_rows_max=1) as register:
        answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(40)))

        told = Counter(answer.status_code for answer in answers)
        assert set(told) == {201, 503}
        assert await check_register(register.pool) == {A: told[201]}


async def test_only_answers_that_are_too_old_are_deleted(register: Served) -> None:
    for number in range(3):
        await register.post(PATH, body(number), idempotency_key=f"k{number}")
    await register.pool.execute(
        "UPDATE idempotency SET created_at = now() - interval '49 hours' WHERE key <> 'k2'"
    )

    deleted = await delete_old_keys(register.pool, timedelta(hours=48))

    assert deleted == 2
    assert await register.pool.fetchval("SELECT string_agg(key, '') FROM idempotency") == "k2"
