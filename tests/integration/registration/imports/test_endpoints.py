"""Tests imports through a running API process: uploads, reports, undos, and restarts of the process."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from simulator.seed.rows_matching_published_totals import HEADER, rows
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration.served_api import check_register
from tests.support.stack import Stack

pytestmark = pytest.mark.integration
PLAIN = tuple(name for name in HEADER if name not in ("campaign", "agency"))


SPREADSHEETS = Path(__file__).parents[3] / "support/samples/spreadsheets"
CHANGED_BY_EXCEL = b"name,nik,region,consent\n" + b"".join(
    f"Orang,3199{day}4101900000,31.71.01.1001,2026-01\n".encode() for day in range(50, 55)
)


def table(count: int, first: int = 0, header: tuple[str, ...] = PLAIN) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(header)
    for line in list(rows(first + count, 7))[first:]:
        writer.writerow([cell for name, cell in zip(HEADER, line, strict=True) if name in header])
    return file.getvalue().encode()


def import_folder(stack: Stack) -> Path:
    return stack.folder / "imports"


def folders_of_open_files(pid: int) -> set[Path]:
    """Return the folders of a process's open files, also of those without a name."""
    folders = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            folders.add(descriptor.readlink().parent)
    return folders


@pytest.fixture
async def officer(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    await stack.start(
        "api", env={"REGISTRATION_IMPORT_ROWS_MAX": "50", "REGISTRATION_IMPORT_BYTES_MAX": "300000"}
    )
    headers = {"Authorization": f"Bearer {stack.keys['officer']}", "Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=stack.url("api"), headers=headers, timeout=30) as client:
        yield client


async def ended(client: httpx.AsyncClient, import_id: str, state: str = "done") -> dict[str, object]:
    async def it_ended() -> dict[str, object] | None:
        body: dict[str, object] = (await client.get(f"/v1/imports/{import_id}")).json()
        return body if body["state"] == state else None

    body = await until(it_ended, 60)
    assert body is not None
    return body


async def test_an_upload_is_imported_and_the_same_upload_again_changes_nothing(
    officer: httpx.AsyncClient,
) -> None:
    first = await officer.post("/v1/imports", params={"name": "kecamatan.csv"}, content=table(300))
    status = await ended(officer, first.json()["id"])
    second = await officer.post("/v1/imports", content=table(300))

    assert first.status_code == 202
    assert first.headers["location"] == f"/v1/imports/{first.json()['id']}"
    assert (status["name"], status["accepted"], status["rejected"]) == ("kecamatan.csv", 300, 0)
    assert (second.status_code, second.json()["id"], second.json()["accepted"]) == (
        200,
        first.json()["id"],
        300,
    )


async def test_an_upload_counts_as_stock_unless_it_says_live(officer: httpx.AsyncClient) -> None:
    params = {"name": "malam.csv", "counts_as": "live"}
    live = await officer.post("/v1/imports", params=params, content=table(10))
    stock = await officer.post("/v1/imports", content=table(10, first=10))
    unknown = await officer.post("/v1/imports", params={"counts_as": "growth"}, content=table(10, first=20))

    assert (await ended(officer, live.json()["id"]))["counts_as"] == "live"
    assert (await ended(officer, stock.json()["id"]))["counts_as"] == "stock"
    assert unknown.status_code == 422


async def test_a_corrected_report_of_rejected_rows_can_be_imported(
    officer: httpx.AsyncClient, stack: Stack, database: Databases
) -> None:
    content = (
        "Nama;No. KTP;phone;Kelurahan;consent;Nama usaha;Bidang usaha\r\n"
        "Siti;3199014101900021;+6281234567801;31.71.01.1001;2026-01;;\r\n"
        "Budi;3199014101;+6281234567802;31.71.01.1001;2026-01;=Warung;kuliner\r\n"
        '"Ani;3199014101900023;;31.71.01.1001;2026-01;;\r\n'
    )
    import_id = (await officer.post("/v1/imports", content=content.encode())).json()["id"]
    await ended(officer, import_id)

    url = f"/v1/imports/{import_id}/rejected"
    report = await officer.get(url)
    admin = await officer.get(url, headers={"Authorization": f"Bearer {stack.keys['admin']}"})
    register = await asyncpg.connect(**database.registration.asyncpg_options())
    stored = await register.fetch("select cells from import_rejected_cells")

    lines = report.content.decode("utf-8-sig").splitlines()
    assert report.headers["content-type"].startswith("text/csv")
    assert lines[0] == "line;column;reason;sentence_id;sentence_en;" + content.splitlines()[0]
    assert lines[1].startswith(
        "3;No. KTP;nik_digits;NIK harus 16 angka.;A NIK has 16 digits.;Budi;3199014101;"
    )
    assert lines[1].endswith(";+6281234567802;31.71.01.1001;2026-01;'=Warung;kuliner")
    assert lines[2].startswith("4;row;row_unreadable;")
    assert admin.content == report.content
    assert all(b"Budi" not in row["cells"] and b"3199014101" not in row["cells"] for row in stored)

    corrected = "\n".join(lines[:2]).replace("3199014101;", "3199014101900022;")
    again = await officer.post("/v1/imports", content=corrected.encode())
    status = await ended(officer, again.json()["id"])
    business = await register.fetchval("select business->>'name' from participant where name = 'Budi'")
    await register.close()

    assert (status["accepted"], status["rejected"]) == (1, 0)
    assert business == "=Warung"


async def test_the_report_has_cells_only_for_the_uploader_and_admins(
    officer: httpx.AsyncClient, database: Databases
) -> None:
    content = b"name,nik,region,consent\nSiti,31990141,31.71.01.1001,2026-01\n"
    import_id = (await officer.post("/v1/imports", content=content)).json()["id"]
    await ended(officer, import_id)
    register = await asyncpg.connect(**database.registration.asyncpg_options())
    await register.execute("update import_file set caller = 'another'")
    await register.close()

    report = await officer.get(f"/v1/imports/{import_id}/rejected")

    assert report.content.decode("utf-8-sig") == (
        "line,column,reason,sentence_id,sentence_en\r\n"
        "2,nik,nik_digits,NIK harus 16 angka.,A NIK has 16 digits.\r\n"
    )


async def test_an_undo_withdraws_participants_and_its_file_cannot_be_imported_again(
    officer: httpx.AsyncClient,
) -> None:
    import_id = (await officer.post("/v1/imports", content=table(120))).json()["id"]
    await ended(officer, import_id)

    begun = await officer.post(f"/v1/imports/{import_id}/undo")
    status = await ended(officer, import_id, "undone")
    again = await officer.post("/v1/imports", content=table(120))

    assert begun.status_code == 202
    assert (status["undone"], status["kept"]) == (120, {"count": 0, "participants": []})
    assert (again.status_code, again.json()["type"].rsplit("/", 1)[1]) == (409, "import-undone")


async def test_a_restarted_api_continues_its_imports(officer: httpx.AsyncClient, stack: Stack) -> None:
    await stack.restart(
        "api", env={"REGISTRATION_CRASH_AT": "import.before_commit:3", "REGISTRATION_IMPORT_ROWS_MAX": "50"}
    )
    begun = await officer.post("/v1/imports", content=table(400))

    assert await stack.ended("api", 60) == -signal.SIGKILL
    await stack.restart("api")
    status = await ended(officer, begun.json()["id"])

    assert (status["accepted"], status["rejected"]) == (400, 0)


async def test_another_replica_continues_an_import_after_a_kill(stack: Stack, database: Databases) -> None:
    rows = {"REGISTRATION_IMPORT_ROWS_MAX": "20"}
    await stack.start("api-2", env=rows | {"REGISTRATION_CRASH_AT": "import.after_commit:3"})
    headers = {"Authorization": f"Bearer {stack.keys['officer']}"}
    async with (
        asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=1) as register,
        httpx.AsyncClient(headers=headers, timeout=30) as client,
    ):
        sent = await client.post(f"{stack.url('api-2')}/v1/imports", content=table(400))
        await stack.ended("api-2")
        written = await register.fetchval("select accepted from import_file")

        await stack.start("api", env=rows)
        client.base_url = httpx.URL(stack.url("api"))
        status = await ended(client, sent.json()["id"])

        await check_register(register)
        participants = await register.fetchval("select count(*) from participant")
        parts = await register.fetchval("select count(*) from import_part")
    assert written == 60
    assert (status["accepted"], status["rejected"]) == (400, 0)
    assert (participants, parts) == (400, 0)
    assert list(import_folder(stack).iterdir()) == []


async def test_nothing_of_an_upload_remains_if_its_process_is_killed(
    officer: httpx.AsyncClient, stack: Stack
) -> None:
    killed = asyncio.Event()

    async def half_a_file() -> AsyncIterator[bytes]:
        yield table(200)
        await killed.wait()

    sending = asyncio.create_task(officer.post("/v1/imports", content=half_a_file()))
    await until(lambda: import_folder(stack) in folders_of_open_files(stack.pid("api")), 30)
    stack.kill("api")
    killed.set()

    with pytest.raises(httpx.TransportError):
        await sending
    assert list(import_folder(stack).iterdir()) == []


async def test_a_folder_that_cannot_be_written_refuses_uploads_and_nothing_else(
    stack: Stack,
) -> None:
    await stack.start("api", env={"REGISTRATION_IMPORT_SPOOL_DIR": "/proc/imports"})
    headers = {"Authorization": f"Bearer {stack.keys['officer']}"}
    async with httpx.AsyncClient(base_url=stack.url("api"), headers=headers, timeout=30) as client:
        refused = await client.post("/v1/imports", content=table(1))
        unknown = await client.get(f"/v1/imports/{'0' * 64}")

    assert (refused.status_code, unknown.status_code) == (503, 404)
    assert "REGISTRATION_IMPORT_SPOOL_DIR" in stack.log("api").read_text()


async def test_a_file_whose_niks_excel_changed_is_held_until_an_officer_confirms_it(
    officer: httpx.AsyncClient, stack: Stack
) -> None:
    uploaded = await officer.post("/v1/imports", content=CHANGED_BY_EXCEL)
    import_id = uploaded.json()["id"]
    await stack.restart("api")
    again = await officer.post("/v1/imports", content=CHANGED_BY_EXCEL)
    confirmed = await officer.post(f"/v1/imports/{import_id}/confirm")
    status = await ended(officer, import_id)
    twice = await officer.post(f"/v1/imports/{import_id}/confirm")

    assert (uploaded.status_code, uploaded.json()["state"]) == (202, "held")
    assert uploaded.json()["fault"] == "nik_last_digits_lost"
    assert "Excel" in uploaded.json()["explanation"]["id"]
    assert (again.status_code, again.json()["state"], again.json()["last_row"]) == (202, "held", 0)
    assert (confirmed.status_code, confirmed.json()["state"]) == (202, "running")
    assert (status["accepted"], status["fault"]) == (5, None)
    assert twice.status_code == 200


@pytest.mark.parametrize("ending", ["xlsx", "ods", "xls"])
async def test_a_spreadsheet_is_imported_as_it_is(
    officer: httpx.AsyncClient, stack: Stack, ending: str
) -> None:
    content = (SPREADSHEETS / f"people.{ending}").read_bytes()
    uploaded = await officer.post("/v1/imports", content=content)
    status = await ended(officer, uploaded.json()["id"])
    again = await officer.post("/v1/imports", content=content)

    assert (status["accepted"], status["blank"], status["heading_lines"]) == (5, 2, 2)
    assert status["last_row"] == 9
    assert again.status_code == 200
    assert [(note["code"], note["about"]) for note in uploaded.json()["notes"]] == [
        ("sheet_not_read", ["Rekap"]),
        ("merged_cells", []),
    ]


async def test_a_dry_run_says_what_an_import_would_do_and_writes_nothing(
    officer: httpx.AsyncClient,
) -> None:
    known = table(3)
    await ended(officer, (await officer.post("/v1/imports", content=known)).json()["id"])
    lines = table(60, first=1).splitlines(keepends=True)
    damaged = b"Budi Contoh,31990141,+6282400000000,31.71.01.1001,,,2026-01,,\r\n"
    content = b"".join([*lines, lines[-1], b"\r\n", damaged])

    preview = await officer.post("/v1/imports", params={"dry_run": "true"}, content=content)
    uploaded = await officer.post("/v1/imports", content=content)
    status = await ended(officer, uploaded.json()["id"])

    said = preview.json()
    assert preview.status_code == 200
    assert (said["accepted"], said["differing"], said["rejected"], said["blank"]) == (58, 2, 2, 1)
    counts = ("accepted", "unchanged", "differing", "rejected", "blank", "heading_lines")
    assert {name: said[name] for name in counts} == {name: status[name] for name in counts}
    assert (said["format"], said["encoding"], said["separator"]) == ("csv", "utf-8-sig", ",")
    assert {(reason["column"], reason["reason"]) for reason in said["reasons"]} == {
        ("nik", "nik_digits"),
        ("nik", "duplicate_in_file"),
        ("region", "differs"),
    }
    assert said["columns"][1] == {"heading": "nik", "column": "nik"}
    assert "Budi" not in preview.text
    assert lines[1].split(b",")[1].decode() not in preview.text
    assert uploaded.status_code == 202


async def test_an_encrypted_spreadsheet_is_refused_at_once(officer: httpx.AsyncClient) -> None:
    content = (SPREADSHEETS / "encrypted.xlsx").read_bytes()
    refused = await officer.post("/v1/imports", content=content)

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "spreadsheet_encrypted")


