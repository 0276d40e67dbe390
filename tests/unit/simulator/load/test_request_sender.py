"""The request sender retries and gives up as specified; it is tested against a small HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from simulator.load.http_requests import Request
from simulator.load.ledger import Answer, Intent
from simulator.load.request_sender import RequestSender

INTENT = Intent(1, "register", "k1", 5, "31.71.01.1001", "t", "fest")
REQUEST = Request("/v1/participants", {"Idempotency-Key": "k1"}, b"{}")
CREATED = {"participant_id": "p1", "region": "31.71.01.1001", "revision": 1, "recorded_at": "t"}


async def no_wait(_seconds: float) -> None:
    """Return at once, because these tests do not depend on time."""


@asynccontextmanager
async def sender(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    timeout_s: float = 2.0,
    patience_s: float = 20.0,
) -> AsyncIterator[RequestSender]:
    app = web.Application()
    app.router.add_post("/v1/participants", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as session:
            yield RequestSender(
                session, f"http://127.0.0.1:{port}", "secret", patience_s, timeout_s, sleep=no_wait
            )
    finally:
        await runner.cleanup()


async def test_a_request_that_timed_out_is_sent_again_with_the_same_key() -> None:
    keys: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            await asyncio.Event().wait()
        return web.json_response(CREATED, status=201, headers={"Idempotent-Replayed": "true"})

    async with sender(answer, timeout_s=0.2) as request_sender:
        answered = await request_sender.send(INTENT, REQUEST)

    assert answered == Answer(1, "accepted", 201, 2, "p1", 1, replayed=True)
    assert keys == ["k1", "k1"]


async def test_overload_is_retried_and_a_refusal_is_final() -> None:
    statuses = [503, 429, 409]

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=statuses.pop(0), headers={"Retry-After": "1"})

    async with sender(answer) as request_sender:
        answered = await request_sender.send(INTENT, REQUEST)

    assert (answered.outcome, answered.status, answered.attempts) == ("refused", 409, 3)


async def test_without_a_conclusive_response_in_time_the_outcome_is_unknown() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with sender(answer, patience_s=0.1) as request_sender:
        answered = await request_sender.send(INTENT, REQUEST)

    assert (answered.outcome, answered.status) == ("unknown", 503)
