"""An import into a real database registers the right participants, for any file and interruption."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from lifecycle.stop_signal import StopSignal
from registration.imports import store
from registration.imports.chunk_encoding import pack
from registration.imports.row_validation import CountsAs, ValidatedChunk
from registration.imports.store import ImportInterruptedError, ImportState
from registration.imports.undo import begin_undo
from simulator.seed.rows_matching_published_totals import HEADER, region_totals, step_totals
from tests.integration.registration.imports.conftest import ImportEnvironment, Line

pytestmark = pytest.mark.integration


def changed(line: Line, **cells: str) -> Line:
    return [cells.get(name, cell) for name, cell in zip(HEADER, line, strict=True)]


async def test_every_row_becomes_a_participant_and_one_event_with_its_steps(
    imports: ImportEnvironment,
) -> None:
    status = await imports.run(imports.file(imports.people(250)))

    assert (status.state, status.accepted, status.rejected, status.last_row) == (
        ImportState.DONE,
        250,
        0,
        251,
    )
    assert await imports.counts() == (250, 250)
    values = [json.loads(row["value"]) for row in await imports.pool.fetch("SELECT value FROM event")]
    afters = [value["data"]["after"] for value in values]
    assert Counter(after["region"] for after in afters) == Counter(
        {k: n for k, n in region_totals(250).items() if n}
    )
    assert Counter(step for after in afters for step in after["steps"]) == Counter(step_totals(250))
    assert {value["data"]["channel"] for value in values} == {"import"}


async def test_an_import_adds_stock_unless_it_says_live_and_a_repeat_changes_neither(
    imports: ImportEnvironment,
) -> None:
    people = imports.people(30)
    stock = imports.file(people[:20], "stock.csv")
    live = imports.file(people[20:], "live.csv")

    await imports.run(stock)
    await imports.run(live, counts_as=CountsAs.LIVE)
    repeated = await imports.run(stock, counts_as=CountsAs.LIVE)

    assert (repeated.counts_as, repeated.accepted) == (CountsAs.STOCK, 20)
    is_stock = "SELECT stock, count(*) FROM participant GROUP BY stock ORDER BY stock"
    assert [tuple(row) for row in await imports.pool.fetch(is_stock)] == [(False, 10), (True, 20)]
    afters = [
        json.loads(row["value"])["data"]["after"] for row in await imports.pool.fetch("SELECT * FROM event")
    ]
    assert Counter(after.get("stock") for after in afters) == {True: 20, None: 10}


async def test_a_withdrawn_live_participant_becomes_stock_if_an_import_registers_it_again(
    imports: ImportEnvironment,
) -> None:
    people = imports.people(2)
    await imports.run(imports.file(people[:1], "live.csv"), counts_as=CountsAs.LIVE)
    live_import = await imports.begin(imports.file(people[:1], "live.csv"))
    async with imports.pool.acquire() as connection:
        await begin_undo(connection, live_import)
    await imports.importer().undo(live_import, StopSignal())

    await imports.run(imports.file(people, "stock.csv"))

    rows = await imports.pool.fetch("SELECT value FROM event ORDER BY recorded_at, sequence")
    changes = [json.loads(row["value"])["data"] for row in rows]
    live, undone, *again = [(change["before"], change["after"]) for change in changes]
    assert "stock" not in live[1]
    assert undone == (live[1], None)
    assert [after.get("stock") for _, after in again] == [True, True]
    assert await imports.pool.fetchval("SELECT count(*) FROM participant WHERE stock") == 2


async def test_an_event_carries_its_own_partition_sequence_and_time(imports: ImportEnvironment) -> None:
    await imports.run(imports.file(imports.people(30)))

    rows = await imports.pool.fetch("SELECT * FROM event")
    for row in rows:
        value = json.loads(row["value"])
        assert (value["partition"], value["sequence"]) == (row["partition"], row["sequence"])
        assert (value["id"], value["subject"]) == (str(row["id"]), str(row["participant_id"]))
        assert value["time"].startswith(row["recorded_at"].strftime("%Y-%m-%dT%H:%M:%S"))
        assert value["time"].endswith("Z")


async def test_encrypted_niks_can_be_decrypted(imports: ImportEnvironment) -> None:
    (line,) = imports.people(1)
    await imports.run(imports.file([line]))

    row = await imports.pool.fetchrow("SELECT * FROM participant")
    assert row is not None
    assert imports.cipher.open(row["nik_cipher"], b"nik\0" + row["nik_hmac"]) == line[HEADER.index("nik")]
    assert row["name"] == line[HEADER.index("name")]
    assert json.loads(row["business"]) == {
        "name": line[HEADER.index("business_name")],
        "category": line[HEADER.index("business_category")],
    }


async def test_the_same_file_twice_changes_nothing(imports: ImportEnvironment) -> None:
    path = imports.file(imports.people(120))
    first = await imports.run(path)

    second = await imports.run(path)

    assert second == first
    assert await imports.counts() == (120, 120)


async def test_a_stopped_import_continues_after_its_last_row(imports: ImportEnvironment) -> None:
    path = imports.file(imports.people(250))
    stopped = await imports.run(path, rows_max=40, stop_after=2)

    status = await imports.run(path, rows_max=100)

    assert (stopped.state, stopped.last_row, stopped.accepted) == (ImportState.RUNNING, 81, 80)
    assert (status.state, status.accepted, status.rows) == (ImportState.DONE, 250, 250)
    assert await imports.counts() == (250, 250)


async def test_invalid_rows_are_rejected_with_row_column_and_reason_and_valid_rows_imported(
    imports: ImportEnvironment,
) -> None:
    good = imports.people(12)
    lines = [
        changed(good[0], nik="123"),
        changed(good[1], nik="3199019902900001"),
        changed(good[2], region="31.71.01"),
        changed(good[3], region="31.71.01.9999"),
        changed(good[4], campaign="unheard-of", agency="nobody"),
        changed(good[5], name=""),
        changed(good[6], phone="12"),
        changed(good[7], steps="P2;P9"),
        changed(good[8], occurred_at="2999-01-01T00:00:00Z"),
        changed(good[9], business_name=""),
        good[10][:-1],
        changed(good[11], name="Nul\u0000a", consent="1999-01"),
    ]

    status = await imports.run(imports.file([*lines, *imports.people(3, first=12)]))

    assert (status.accepted, status.rejected) == (3, 12)
    assert await imports.rejected(status.id) == [
        (2, "nik", "nik_digits"),
        (3, "nik", "nik_date"),
        (4, "region", "region_not_kelurahan"),
        (5, "region", "region_unknown"),
        (6, "agency", "agency_unknown"),
        (6, "campaign", "campaign_unknown"),
        (7, "name", "missing"),
        (8, "phone", "phone"),
        (9, "steps", "literal_error"),
        (10, "occurred_at", "in_the_future"),
        (11, "business_name", "missing"),
        (12, "row", "cell_count"),
        (13, "consent", "consent_unknown"),
        (13, "name", "control_characters"),
    ]


async def test_a_repeated_nik_is_rejected_and_a_known_person_is_unchanged(imports: ImportEnvironment) -> None:
    people = imports.people(6)
    await imports.run(imports.file(people[:2], "first.csv"))

    lines = [people[2], people[2], people[0], people[3], people[4], people[2], people[1]]
    status = await imports.run(imports.file(lines, "second.csv"), rows_max=4)

    assert await imports.rejected(status.id) == [
        (3, "nik", "duplicate_in_file"),
        (7, "nik", "duplicate_in_file"),
    ]
    assert (status.accepted, status.unchanged, status.differing, status.rejected) == (3, 2, 0, 2)
    assert await imports.counts() == (5, 5)


async def test_a_row_that_differs_from_the_register_is_reported_and_changes_nothing(
    imports: ImportEnvironment,
) -> None:
    people = imports.people(3)
    await imports.run(imports.file(people, "first.csv"))
    before = await imports.pool.fetch("SELECT * FROM participant ORDER BY id")

    lines = [
        changed(people[0], name="Nama Lain", phone="+6281311112222", business_category="jasa"),
        changed(people[1], phone="", steps="P2 P3 P4 P5 P6 P7"),
        people[2],
    ]
    status = await imports.run(imports.file(lines, "second.csv"))

    assert await imports.rejected(status.id) == [
        (2, "business_category", "differs"),
        (2, "name", "differs"),
        (2, "phone", "differs"),
        (3, "steps", "differs"),
    ]
    assert (status.accepted, status.unchanged, status.differing, status.rejected) == (0, 1, 2, 0)
    assert await imports.pool.fetch("SELECT * FROM participant ORDER BY id") == before


async def test_a_repeated_file_tries_its_rejected_rows_again(imports: ImportEnvironment) -> None:
    people = imports.people(5)
    lines = [changed(line, campaign="fest-nanti") if row < 2 else line for row, line in enumerate(people)]
    path = imports.file(lines)
    first = await imports.run(path)
    await imports.pool.execute("INSERT INTO campaign (id, name) VALUES ('fest-nanti', 'Contoh')")

    second = await imports.run(path)

    assert (first.accepted, first.rejected, first.runs) == (3, 2, 1)
    assert (second.id, second.state, second.runs) == (first.id, ImportState.DONE, 2)
    assert (second.accepted, second.unchanged, second.rejected) == (2, 3, 0)
    assert await imports.rejected(second.id) == []
    assert await imports.counts() == (5, 5)
    assert await undo(imports, second.id) == 5


async def test_a_stray_quotation_mark_rejects_only_its_own_line(imports: ImportEnvironment) -> None:
    path = imports.file(imports.people(30))
    lines = path.read_text().splitlines()
    lines[4] = f'"{lines[4]}'
    lines[20] = lines[20].replace(",", ',"', 1)
    path.write_text("\r\n".join(lines))

    status = await imports.run(path, rows_max=7)

    assert (status.accepted, status.rejected, status.last_row) == (28, 2, 31)
    assert await imports.rejected(status.id) == [(5, "row", "row_unreadable"), (21, "row", "row_unreadable")]


async def test_every_line_of_a_file_is_accounted_for(imports: ImportEnvironment) -> None:
    path = imports.file(imports.people(9))
    header, *lines = path.read_text().splitlines()
    lines[3] = ""
    lines[5] = "," * header.count(",")
    path.write_text("\n".join(["Daftar peserta", "", header, *lines, lines[0], ""]))

    status = await imports.run(path, rows_max=2)

    assert (status.heading_lines, status.blank, status.accepted, status.rejected) == (2, 3, 7, 1)
    assert status.last_row == 2 + 3 + 7 + 1


async def test_an_import_registers_withdrawn_participants_again(imports: ImportEnvironment) -> None:
    people = imports.people(3)
    first = await imports.run(imports.file(people, "first.csv"))
    await undo(imports, first.id)

    status = await imports.run(imports.file([people[1], people[2]], "again.csv"))

    assert (status.accepted, status.rejected) == (2, 0)
    assert await imports.counts() == (2, 8)
    revisions = await imports.pool.fetch("SELECT revision FROM participant WHERE standing = 'registered'")
    assert [row["revision"] for row in revisions] == [3, 3]
    former = await imports.pool.fetch("SELECT revision, name FROM former_registration")
    assert {tuple(row) for row in former} == {(2, person[HEADER.index("name")]) for person in people[1:]}
    again = await undo(imports, status.id)
    assert again == 2


async def undo(imports: ImportEnvironment, import_id: str) -> int:
    async with imports.pool.acquire() as connection:
        await begin_undo(connection, import_id)
    return (await imports.importer().undo(import_id, StopSignal())).undone


async def test_an_undo_withdraws_all_but_changed_participants(imports: ImportEnvironment) -> None:
    status = await imports.run(imports.file(imports.people(150)))
    touched = await imports.pool.fetchval(
        "UPDATE participant SET revision = 2, changed_at = now()"
        " WHERE id = (SELECT min(id::text)::uuid FROM participant) RETURNING id"
    )

    withdrawn = await undo(imports, status.id)

    assert withdrawn == 149
    left = await imports.pool.fetch("SELECT id, import_id FROM participant WHERE standing = 'registered'")
    assert [(row["id"], row["import_id"]) for row in left] == [(touched, status.id)]
    assert await imports.counts() == (1, 299)


async def test_an_import_that_is_being_undone_does_not_continue(imports: ImportEnvironment) -> None:
    path = imports.file(imports.people(100))
    stopped = await imports.run(path, rows_max=20, stop_after=1)
    await undo(imports, stopped.id)

    status = await imports.run(path)

    assert (status.state, status.accepted, status.undone) == (ImportState.UNDONE, 20, 20)
    assert await imports.counts() == (0, 40)


async def test_a_process_that_is_behind_another_with_the_same_file_is_interrupted(
    imports: ImportEnvironment,
) -> None:
    path = imports.file(imports.people(60))
    import_id = await imports.begin(path)
    other = await imports.run(path, rows_max=20, stop_after=1)
    assert other.last_row == 21

    async def behind() -> None:
        async with imports.pool.acquire() as connection:
            packed = pack(ValidatedChunk(11, [], []), imports.importer().new_id)
            await store.write_chunk(
                connection,
                import_id,
                packed,
                0,
                store.WriteRules(
                    imports.importer().new_id, imports.importer().differing_columns, lambda numbers: []
                ),
            )

    with pytest.raises(ImportInterruptedError, match="another process"):
        await behind()


async def test_only_the_row_that_the_database_refuses_is_rejected(imports: ImportEnvironment) -> None:
    await imports.pool.execute("ALTER TABLE participant ADD CONSTRAINT odd CHECK (name <> 'Tak Tersimpan')")
    people = imports.people(20)

    status = await imports.run(
        imports.file([*people[:7], changed(people[7], name="Tak Tersimpan"), *people[8:]])
    )

    assert (status.state, status.accepted, status.rejected, status.last_row) == (ImportState.DONE, 19, 1, 21)
    assert await imports.rejected(status.id) == [(9, "row", "unstorable")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "file_empty"),
        ("name,nik\n", "column_missing: region, consent"),
        ("name,nik,region,consent,shoe_size\n", "column_unknown: shoe_size"),
        ("name,nik,region,consent,nik\n", "column_twice: nik"),
    ],
)
async def test_a_file_with_an_invalid_header_fails_as_a_whole(
    imports: ImportEnvironment, text: str, fault: str
) -> None:
    path: Path = imports.folder / "odd.csv"
    path.write_text(text, encoding="utf-8")

    status = await imports.run(path)

    assert (status.state, status.fault, status.accepted) == (ImportState.FAILED, fault, 0)
