"""A load run loses and duplicates no participant at a small register that loses responses and sends 503s."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from simulator.load.crowd import Scenario
from simulator.load.expected_state import expected_state
from simulator.load.ledger import Answer, Intent, Ledger, Run, read
from simulator.load.load_runner import LoadRunner
from simulator.load.request_sender import RequestSender
from simulator.load.unknown_outcomes import reconcile

RUN = Run(run="r", seed=7, first_person=0, campaign="fest", probe_campaign="probe")
REGIONS = ["31.71.01.1001", "31.71.01.1002"]


class SmallRegister:
    """A register with the guarantees on which the ledger relies.

    It has one participant per NIK, one answer per idempotency key, and revisions.
    """

    def __init__(self, rng: random.Random, failure_rate: float) -> None:
        self._rng = rng
        self._failure_rate = failure_rate
        self._answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self._by_nik: dict[str, str] = {}
        self.participants: dict[str, dict[str, Any]] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        draw = self._rng.random()
        if draw < self._failure_rate / 2:
            return web.Response(status=503, headers={"Retry-After": "1"})
        key, body = request.headers["Idempotency-Key"], await request.json()
        if key not in self._answers:
            self._answers[key] = self._register(body) if "nik" in body else self._change(request, body)
        if draw < self._failure_rate:
            return web.Response(status=500)  # the request was executed, but its response is lost
        status, answer = self._answers[key]
        return web.json_response(answer, status=status)

    def _register(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        known = self.participants.get(self._by_nik.get(body["nik"], ""))
        if known is not None and known["standing"] == "registered":
            return 409, {}
        identity = self._by_nik.setdefault(body["nik"], f"p{len(self._by_nik)}")
        stored = {"region": body["region"], "revision": 1, "standing": "registered", "steps": []}
        self.participants[identity] = stored
        return 201, {"participant_id": identity, "revision": 1}

    def _change(self, request: web.Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        identity, action = request.match_info["id"], request.match_info["action"]
        stored = self.participants[identity]
        if int(request.headers["If-Match"]) != stored["revision"]:
            return 412, {}
        stored["revision"] += 1
        if action == "move":
            stored["region"] = body["region"]
        elif action == "steps":
            stored["steps"] = sorted({*stored["steps"], body["step"]})
        elif action == "withdraw":
            stored["standing"] = "withdrawn"
        return 200, {"participant_id": identity, "revision": stored["revision"]}


@asynccontextmanager
async def load_runner(register: SmallRegister, path: Path, patience_s: float) -> AsyncIterator[LoadRunner]:
    app = web.Application()
    app.router.add_post("/v1/participants", register.handle)
    app.router.add_post("/v1/participants/{id}/{action}", register.handle)
    server = web.AppRunner(app)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{server.addresses[0][1]}"
    ledger = Ledger(path)
    flushing = asyncio.ensure_future(ledger.flush_forever(pause_s=0))
    try:
        async with aiohttp.ClientSession() as http:
            sender = RequestSender(http, url, "key", patience_s, sleep=no_wait)
            await ledger.put(RUN)
            yield LoadRunner(
                RUN, ledger, Scenario(random.Random(3), "fest", REGIONS, [1.0, 1.0], 0), sender, sender
            )
    finally:
        flushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flushing
        ledger.close()
        await server.cleanup()


async def no_wait(_seconds: float) -> None:
    """Return at once, because these tests do not depend on time."""


async def test_lost_responses_and_overload_lose_and_duplicate_no_participant(tmp_path: Path) -> None:
    register, path = SmallRegister(random.Random(5), 0.3), tmp_path / "r.jsonl"
    async with load_runner(register, path, 1_000) as runner:
        await runner.play(iter([0.0] * 400), asyncio.Event())

    result = expected_state(read(path))
    assert (result.faults, result.unsettled) == ([], [])
    assert runner.progress.sent == 400
    assert runner.progress.retried > 50
    assert set(result.known) == set(register.participants)
    for known in result.known.values():
        stored = register.participants[known.participant]
        assert (known.region, known.revision, known.standing) == (
            stored["region"],
            stored["revision"],
            stored["standing"],
        )
        assert sorted(known.steps) == stored["steps"]


async def test_requests_with_an_unknown_outcome_are_resolved_later_by_their_key(tmp_path: Path) -> None:
    register, path = SmallRegister(random.Random(6), 0.4), tmp_path / "r.jsonl"
    async with load_runner(register, path, 0.0) as runner:
        await runner.play(iter([0.0] * 200), asyncio.Event())
        before = expected_state(read(path)).unsettled
        for _ in range(50):
            if not await reconcile(path, runner.sender_of):
                break

    result = expected_state(read(path))
    assert len(before) > 20
    assert (result.faults, result.unsettled) == ([], [])
    assert set(result.known) == set(register.participants)


async def test_every_intent_is_in_the_ledger_before_its_answer(tmp_path: Path) -> None:
    register, path = SmallRegister(random.Random(7), 0.0), tmp_path / "r.jsonl"
    async with load_runner(register, path, 1.0) as runner:
        await runner.play(iter([0.0] * 60), asyncio.Event())

    open_intents: set[int] = set()
    for line in read(path):
        if isinstance(line, Intent):
            open_intents.add(line.number)
        elif isinstance(line, Answer):
            open_intents.remove(line.number)
    assert open_intents == set()
