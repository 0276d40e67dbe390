"""Runs the commands `import` and `undo` as processes.

The tests kill, interrupt and repeat the commands, and run them while other processes write.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import uuid_utils.compat

from registration.cipher import Cipher
from registration.domain.idempotent_operation import Answer, Operation
from registration.imports.column_validation import ImportedRegistration
from registration.intake.transaction import write
from registration.requests.command_mapping import register_command
from registration.store.error_classification import ConcurrentWriteError
from simulator.seed.rows_matching_published_totals import HEADER
from tests.integration.registration.imports.conftest import SECRET, ImportEnvironment
from tests.support.deadlines import until
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration
DEADLINE_S = 60
SPREADSHEETS = Path(__file__).parents[3] / "support/samples/spreadsheets"


async def command(database: Databases, *arguments: str, **settings: str) -> asyncio.subprocess.Process:
    environment = {
        "PATH": os.environ["PATH"],
        **database.registration_api.environment("registration"),
        "REGISTRATION_SECRET_KEY": base64.b64encode(SECRET).decode(),
        "REGISTRATION_IMPORT_ROWS_MAX": "100",
        **settings,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "registration",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run_command(database: Databases, *arguments: str, **settings: str) -> tuple[int | None, str, str]:
    process = await command(database, *arguments, **settings)
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("point", ["import.before_commit:4", "import.after_commit:4"])
async def test_an_import_killed_at_a_commit_continues_and_is_exact(
    imports: ImportEnvironment, database: Databases, point: str
) -> None:
    path = imports.file(imports.people(1_000))

    killed, _, _ = await run_command(database, "import", str(path), REGISTRATION_CRASH_AT=point)
    half, _ = await imports.counts()
    code, out, err = await run_command(database, "import", str(path))

    assert killed == -signal.SIGKILL
    assert half == (300 if "before" in point else 400)
    assert code == 0, err
    assert "1,000 accepted, 0 unchanged, 0 differing, 0 rejected" in out
    assert await imports.counts() == (1_000, 1_000)


async def test_an_import_from_the_command_line_can_count_as_live(
    imports: ImportEnvironment, database: Databases
) -> None:
    path = imports.file(imports.people(5))

    code, out, err = await run_command(database, "import", str(path), "--counts-as", "live")

    assert code == 0, err
    assert "5 accepted, 0 unchanged, 0 differing, 0 rejected; counted as live" in out
    assert await imports.pool.fetchval("SELECT count(*) FROM participant WHERE stock") == 0


async def test_importing_a_file_again_reports_it_and_changes_nothing(
    imports: ImportEnvironment, database: Databases
) -> None:
    path = imports.file(imports.people(150))
    await run_command(database, "import", str(path))

    code, _, err = await run_command(database, "import", str(path))

    assert code == 0
    assert "imported before, nothing changes" in " ".join(err.split())
    assert await imports.counts() == (150, 150)


async def test_an_interrupted_import_stops_between_chunks_and_prints_how_to_continue(
    imports: ImportEnvironment, database: Databases
) -> None:
    path = imports.file(imports.people(20_000))
    process = await command(database, "import", str(path), REGISTRATION_IMPORT_ROWS_MAX="50")

    async def a_chunk_is_written() -> bool:
        return bool(await imports.pool.fetchval("SELECT accepted > 0 FROM import_file"))

    await until(a_chunk_is_written, DEADLINE_S)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)

    stopped = await imports.pool.fetchrow("SELECT * FROM import_file")
    assert stopped is not None
    assert process.returncode == 1
    assert stopped["state"] == "running"
    assert 0 < stopped["accepted"] < 20_000
    assert f"go on with: python -m registration import {path}" in " ".join(err.decode().split())
    assert await imports.counts() == (stopped["accepted"], stopped["accepted"])


async def test_an_interrupted_import_goes_on_without_the_columns_that_it_ignored(
    imports: ImportEnvironment, database: Databases
) -> None:
    people = [(*line, "Jalan Contoh") for line in imports.people(300)]
    path = str(imports.file(people, header=(*HEADER, "Alamat")))

    refused, _, err = await run_command(database, "import", path)
    killed, _, _ = await run_command(
        database, "import", path, "--ignore", "alamat", REGISTRATION_CRASH_AT="import.after_commit:1"
    )
    code, out, _ = await run_command(database, "import", path)

    assert refused == 1
    assert "column_unknown: Alamat" in err
    assert killed == -signal.SIGKILL
    assert (code, "300 accepted" in out) == (0, True)


async def test_a_file_whose_niks_excel_changed_is_imported_only_after_a_confirmation(
    imports: ImportEnvironment, database: Databases
) -> None:
    path = imports.folder / "people.csv"
    rows = [f"Orang {day},3199{day}4101900000,31.71.01.1001,2026-01" for day in range(50, 55)]
    path.write_text("\n".join(["name,nik,region,consent", *rows]))

    held, _, err = await run_command(database, "import", str(path))
    written = await imports.counts()
    import_id = await imports.pool.fetchval("SELECT id FROM import_file")
    confirmed, _, _ = await run_command(database, "confirm", import_id)
    code, out, _ = await run_command(database, "import", str(path))
    again, _, refused = await run_command(database, "confirm", import_id)

    assert (held, written) == (1, (0, 0))
    assert "Excel keeps only 15 digits" in err
    assert f"confirm {import_id}" in err
    assert (confirmed, code) == (0, 0)
    assert "5 accepted" in out
    assert (again, refused.strip()) == (1, "there is no held import with this id")


async def test_a_check_prints_what_an_import_would_do_and_writes_nothing(
    imports: ImportEnvironment, database: Databases
) -> None:
    code, out, err = await run_command(database, "import", str(SPREADSHEETS / "people.xlsx"), "--check")

    assert (code, err.count("\n") > 0) == (0, True)
    assert "file: xlsx, sheet Peserta" in out
    assert "No. KTP = nik" in out
    assert "row: S*** C***** | 3199**********21 | 31.71.01.1001 | 2026-01 | 0812******01 |" in out
    assert "not imported. Rekap" in out
    assert "would be: 5 accepted, 0 unchanged, 0 differing, 0 rejected" in out
    assert await imports.counts() == (0, 0)
    assert await imports.pool.fetchval("SELECT count(*) FROM import_file") == 0


async def test_a_spreadsheet_is_imported_and_continued_like_a_text_file(
    imports: ImportEnvironment, database: Databases
) -> None:
    path = str(SPREADSHEETS / "people.ods")
    rows_max = {"REGISTRATION_IMPORT_ROWS_MAX": "2"}

    killed, _, _ = await run_command(
        database, "import", path, REGISTRATION_CRASH_AT="import.after_commit:1", **rows_max
    )
    code, out, err = await run_command(database, "import", path, **rows_max)

    assert killed == -signal.SIGKILL
    assert code == 0, err
    assert "5 accepted" in out
    assert await imports.counts() == (5, 5)


async def test_the_report_of_rejected_rows_repeats_their_cells(
    imports: ImportEnvironment, database: Databases
) -> None:
    people = imports.people(5)
    nik = HEADER.index("nik")
    broken = [*people[0][:nik], "12345", *people[0][nik + 1 :]]
    report = imports.folder / "rejected.csv"

    code, out, _ = await run_command(
        database, "import", str(imports.file([*people[1:], broken])), "--rejected", str(report)
    )

    assert code == 0
    assert "4 accepted, 0 unchanged, 0 differing, 1 rejected" in out
    assert "of 6 lines, 1 are headings and 0 are blank" in out
    lines = report.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == f"line,column,reason,sentence_id,sentence_en,{','.join(HEADER)}"
    assert lines[1] == f"6,nik,nik_digits,NIK harus 16 angka.,A NIK has 16 digits.,{','.join(broken)}"
    assert len(lines) == 2
    assert report.stat().st_mode & 0o077 == 0


async def test_a_killed_undo_continues_and_lists_the_participants_it_keeps(
    imports: ImportEnvironment, database: Databases
) -> None:
    _, out, _ = await run_command(database, "import", str(imports.file(imports.people(500))))
    found = re.search(r"import ([0-9a-f]{64})", out)
    assert found is not None
    kept = await imports.pool.fetchval(
        "UPDATE participant SET revision = 2 WHERE id = (SELECT id FROM participant LIMIT 1) RETURNING id"
    )

    killed, _, _ = await run_command(
        database, "undo", found[1], REGISTRATION_CRASH_AT="import.before_undo_commit:3"
    )
    half, _ = await imports.counts()
    code, out, err = await run_command(database, "undo", found[1])

    assert killed == -signal.SIGKILL
    assert half == 300
    assert code == 0, err
    assert "499 withdrawn, 1 kept" in out
    assert f"kept {kept}" in out
    assert await imports.counts() == (1, 999)


async def test_an_unknown_import_cannot_be_undone(database: Databases, imports: ImportEnvironment) -> None:
    code, _, err = await run_command(database, "undo", "0" * 64)

    assert (code, err.strip().splitlines()[-1]) == (1, "there is no such import")


async def test_concurrent_writers_of_the_same_niks_never_deadlock_and_register_each_once(
    imports: ImportEnvironment,
) -> None:
    people = imports.people(600)
    path: Path = imports.file(people)
    cipher, before = Cipher(SECRET), await deadlocks(imports)

    def operation(number: int, line: tuple[str, ...]) -> Operation:
        row = dict(zip(HEADER, line, strict=True))
        form = ImportedRegistration(row["name"], row["nik"], row["region"], row["consent"])
        command = register_command(form, cipher, "booth", uuid_utils.compat.uuid7)
        return Operation(f"caller {number}", "register", row["nik"], b"", command, "booth")

    async def booth(number: int) -> int:
        accepted = 0
        for at in range(0, len(people), 50):
            batch = [operation(number, line) for line in reversed(people[at : at + 50])]
            answers = await write_until_complete(imports, batch)
            accepted += sum(answer.outcome == "done" for answer in answers)
        return accepted

    status, *booths = await asyncio.gather(imports.run(path, rows_max=60), booth(1), booth(2))

    assert status.accepted + sum(booths) == 600
    assert status.accepted + status.unchanged + status.differing == 600
    assert await imports.counts() == (600, 600)
    assert await deadlocks(imports) == before


async def write_until_complete(imports: ImportEnvironment, batch: list[Operation]) -> list[Answer]:
    for _ in range(20):
        async with imports.pool.acquire() as connection:
            try:
                return await write(connection, batch, uuid_utils.compat.uuid7)
            except ConcurrentWriteError:
                continue
    raise TimeoutError("every attempt met a concurrent writer")


async def deadlocks(imports: ImportEnvironment) -> int:
    count: int = await imports.pool.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return count
