"""The stack fixture starts and signals real processes, and reports a process that ends unexpectedly."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.service_process import TrackedProcess
from tests.support.stack import BACK_OFF_S, Stack

pytestmark = pytest.mark.e2e


async def test_a_killed_process_can_be_restarted_and_is_ready_again(stack: Stack) -> None:
    await stack.start("mailbox", "receiver")
    before = stack.pid("receiver")

    stack.kill("receiver")
    await stack.restart("receiver")

    assert stack.pid("receiver") != before
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{stack.url('receiver')}/calls")).json() == []


async def test_a_process_that_is_kept_running_restarts_after_a_kill(stack: Stack) -> None:
    await stack.start("receiver")
    stack.keep_running("receiver")
    before = stack.pid("receiver")

    stack.kill("receiver")

    await until(lambda: stack.pid("receiver") != before, name="another receiver")
    await stack.ready("receiver")


async def test_a_process_that_is_held_down_restarts_after_the_block(stack: Stack) -> None:
    await stack.start("receiver")
    stack.keep_running("receiver")

    async with stack.held_down("receiver"):
        with pytest.raises(AssertionError, match="another receiver"):
            await until(lambda: stack.is_running("receiver"), 1, name="another receiver")

    await stack.ready("receiver")


async def test_a_supervisor_that_backs_off_restarts_a_process_later(stack: Stack) -> None:
    await stack.start("receiver")
    stack.keep_running("receiver")

    stack.backs_off = True
    stack.kill("receiver")

    with pytest.raises(AssertionError, match="another receiver"):
        await until(lambda: stack.is_running("receiver"), BACK_OFF_S - 3, name="another receiver")
    await stack.ready("receiver")


async def test_a_suspended_process_responds_again_after_it_is_resumed(stack: Stack) -> None:
    await stack.start("receiver")
    stack.suspend("receiver")
    async with httpx.AsyncClient(timeout=0.3) as client:
        with pytest.raises(httpx.TimeoutException):
            await client.get(stack.url("receiver"))

    stack.resume("receiver")

    async with httpx.AsyncClient() as client:
        assert (await client.get(stack.url("receiver"))).status_code == 200


async def test_the_register_accepts_an_api_key_of_the_stack(stack: Stack, database: Databases) -> None:
    await stack.start("api")

    async with httpx.AsyncClient(base_url=stack.url("api")) as client:
        headers = {"Authorization": f"Bearer {stack.keys['admin']}", "Idempotency-Key": "one"}
        response = await client.post(
            "/v1/agencies", json={"id": "dinsos", "name": "Dinas Sosial"}, headers=headers
        )

    assert response.status_code == 201, response.text
    assert await stack.terminate("api") == 0


async def test_an_unexpected_end_is_reported_with_the_log(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo out of paper; exit 3"]
    process = TrackedProcess("printer", command, {}, tmp_path / "printer.log")

    await until(lambda: process.exit_code() is not None, name="it ended")

    message = process.unexpected_end()
    assert message is not None
    assert "printer ended by itself with 3" in message
    assert "out of paper" in message
    process.finish()


async def test_an_armed_crash_is_not_reported(tmp_path: Path) -> None:
    armed = {"REGISTRATION_CRASH_AT": "relay.after_ack"}
    process = TrackedProcess("relay", ["sh", "-c", "kill -9 $$"], armed, tmp_path / "relay.log")

    assert await process.ended(30) == -signal.SIGKILL

    assert process.unexpected_end() is None
    process.finish()
