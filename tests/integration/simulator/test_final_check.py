"""The demo's final check on the whole system, while visitors register beside the simulator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from simulator.clients.access_keys import AccessKeys
from simulator.clients.board_client import BoardClient
from simulator.load.expected_state import expected_state
from simulator.load.ledger import read
from simulator.load.load_setup import CAMPAIGN, LoadOptions, Session, arrival_times, open_session
from simulator.seed.seeding import seed_register
from simulator.verify.count_check import count_errors, register_errors
from simulator.verify.register_contents import open_register_contents
from tests.support.postgres_server import Databases
from tests.support.stack import Stack

pytestmark = pytest.mark.integration
PROCESSES = ("api", "relay", "audit", "worker", "publisher", "board")
WAIT_S = 60.0


def load_options(stack: Stack, folder: Path) -> LoadOptions:
    return LoadOptions(stack.url("api"), 20.0, 3.0, 7, folder / "keys.env", folder / "ledgers")


async def visit(http: aiohttp.ClientSession, url: str, serial: int) -> None:
    """Register a person by the public form."""
    form = {
        "name": "Siti Contoh",
        "nik": f"319901010190{serial:04d}",
        "phone": "08123456789",
        "region": "31.71.01.1001",
        "consent": "2026-01",
    }
    async with http.post(f"{url}/daftar", data=form) as response:
        assert str(response.url.path) == "/daftar/diterima", await response.text()


async def test_visitors_registrations_are_listed_and_cause_no_error(
    stack: Stack, database: Databases, tmp_path: Path
) -> None:
    await stack.start(*PROCESSES)
    options = load_options(stack, tmp_path)
    async with (
        open_session(options, AccessKeys(**stack.keys)) as session,
        open_register_contents(database.registration) as register,
    ):
        await visit(session.http, stack.url("api"), 1)
        start = await register.positions()

        await session.runner.play(arrival_times(options), session.stopping)
        await visit(session.http, stack.url("api"), 2)
        await visit(session.http, stack.url("api"), 3)

        result = expected_state(read(session.path))
        board = BoardClient(session.http, stack.url("board"))
        assert len(result.known) > 10
        assert await register_errors(session.register, result) == []
        assert await count_errors(board, register, CAMPAIGN, WAIT_S) == []
        assert await register.others_registrations(start, result.known) == Counter(web=2)


async def test_a_board_that_differs_from_the_register_is_an_error(
    stack: Stack, database: Databases, tmp_path: Path
) -> None:
    await stack.start("api", "relay", "audit", "publisher", "board")
    async with (
        open_session(load_options(stack, tmp_path), AccessKeys(**stack.keys)) as session,
        open_register_contents(database.registration) as register,
    ):
        await visit(session.http, stack.url("api"), 1)

        errors = await count_errors(BoardClient(session.http, stack.url("board")), register, CAMPAIGN, 1.0)

        assert len(errors) == 1


async def test_an_import_is_reported_only_by_the_run_that_made_it(stack: Stack, tmp_path: Path) -> None:
    await stack.start("api")
    async with open_session(load_options(stack, tmp_path), AccessKeys(**stack.keys)) as session:
        first, second = [await seeded(session, tmp_path) for _ in range(2)]

    assert first.startswith("30 participants")
    assert second == "nothing; an earlier run imported 30 participants"


async def seeded(session: Session, folder: Path) -> str:
    return str(await seed_register(session.register, folder / "demo", 30, 7, lambda *_: None))
