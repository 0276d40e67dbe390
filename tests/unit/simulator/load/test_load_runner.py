"""A night against a small register of our own over a real socket, which loses answers and answers 503."""

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

from simulator.load.expected_state import account
from simulator.load.ledger import Answer, Intent, Ledger, Run, read
from simulator.load.load_runner import Fest
from simulator.load.request_sender import Sender
from simulator.load.scenario import Crowd
from simulator.verify.reconciliation import settle

RUN = Run(run="r", seed=7, first_person=0, campaign="fest", probe_campaign="probe")
REGIONS = ["31.71.01.1001", "31.71.01.1002"]


class SmallRegister:
    """Keeps the promises that the ledger relies on: one participant a NIK, one answer a key, revisions."""

    def __init__(self, dice: random.Random, trouble: float) -> None:
        self._dice = dice
        self._trouble = trouble
        self._answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self._by_nik: dict[str, str] = {}
        self.participants: dict[str, dict[str, Any]] = {}

    async def take(self, request: web.Request) -> web.StreamResponse:
        throw = self._dice.random()
        if throw < self._trouble / 2:
            return web.Response(status=503, headers={"Retry-After": "1"})
        key, body = request.headers["Idempotency-Key"], await request.json()
        if key not in self._answers:
            self._answers[key] = self._register(body) if "nik" in body else self._change(request, body)
        if throw < self._trouble:
            return web.Response(status=500)  # done, and the answer lost
        status, answer = self._answers[key]
        return web.json_response(answer, status=status)

    def _register(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        known = self.participants.get(self._by_nik.get(body["nik"], ""))
        if known is not None and known["standing"] == "registered":
            return 409, {}
        identity = self._by_nik.setdefault(body["nik"], f"p{len(self._by_nik)}")
        held = {"region": body["region"], "revision": 1, "standing": "registered", "steps": []}
        self.participants[identity] = held
        return 201, {"participant_id": identity, "revision": 1}

    def _change(self, request: web.Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        identity, action = request.match_info["id"], request.match_info["action"]
        held = self.participants[identity]
        if int(request.headers["If-Match"]) != held["revision"]:
            return 412, {}
        held["revision"] += 1
        if action == "move":
            held["region"] = body["region"]
        elif action == "steps":
            held["steps"] = sorted({*held["steps"], body["step"]})
        elif action == "withdraw":
            held["standing"] = "withdrawn"
        return 200, {"participant_id": identity, "revision": held["revision"]}


@asynccontextmanager
async def night(register: SmallRegister, path: Path, patience_s: float) -> AsyncIterator[Fest]:
    app = web.Application()
    app.router.add_post("/v1/participants", register.take)
    app.router.add_post("/v1/participants/{id}/{action}", register.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    ledger = Ledger(path)
    flushing = asyncio.ensure_future(ledger.flushing(pause_s=0))
    try:
        async with aiohttp.ClientSession() as http:
            sender = Sender(http, url, "key", patience_s, sleep=at_once)
            await ledger.put(RUN)
            yield Fest(RUN, ledger, Crowd(random.Random(3), "fest", REGIONS, [1.0, 1.0], 0), sender, sender)
    finally:
        flushing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flushing
        ledger.close()
        await runner.cleanup()


async def at_once(_seconds: float) -> None:
    """Time is not what is tested here."""


async def test_lost_answers_and_overload_lose_and_double_nobody(tmp_path: Path) -> None:
    register, path = SmallRegister(random.Random(5), 0.3), tmp_path / "r.jsonl"
    async with night(register, path, 1_000) as fest:
        await fest.play(iter([0.0] * 400), asyncio.Event())

    result = account(read(path))
    assert (result.faults, result.unsettled) == ([], [])
    assert fest.progress.sent == 400
    assert fest.progress.retried > 50
    assert set(result.known) == set(register.participants)
    for known in result.known.values():
        held = register.participants[known.participant]
        assert (known.region, known.revision, known.standing) == (
            held["region"],
            held["revision"],
            held["standing"],
        )
        assert sorted(known.steps) == held["steps"]


async def test_what_stayed_unknown_is_settled_afterwards_by_its_key(tmp_path: Path) -> None:
    register, path = SmallRegister(random.Random(6), 0.4), tmp_path / "r.jsonl"
    async with night(register, path, 0.0) as fest:
        await fest.play(iter([0.0] * 200), asyncio.Event())
        before = account(read(path)).unsettled
        for _ in range(50):
            if not await settle(path, fest.sender_of):
                break

    result = account(read(path))
    assert len(before) > 20
    assert (result.faults, result.unsettled) == ([], [])
    assert set(result.known) == set(register.participants)


async def test_every_intent_is_in_the_ledger_before_its_answer(tmp_path: Path) -> None:
    register, path = SmallRegister(random.Random(7), 0.0), tmp_path / "r.jsonl"
    async with night(register, path, 1.0) as fest:
        await fest.play(iter([0.0] * 60), asyncio.Event())

    open_intents: set[int] = set()
    for line in read(path):
        if isinstance(line, Intent):
            open_intents.add(line.number)
        elif isinstance(line, Answer):
            open_intents.remove(line.number)
    assert open_intents == set()
