"""The statements write, read and erase every field of a participant, also a field that is new."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from database.sql_files import load_queries
from registration.domain.participant import Participant, Person, Standing, Status
from registration.store import register_rows
from registration.store.array_literals import uuids
from registration.store.participant_columns import (
    COLUMNS,
    changed_columns,
    columns_of,
    encode,
    erased_columns,
    new_columns,
    sql_fragments,
)
from registration.store.register_rows import NO_EVENTS, NO_KEYS, QUERIES

pytestmark = pytest.mark.integration

TIMES_OF_THE_ROW = {"recorded_at", "changed_at", "erased_at"}
ID = UUID(int=7)
PERSON = Person(
    nik_hmac=b"nik",
    nik_cipher=b"\x00cipher\\",
    phone_cipher=b"phone",
    cipher_key_id="key",
    name='Sri "Contoh", {a}',
    business='{"name": "Warung", "category": "kuliner"}',
    consent="2026-01",
    channel="booth",
    booth="booth-07",
    occurred_at=datetime(2021, 10, 24, 12, tzinfo=UTC),
    import_id="import",
)
# A field that is new and has no value above is a text.
PERSON = msgspec.structs.replace(
    PERSON, **{field: "new" for field, value in msgspec.structs.asdict(PERSON).items() if value is None}
)
FULL = Participant(
    ID, Status.REGISTERED, Standing("31.71.01.1001", "ppkukm", "fest-2021", ("P2", "P7")), 1, PERSON
)


async def stored(pool: asyncpg.Pool[Any]) -> Participant:
    async with pool.acquire() as connection, connection.transaction():
        (participant,) = await register_rows.lock(connection, uuids([ID]))
        return participant


@pytest.mark.parametrize("table", ["participant", "former_registration"])
async def test_the_table_has_the_columns_of_a_participant(pool: asyncpg.Pool[Any], table: str) -> None:
    rows = await pool.fetch(
        "select column_name, is_nullable = 'YES' as optional from information_schema.columns "
        "where table_schema = current_schema() and table_name = $1",
        table,
    )

    optional = {row["column_name"]: row["optional"] for row in rows}
    assert optional.keys() - TIMES_OF_THE_ROW == {column.name for column in COLUMNS}
    # An erasure empties the NIK, which every participant has until then.
    assert {column.name: column.optional for column in COLUMNS}.items() <= optional.items()


async def test_every_field_is_read_as_it_was_inserted_and_updated(pool: asyncpg.Pool[Any]) -> None:
    changed = msgspec.structs.replace(
        FULL,
        status=Status.MERGED,
        standing=Standing("31.72.01.1001", None, None, (), stock=True),
        revision=2,
        person=msgspec.structs.replace(PERSON, name="Budi", business=None, booth=None, occurred_at=None),
        merged_into=UUID(int=8),
    )

    async with pool.acquire() as connection, connection.transaction():
        await register_rows.write_rows(connection, participants=register_rows.participant_rows([FULL]))
    inserted = await stored(pool)
    async with pool.acquire() as connection, connection.transaction():
        await register_rows.update(connection, [changed])

    assert inserted == FULL
    assert await stored(pool) == changed


async def test_an_erasure_empties_every_optional_field_except_the_booth_and_the_time(
    pool: asyncpg.Pool[Any],
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await register_rows.write_rows(connection, participants=register_rows.participant_rows([FULL]))

    assert await QUERIES.erase(pool, id=ID)

    kept = {"cipher_key_id", "consent", "channel", "booth", "occurred_at"}
    empty: dict[str, Any] = dict.fromkeys(set(Person.__struct_fields__) - kept)
    assert await stored(pool) == msgspec.structs.replace(
        FULL, person=msgspec.structs.replace(PERSON, **empty)
    )


class PersonWithNickname(Person, frozen=True, kw_only=True):
    """A person with a new optional field."""

    nickname: str | None = None


class ParticipantWithNickname(Participant, frozen=True):
    """A participant with a new optional field."""

    person: PersonWithNickname


async def test_a_new_optional_field_is_written_read_and_erased_by_the_same_statements(
    pool: asyncpg.Pool[Any],
) -> None:
    columns = columns_of(ParticipantWithNickname)
    queries = load_queries("registration.store", sql_fragments(columns))
    person = PersonWithNickname(**msgspec.structs.asdict(PERSON), nickname="a")
    participant = ParticipantWithNickname(ID, Status.REGISTERED, FULL.standing, 1, person)
    for table in ("participant", "former_registration"):
        await pool.execute(f"alter table {table} add column nickname text")

    new = encode(new_columns(columns), [participant])
    await queries.write_rows(
        pool,
        **NO_KEYS,
        participant_count=1,
        **new,
        **NO_EVENTS,
        time_placeholder="t",
        sequence_placeholder="s",
    )
    inserted = await queries.find_participant(pool, id=ID)
    participant = msgspec.structs.replace(participant, person=msgspec.structs.replace(person, nickname="b"))
    await queries.update_participants(pool, **encode(changed_columns(columns), [participant]))
    updated = await queries.find_participant(pool, id=ID)
    await queries.keep_former(pool, **encode(columns, [participant]))
    (former,) = [row async for row in queries.former_registrations(pool, id=ID)]
    await queries.erase(pool, id=ID)
    erased = await queries.find_participant(pool, id=ID)

    assert inserted["nickname"] == "a"
    assert (updated["nickname"], former["nickname"]) == ("b", "b")
    assert erased["nickname"] is None
    assert "nickname" in {column.name for column in erased_columns(columns)}
