"""An import and two API processes register the same people at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.registration_load import REGIONS, Crowd, nik
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

ROWS = 3_000


@pytest.mark.timeout(180)
async def test_each_person_is_registered_once_whoever_comes_first_and_nobody_waits_for_a_deadlock(
    counting: Stack, witness: Witness, tmp_path: Path
) -> None:
    await counting.start("api-2")
    people = tmp_path / "people.csv"
    rows = (f"Peserta Contoh,{nik(n)},{REGIONS[n % len(REGIONS)]},2026-01" for n in range(1, ROWS + 1))
    people.write_text("name,nik,region,consent\n" + "\n".join(rows) + "\n")
    doors = [counting.url("api"), counting.url("api-2")]

    # The crowd begins in the middle of the file, so that both meet the same people at about the same time.
    async with Crowd(doors, counting.keys["booth"], per_s=200, first=ROWS // 2, taken_is_fine=True) as crowd:
        await until(lambda: len(crowd.accepted) > 20)
        importing = asyncio.create_task(
            counting.command(
                "registration", "import", str(people), env={"REGISTRATION_IMPORT_ROWS_MAX": "100"}
            )
        )
        await until(importing.done, deadline_s=60)
        await until(lambda: len(crowd.accepted) + len(crowd.taken) > 300)
    await importing

    everybody = {nik(n) for n in range(1, ROWS + 1)} | {nik(n) for n in crowd.accepted}
    await witness.sees_exactly(everybody)
    assert "deadlock" not in "".join(counting.logs().values())