async def test_columns_that_are_not_needed_are_ignored_on_request(officer: httpx.AsyncClient) -> None:
    content = b"No;name;nik;region;consent;Alamat\n1;Siti;3199014101900021;31.71.01.1001;2026-01;Jl. X 1\n"
    refused = await officer.post("/v1/imports", content=content)
    uploaded = await officer.post("/v1/imports", params={"ignore": ["no", "ALAMAT"]}, content=content)
    status = await ended(officer, uploaded.json()["id"])

    assert [error["pointer"] for error in refused.json()["errors"]] == ["/No", "/Alamat"]
    assert (status["accepted"], status["ignored"]) == (1, ["no", "ALAMAT"])


async def test_a_held_file_can_be_discarded(officer: httpx.AsyncClient) -> None:
    import_id = (await officer.post("/v1/imports", content=CHANGED_BY_EXCEL)).json()["id"]
    await officer.post(f"/v1/imports/{import_id}/undo")

    status = await ended(officer, import_id, "undone")

    assert (status["accepted"], status["undone"]) == (0, 0)
    assert (await officer.post(f"/v1/imports/{import_id}/confirm")).status_code == 200


@pytest.mark.parametrize(
    ("content", "code", "slug"),
    [
        (b"", 422, "unusable-file"),
        (b"name,nik,region,consent,alamat\n", 422, "unusable-file"),
        (b"x" * 300_001, 413, "too-large"),
    ],
)
async def test_an_unusable_or_too_large_upload_is_refused_at_once(
    officer: httpx.AsyncClient, content: bytes, code: int, slug: str
) -> None:
    refused = await officer.post("/v1/imports", content=content)

    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (code, slug)


async def test_only_officers_may_import(officer: httpx.AsyncClient, stack: Stack) -> None:
    booth = {"Authorization": f"Bearer {stack.keys['booth']}"}

    assert (await officer.post("/v1/imports", content=table(1), headers=booth)).status_code == 403
    assert (await officer.get(f"/v1/imports/{'0' * 64}")).status_code == 404
    assert (await officer.post(f"/v1/imports/{'0' * 64}/undo")).status_code == 404
