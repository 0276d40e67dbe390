"""The stack fixture starts real processes, signals them, and does not overlook one that ends."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.processes import Running
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def test_a_killed_process_is_gone_and_a_restarted_one_is_ready_again(stack: Stack) -> None:
    await stack.start("mailbox", "receiver")
    before = stack.pid("receiver")

    stack.kill("receiver")
    await stack.restart("receiver")

    assert stack.pid("receiver") != before
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{stack.url('receiver')}/calls")).json() == []


async def test_a_process_that_is_kept_running_comes_back_by_itself(stack: Stack) -> None:
    await stack.start("receiver")
    stack.keep_running("receiver")
    before = stack.pid("receiver")

    stack.kill("receiver")

    await until(lambda: stack.pid("receiver") != before, name="another receiver")
    await stack.ready("receiver")


async def test_a_stopped_process_answers_again_when_it_goes_on(stack: Stack) -> None:
    await stack.start("receiver")
    stack.stop("receiver")
    async with httpx.AsyncClient(timeout=0.3) as client:
        with pytest.raises(httpx.TimeoutException):
            await client.get(stack.url("receiver"))

    stack.cont("receiver")

    async with httpx.AsyncClient() as client:
        assert (await client.get(stack.url("receiver"))).status_code == 200


async def test_a_key_of_the_stack_is_let_in_by_the_register(stack: Stack, database: Databases) -> None:
    await stack.start("api")

    async with httpx.AsyncClient(base_url=stack.url("api")) as client:
        headers = {"Authorization": f"Bearer {stack.keys['admin']}", "Idempotency-Key": "one"}
        answer = await client.post(
            "/v1/agencies", json={"id": "dinsos", "name": "Dinas Sosial"}, headers=headers
        )

    assert answer.status_code == 201, answer.text
    assert await stack.terminate("api") == 0


async def test_an_end_that_nobody_asked_for_is_told_with_the_log(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo out of paper; exit 3"]
    running = Running("printer", command, {}, tmp_path / "printer.log")

    await until(lambda: running.exit_code() is not None, name="it ended")

    told = running.unexpected_end()
    assert told is not None
    assert "printer ended by itself with 3" in told
    assert "out of paper" in told
    running.finish()


async def test_an_end_that_was_armed_is_expected(tmp_path: Path) -> None:
    armed = {"REGISTRATION_CRASH_AT": "relay.after_ack"}
    running = Running("relay", ["sh", "-c", "kill -9 $$"], armed, tmp_path / "relay.log")

    assert await running.ended(5) == -signal.SIGKILL

    assert running.unexpected_end() is None
    running.finish()
