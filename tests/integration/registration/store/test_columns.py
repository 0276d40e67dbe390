"""PostgreSQL parses the encoded array literals to the original values."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from registration.store.array_literals import byteas, integers, texts, uuids

pytestmark = pytest.mark.integration

ODD: list[list[str | None]] = [
    [],
    [None, "NULL", "", "null"],
    ['"', "\\", '\\"', "{", "}", ",", "a,b", "{a}"],
    ["é", "𝔸", " leading", "trailing ", "line\nbreak", "\t"],
    ["plain", 'with "quotes"', None],
    [None, None],
    ["the same", "the same"],
    ['"', '"'],
]


@pytest.mark.parametrize("values", ODD)
async def test_texts_arrive_unchanged(pool: asyncpg.Pool[Any], values: list[str | None]) -> None:
    assert await pool.fetchval("SELECT $1::text::text[]", texts(values)) == values


async def test_bytes_integers_and_uuids_arrive_unchanged(pool: asyncpg.Pool[Any]) -> None:
    blobs, some_ids = [b"", None, bytes(range(256)), b"\\x"], [UUID(int=1), None, UUID(int=2**128 - 1)]

    assert await pool.fetchval("SELECT $1::text::bytea[]", byteas(blobs)) == blobs
    assert await pool.fetchval("SELECT $1::text::uuid[]", uuids(some_ids)) == some_ids
    assert await pool.fetchval("SELECT $1::text::smallint[]", integers([3, None, 11])) == [3, None, 11]
