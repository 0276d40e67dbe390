"""What `import FILE` and `undo ID` do on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from database.pool import connect
from lifecycle.shutdown import StopSignal
from registration.api.imports import report
from registration.auth import key_store
from registration.cipher import Cipher
from registration.cli.admin import CommandRefusedError
from registration.domain.event import utc_text
from registration.imports import store, undo
from registration.imports.importer import Importer, import_id_of
from registration.imports.settings import ImportSettings
from registration.imports.store import ImportInterruptedError, ImportState, ImportStatus
from registration.imports.validation_process import open_validation_process, validation_config
from registration.settings import RegisterSettings, SecretSettings
from registration.store.participants import Connection

KEPT_SHOWN_MAX: Final = 1_000
console = Console(stderr=True)


@asynccontextmanager
async def _pool(settings: RegisterSettings) -> AsyncIterator[asyncpg.Pool[Any]]:
    pool = await connect(settings.database, application_name="registration import", max_size=2)
    try:
        yield pool
    finally:
        pool.terminate()


async def import_file(
    settings: tuple[RegisterSettings, SecretSettings, ImportSettings],
    path: Path,
    rejected: Path | None,
    stopping: StopSignal,
) -> None:
    """Import a file, or go on with it. Raises CommandRefusedError where it was not imported to its end."""
    register, secrets, own = settings
    cipher = Cipher(secrets.secret)
    async with _pool(register) as pool:
        await key_store.check_secret(pool, cipher.key_id)
        import_id = await asyncio.to_thread(import_id_of, path, cipher)
        async with pool.acquire() as connection:
            await store.begin(connection, import_id, path.name, None)
            before = await store.status(connection, import_id)
        assert before is not None, "it was noted a moment ago"
        if before.state is not ImportState.RUNNING:
            console.print(f"{_word(before)}: this very file was imported before, nothing changes")
        else:
            workshop = open_validation_process(validation_config(secrets))
            try:
                await _run(Importer(pool, workshop, own.import_rows_max), before, path, stopping)
            finally:
                await asyncio.to_thread(workshop.close)
        await _conclude(pool, import_id, path, rejected)


async def _run(importer: Importer, before: ImportStatus, path: Path, stopping: StopSignal) -> None:
    if before.last_row:
        console.print(f"going on after row {before.last_row:,}")
    bytes_all = (await asyncio.to_thread(path.stat)).st_size
    with _progress("importing", bytes_all) as (progress, task):
        done = 0

        def told(rows: int, bytes_read: int) -> None:
            nonlocal done
            done += rows
            rate = done / max(progress.tasks[0].elapsed or 0.0, 0.001)
            progress.update(task, completed=bytes_read, told=f"{done:,} rows, {rate:,.0f}/s")

        try:
            await importer.run(before.id, path, stopping, told)
        except ImportInterruptedError as reason:
            raise CommandRefusedError(f"not imported: {reason}") from None


async def _conclude(pool: asyncpg.Pool[Any], import_id: str, path: Path, rejected: Path | None) -> None:
    """Say where the import is, and write the report of rejected rows where it is wanted."""
    async with pool.acquire() as connection:
        status = await store.status(connection, import_id)
    assert status is not None, "it was noted before"
    if rejected is not None:
        with rejected.open("w", encoding="utf-8", newline="") as file:
            async for line in report(store.rejections(pool, import_id)):
                file.write(line)
    print_line(
        f"import {status.id}: {_word(status)}, {status.accepted:,} accepted, {status.rejected:,} rejected"
    )
    if status.state is ImportState.RUNNING:
        raise CommandRefusedError(
            f"stopped after row {status.last_row:,}; go on with: python -m registration import {path}"
        )
    if status.state is not ImportState.DONE:
        raise CommandRefusedError(f"{path.name}: {status.fault or _word(status)}")


async def undo_import(
    settings: tuple[RegisterSettings, ImportSettings], import_id: str, stopping: StopSignal
) -> None:
    """Take an import back, or go on with that. Raises CommandRefusedError if it is interrupted."""
    register, own = settings
    async with _pool(register) as pool:
        async with pool.acquire() as connection:
            if not await undo.begin_undo(connection, import_id):
                status = await store.status(connection, import_id)
                if status is None:
                    raise CommandRefusedError("there is no such import")
        importer = Importer(pool, _NoPacker(), own.import_rows_max)
        before = await importer.status(import_id)
        with _progress("withdrawing", max(before.accepted - before.undone, 0)) as (progress, task):
            status = await importer.undo(
                import_id, stopping, lambda count: progress.update(task, advance=count)
            )
        if status.state is not ImportState.UNDONE:
            raise CommandRefusedError(f"stopped; go on with: python -m registration undo {import_id}")
        async with pool.acquire() as connection:
            await _print_kept(connection, status)


async def _print_kept(connection: Connection, status: ImportStatus) -> None:
    count = await undo.kept_count(connection, status.id)
    print_line(f"import {status.id}: undone, {status.undone:,} withdrawn, {count:,} kept: changed since")
    shown = 0
    async for one in undo.kept_participants(connection, status.id):
        if (shown := shown + 1) > KEPT_SHOWN_MAX:
            return
        print_line(f"kept {one.id} {one.standing} revision {one.revision} changed {utc_text(one.changed_at)}")


class _NoPacker:
    """An undo has no rows to check."""

    async def pack(self, rows: object, source: object) -> Any:
        raise AssertionError("an undo reads no file")


@contextmanager
def _progress(what: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.percentage:>3.0f} % {task.fields[told]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
        yield progress, progress.add_task(what, total=total, told="")


def _word(status: ImportStatus) -> str:
    return status.state.value


def print_line(text: str) -> None:
    """A line of the command's answer, on standard output."""
    print(text)  # noqa: T201 - a command answers on standard output
