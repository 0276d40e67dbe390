"""An import and two API processes register the same people at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.registration_load import REGIONS, RegistrationClients, nik
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

ROWS = 3_000


async def test_people_registered_by_import_and_apis_at_once_are_counted_once_without_deadlocks(
    running_stack: Stack, observer: BoardObserver, tmp_path: Path
) -> None:
    await running_stack.start("api-2")
    people = tmp_path / "people.csv"
    rows = (f"Peserta Contoh,{nik(n)},{REGIONS[n % len(REGIONS)]},2026-01" for n in range(1, ROWS + 1))
    people.write_text("name,nik,region,consent\n" + "\n".join(rows) + "\n")
    urls = [running_stack.url("api"), running_stack.url("api-2")]

    # The clients begin with people in the middle of the file, so that they and the import register the same
    # people at the same time.
    async with RegistrationClients(
        urls, running_stack.keys["booth"], per_s=200, first=ROWS // 2, duplicates_allowed=True
    ) as clients:
        await until(lambda: len(clients.accepted) > 20)
        importing = asyncio.create_task(
            running_stack.command(
                "registration", "import", str(people), env={"REGISTRATION_IMPORT_ROWS_MAX": "100"}
            )
        )
        await until(importing.done, deadline_s=120)
        await until(lambda: len(clients.accepted) + len(clients.already_registered) > 300)
    await importing

    all_people = {nik(n) for n in range(1, ROWS + 1)} | {nik(n) for n in clients.accepted}
    await observer.wait_for_exactly(all_people)
    assert "deadlock" not in "".join(running_stack.logs().values())
