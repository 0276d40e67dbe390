"""Fixtures of the import tests: a pool, CSV files, and runs of the importer."""

from __future__ import annotations

import csv
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uuid_utils.compat

from database.pool import connect
from lifecycle.stop_signal import StopSignal
from registration.cipher import Cipher
from registration.imports import store
from registration.imports.cell_encryption import CellEncryption
from registration.imports.chunk_encoding import PackedChunk, pack
from registration.imports.csv_reader import Row
from registration.imports.importer import Importer, import_id_of
from registration.imports.row_comparison import RowComparison
from registration.imports.row_validation import ChunkContext, CountsAs, RowValidator
from registration.imports.store import ImportPlan, ImportStatus
from registration.regions import read_regions
from settings.contract_files import contract_path
from simulator.seed.rows_matching_published_totals import HEADER, rows
from tests.support.postgres_server import Databases

SECRET = secrets.token_bytes(32)
SCOPES = {
    "agency": ("ppkukm", "ppapp", "parekraf"),
    "campaign": ("jakpreneur-2019", "jakpreneur-2020", "kolaborasi-2021"),
}
Line = Sequence[str]


class InProcessPacker:
    """Validates and packs chunks in the process of the test, without a child process."""

    def __init__(self, cipher: Cipher) -> None:
        regions = read_regions(contract_path("regions.csv"))
        self._validator = RowValidator(cipher, regions, frozenset({"2026-01"}), uuid_utils.compat.uuid7)

    async def pack(self, rows: Sequence[Row], context: ChunkContext) -> PackedChunk:
        return pack(self._validator.validate(rows, context), uuid_utils.compat.uuid7)


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    pool = await connect(database.registration, application_name="test", max_size=6)
    for table, ids in SCOPES.items():
        await pool.executemany(
            f"INSERT INTO {table} (id, name) VALUES ($1, $1) ON CONFLICT DO NOTHING",
            [(scope_id,) for scope_id in ids],
        )
    yield pool
    pool.terminate()


class ImportEnvironment:
    """Creates files and imports them into one register."""

    def __init__(self, pool: asyncpg.Pool[Any], folder: Path) -> None:
        self.pool = pool
        self.folder = folder
        self.cipher = Cipher(SECRET)

    def people(self, count: int, first: int = 0, seed: int = 7) -> list[tuple[str, ...]]:
        return list(rows(first + count, seed))[first:]

    def file(self, lines: Iterable[Line], name: str = "people.csv", header: Line = HEADER) -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *lines])
        return path

    async def begin(self, path: Path, counts_as: CountsAs = CountsAs.STOCK) -> str:
        import_id = import_id_of(path, self.cipher)
        async with self.pool.acquire() as connection:
            await store.begin(connection, import_id, path.name, None, ImportPlan(counts_as=counts_as))
        return import_id

    def importer(self, rows_max: int = 100) -> Importer:
        return Importer(
            self.pool,
            InProcessPacker(self.cipher),
            RowComparison(self.cipher).differing_columns,
            CellEncryption(self.cipher).seal,
            rows_max,
        )

    async def run(
        self,
        path: Path,
        rows_max: int = 100,
        stop_after: int | None = None,
        counts_as: CountsAs = CountsAs.STOCK,
    ) -> ImportStatus:
        """Import a file. If `stop_after` is given, stop after that number of chunks."""
        stopping, chunks = StopSignal(), 0

        def count_chunk(_rows: int, _bytes: int) -> None:
            nonlocal chunks
            chunks += 1
            if chunks == stop_after:
                stopping.set()

        import_id = await self.begin(path, counts_as)
        return await self.importer(rows_max).run(import_id, path, stopping, count_chunk)

    async def rejected(self, import_id: str) -> list[tuple[int, str, str]]:
        return [
            (row.number, column, reason)
            async for row in store.rejected_rows(self.pool, import_id)
            for column, reason in row.faults
        ]

    async def counts(self) -> tuple[int, int]:
        """Return the numbers of registered participants and of events. Assert that sequences have no gaps."""
        partitions = await self.pool.fetch(
            "SELECT p.partition, last_sequence, count(e.sequence) AS events, min(sequence) AS first,"
            " max(sequence) AS last FROM partition p LEFT JOIN event e USING (partition) GROUP BY 1, 2"
        )
        for row in partitions:
            assert row["events"] == row["last_sequence"]
            assert row["events"] == 0 or (row["first"], row["last"]) == (1, row["last_sequence"])
        registered = await self.pool.fetchval(
            "SELECT count(*) FROM participant WHERE standing = 'registered'"
        )
        return registered, sum(row["events"] for row in partitions)


@pytest.fixture
def imports(pool: asyncpg.Pool[Any], tmp_path: Path) -> ImportEnvironment:
    return ImportEnvironment(pool, tmp_path)
