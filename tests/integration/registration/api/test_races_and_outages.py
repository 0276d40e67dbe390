"""Registrations when writers race, replies to COMMIT are lost, or the database is unavailable."""

from __future__ import annotations

import asyncio
import itertools
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

from registration.domain.idempotent_operation import DONE, Operation, OperationFault
from registration.intake.retention import delete_old_keys
from registration.requests.command_mapping import register_command
from registration.requests.request_models import RegisterBody
from tests.support.commit_proxy import CommitCut, open_commit_proxy
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration.served_api import PATH, ServedApi, body, check_register, serve_api

pytestmark = pytest.mark.integration

A, B = "31.71.01.1001", "31.72.01.1001"
TERMINATE_A_BUSY_WRITER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'test writer' AND datname = current_database() AND state <> 'idle' LIMIT 1
"""


async def test_two_processes_with_the_same_niks_register_each_once_without_deadlock(
    database: Databases,
) -> None:
    people = 400
    async with serve_api(database.registration) as api, serve_api(database.registration) as other_api:
        # Both processes get a request for every person, in opposite orders, with different idempotency keys.
        requests = [api.post(PATH, body(n), idempotency_key=f"one-{n}") for n in range(people)]
        requests += [
            other_api.post(PATH, body(n), idempotency_key=f"two-{n}") for n in reversed(range(people))
        ]
        answers = await asyncio.gather(*requests)

        statuses = Counter(answer.status_code for answer in answers)
        assert statuses == {201: people, 409: people}
        assert await check_register(api.pool) == {A: people}
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await api.pool.fetchval(deadlocks) == 0


async def test_racing_changes_from_several_processes_keep_sequences_gapless_and_counts_exact(
    database: Databases,
) -> None:
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(serve_api(database.registration)) for _ in range(3)]
        ids = [await processes[0].registered(n) for n in range(30)]
        random, answers = Random(7), list[httpx.Response]()

        async def change(number: int) -> None:
            process, participant, other = random.choice(processes), random.choice(ids), random.choice(ids)
            match number % 10:
                case 0 | 1 | 2:
                    request = process.post(f"{PATH}/{participant}/move", {"region": random.choice((A, B))})
                case 3 | 4:
                    request = process.post(
                        f"{PATH}/{participant}/steps", {"step": f"P{random.randint(2, 7)}"}
                    )
                case 5:
                    request = process.post(f"{PATH}/{participant}/withdraw", {})
                case 6 if number % 100 == 6:
                    request = process.post(f"{PATH}/{participant}/merge", {"into": other}, role="officer")
                case _:
                    request = process.post(PATH, body(random.randrange(30)))
            answers.append(await request)

        await asyncio.gather(*(change(number) for number in range(600)))

        assert {answer.status_code for answer in answers} <= {200, 201, 409, 422}
        assert sum(answer.status_code < 300 for answer in answers) > 50
        await check_register(processes[0].pool)


async def test_one_key_in_two_processes_registers_once_with_the_same_answer(
    database: Databases,
) -> None:
    async with serve_api(database.registration) as api, serve_api(database.registration) as other_api:
        other_api.keys = api.keys
        requests = [
            process.post(PATH, body(n), idempotency_key=f"k{n}")
            for n in range(100)
            for process in (api, other_api)
        ]
        answers = await asyncio.gather(*requests)

        assert {answer.status_code for answer in answers} == {201}
        for first, second in zip(answers[::2], answers[1::2], strict=True):
            assert first.content == second.content
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 100
        assert await check_register(api.pool) == {A: 100}


@pytest.mark.parametrize("cut", list(CommitCut))
async def test_a_lost_reply_to_commit_registers_each_person_once_and_answers_201(
    database: Databases, cut: CommitCut
) -> None:
    async with (
        open_commit_proxy(database.registration) as (proxy, address),
        serve_api(database.registration, writer_database=address) as register,
    ):
        await register.registered(1_000)
        proxy.cut = cut
        answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(40)))

        assert proxy.cuts == 1
        assert Counter(answer.status_code for answer in answers) == {201: 40}
        assert not any("idempotent-replayed" in answer.headers for answer in answers)
        assert await check_register(register.pool) == {A: 41}


async def test_sessions_terminated_by_the_server_lose_no_accepted_registration(database: Databases) -> None:
    async with serve_api(database.registration, batch_rows_max=10) as register:
        admin = await asyncpg.connect(**database.admin.asyncpg_options())

        async def a_busy_session_was_terminated() -> bool:
            return bool(await admin.fetchval(TERMINATE_A_BUSY_WRITER))

        numbers, answers, ended = itertools.count(), list[httpx.Response](), asyncio.Event()

        async def register_people() -> None:
            while not ended.is_set():
                answers.append(await register.post(PATH, body(next(numbers))))

        clients = [asyncio.ensure_future(register_people()) for _ in range(30)]
        for _ in range(5):
            await until(a_busy_session_was_terminated, every_s=0.001)
        ended.set()
        await asyncio.gather(*clients)
        await admin.close()

        assert {answer.status_code for answer in answers} <= {201, 503}
        accepted = sum(answer.status_code == 201 for answer in answers)
        assert accepted > 0
        # A 503 means that the registration was not written.
        assert await check_register(register.pool) == {A: accepted}


async def test_during_a_database_outage_requests_get_503_with_retry_after(
    database: Databases,
) -> None:
    async with (
        open_commit_proxy(database.registration) as (proxy, address),
        serve_api(address, waited_s_max=1.0) as register,
    ):
        await register.registered(1)
        proxy.shut_down()

        away = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(10, 20)))
        proxy.is_down = False

        async def the_database_is_back() -> bool:
            return (await register.post(PATH, body(10), idempotency_key="again")).status_code == 201

        await until(the_database_is_back)
        assert {answer.status_code for answer in away} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in away)
        assert await check_register(register.pool) == {A: 2}


async def test_an_idle_session_with_locks_delays_registrations_only_briefly(database: Databases) -> None:
    async with serve_api(database.registration, waited_s_max=30) as register:
        # This connection is never released: PostgreSQL terminates its session, and asyncpg may then free it.
        idle = await register.pool.acquire()
        await idle.execute("BEGIN; SELECT * FROM partition FOR UPDATE")

        answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(20)))

        assert {answer.status_code for answer in answers} == {201}
        assert await check_register(register.pool) == {A: 20}


async def test_a_request_that_waits_too_long_behind_a_lock_gets_503_and_is_not_written(
    database: Databases,
) -> None:
    async with serve_api(database.registration, waited_s_max=0.5) as register:
        async with register.pool.acquire() as idle:
            # Without this setting the server would end the session about when the requests are answered.
            await idle.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
            await idle.execute("SELECT * FROM partition FOR UPDATE")
            answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(20)))
            await idle.execute("ROLLBACK")

        assert {answer.status_code for answer in answers} == {503}
        assert await check_register(register.pool) == {}


async def test_a_value_that_postgresql_refuses_fails_only_its_own_request(register: ServedApi) -> None:
    def operation(number: int, name: str) -> Operation:
        valid_body = RegisterBody.model_validate_json(
            json.dumps(body(number)), context=register.components.validator.vocabulary()
        )
        command = register_command(valid_body, register.components.cipher, "booth", uuid7)
        command = replace(command, person=replace(command.person, name=name))
        return Operation("caller", "register", f"k{number}", b"", command, "booth")

    names = ["bad\0" if number in (3, 17) else "good" for number in range(30)]
    answers = await asyncio.gather(
        *(
            register.components.group_commit.submit(operation(number, name))
            for number, name in enumerate(names)
        )
    )

    outcomes = [answer.outcome for answer in answers]
    assert [number for number, outcome in enumerate(outcomes) if outcome is OperationFault.UNSTORABLE] == [
        3,
        17,
    ]
    assert outcomes.count(DONE) == 28
    assert await check_register(register.pool) == {A: 28}


async def test_requests_above_the_queue_length_get_503_and_are_not_written(database: Databases) -> None:
    async with serve_api(database.registration, queue_length_max=5, batch_rows_max=1) as register:
        answers = await asyncio.gather(*(register.post(PATH, body(n)) for n in range(40)))

        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {201, 503}
        assert await check_register(register.pool) == {A: statuses[201]}


async def test_only_idempotency_keys_beyond_their_age_are_deleted(register: ServedApi) -> None:
    for number in range(3):
        await register.post(PATH, body(number), idempotency_key=f"k{number}")
    await register.pool.execute(
        "UPDATE idempotency SET created_at = now() - interval '49 hours' WHERE key <> 'k2'"
    )

    deleted = await delete_old_keys(register.pool, timedelta(hours=48))

    assert deleted == 2
    assert await register.pool.fetchval("SELECT string_agg(key, '') FROM idempotency") == "k2"
