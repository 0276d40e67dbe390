"""Imports a file (`registration import FILE`) and undoes an import (`registration undo ID`)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import asyncpg
import typer

from database.pool import connect
from database.replication import replicated_connection
from lifecycle.stop_signal import StopSignal, run
from registration.cipher import Cipher
from registration.cli.command_runner import CommandRefusedError, exit_1_if_refused, run_on_register, set_up
from registration.cli.import_preview_lines import preview_lines
from registration.cli.progress_bar import console, show_progress
from registration.domain.cloud_event import utc_text
from registration.domain.commands import RegisterCommand
from registration.domain.participant import Participant
from registration.imports import store, undo
from registration.imports.cell_encryption import CellEncryption
from registration.imports.csv_reader import Row
from registration.imports.file_faults import UnusableFileError
from registration.imports.file_inspection import inspect_file
from registration.imports.file_messages import BY_FAULT, BY_NOTE, hold_message
from registration.imports.import_lease import ASK_EVERY_S, ImportLease
from registration.imports.importer import Importer, import_id_of
from registration.imports.preview import preview_file
from registration.imports.rejection_report import rejection_report
from registration.imports.row_comparison import RowComparison
from registration.imports.row_validation import CountsAs
from registration.imports.settings import ImportSettings
from registration.imports.spreadsheets.conversion_process import FileText, text_of_file
from registration.imports.store import ImportInterruptedError, ImportPlan, ImportState, ImportStatus
from registration.imports.validation_process import open_validation_process, validation_config
from registration.regions import read_regions
from registration.settings import RegisterSettings, SecretSettings
from registration.store.register_rows import Connection
from registration.store.secret_check import check_secret
from settings.contract_files import contract_path
from settings.loader import load

KEPT_SHOWN_MAX: Final = 1_000
CONFIRMED_BY_COMMAND: Final = "command line"


class FileImport(NamedTuple):
    """A file, the headings of its columns that are not imported, what it counts as, and what imports it."""

    pool: asyncpg.Pool[Any]
    secrets: SecretSettings
    settings: ImportSettings
    path: Path
    ignored: Sequence[str]
    counts_as: CountsAs

    @asynccontextmanager
    async def importer(self) -> AsyncIterator[Importer]:
        """Open a validation process for the block, and return the importer that uses it."""
        cipher = Cipher(self.secrets.secret)
        compare, seal = RowComparison(cipher).differing_columns, CellEncryption(cipher).seal
        validation = open_validation_process(validation_config(self.secrets))
        try:
            yield Importer(self.pool, validation, compare, seal, self.settings.import_rows_max)
        finally:
            await asyncio.to_thread(validation.close)


def import_csv(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    rejected: Annotated[Path | None, typer.Option(help="Write the report of rejected rows here")] = None,
    counts_as: Annotated[
        CountsAs,
        typer.Option(help="`stock`: the file is the baseline; `live`: its rows count as registered today"),
    ] = CountsAs.STOCK,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Heading of a column that is not imported; may be repeated")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what the import would do")] = False,
) -> None:
    """Import participants from a CSV file or spreadsheet. If its import was interrupted, continue it."""
    register, secrets, settings = load(RegisterSettings, SecretSettings, ImportSettings)

    async def command(pool: asyncpg.Pool[Any], stopping: StopSignal) -> None:
        run = FileImport(pool, secrets, settings, file, ignore or (), counts_as)
        try:
            async with text_of_file(file) as text:
                await (_check(run, text, stopping) if check else _import(run, text, stopping, rejected))
        except UnusableFileError as error:
            raise CommandRefusedError(f"{file.name}: {error}. {BY_FAULT[error.fault].en}") from None

    _run(register, command)


def undo_import(import_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Withdraw every participant that an import registered, except participants that have changed since."""
    register, settings = load(RegisterSettings, ImportSettings)
    _run(register, lambda pool, stopping: _undo(pool, settings, import_id, stopping))


def confirm_import(import_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Let a held import run, although a spreadsheet program has probably changed the numbers of its file."""
    run_on_register(_confirm, import_id)


async def _confirm(pool: asyncpg.Pool[Any], import_id: str) -> str:
    """Confirm a held import. Raises CommandRefusedError if the import is not held."""
    async with replicated_connection(pool) as connection:
        if not await store.confirm(connection, import_id, CONFIRMED_BY_COMMAND):
            raise CommandRefusedError("there is no held import with this id")
    return f"import {import_id}: confirmed; an uploaded file is now imported, any other with `import FILE`"


def _run(
    register: RegisterSettings, command: Callable[[asyncpg.Pool[Any], StopSignal], Awaitable[None]]
) -> None:
    """Run `command` with a connection pool. SIGINT and SIGTERM set the `StopSignal` that it gets."""
    set_up(register, "registration-import")

    async def connected(stopping: StopSignal) -> None:
        pool = await connect(
            register.database, service="registration", application_name="registration import", max_size=2
        )
        try:
            await command(pool, stopping)
        finally:
            pool.terminate()

    with exit_1_if_refused():
        run(connected)


async def _check(run: FileImport, text: FileText, stopping: StopSignal) -> None:
    """Print what an import would do. Raises CommandRefusedError if it would be held or accept nothing."""
    inspection = await asyncio.to_thread(inspect_file, text.path, run.ignored)
    bytes_all = (await asyncio.to_thread(text.path.stat)).st_size
    async with run.importer() as importer:
        with show_progress("checking", bytes_all) as progress:
            preview = await preview_file(importer, text, inspection, stopping, progress.show_rows)
    for line in preview_lines(preview):
        typer.echo(line)
    if stopping.is_set():
        raise CommandRefusedError("stopped before the end of the file")
    if preview.explanation is not None:
        raise CommandRefusedError(f"the import would be held: {preview.explanation['en']}")
    if not preview.accepted and not preview.unchanged:
        raise CommandRefusedError(f"{run.path.name}: no row would be accepted")


async def _import(run: FileImport, text: FileText, stopping: StopSignal, rejected: Path | None) -> None:
    """Import a file, write the report of rejected rows to `rejected` if it is given, and print the status.

    Raises UnusableFileError, or CommandRefusedError if the import was not finished or accepted nothing.
    """
    import_id = await _import_rows(run, text, stopping)
    if rejected is not None:
        await _write_report(run, import_id, rejected)
    await _report(run.pool, import_id, run.path)


async def _import_rows(run: FileImport, text: FileText, stopping: StopSignal) -> str:
    """Import a file, or continue its interrupted import, and return the import's id.

    Returns at the end of the file, or earlier if `stopping` is set. If the import has ended before, nothing
    changes. Raises WrongSecretError if the register's personal data are encrypted under another secret key,
    UnusableFileError, or CommandRefusedError if another process runs or undoes the import.
    """
    cipher = Cipher(run.secrets.secret)
    await check_secret(run.pool, cipher.key_id)
    import_id = await asyncio.to_thread(import_id_of, run.path, cipher)
    lease = ImportLease(run.pool, import_id)
    if not await lease.acquire(stopping):
        raise CommandRefusedError("not imported: another process imports this file, or undoes its import")
    await lease.hold(partial(_import_alone, run, import_id, text), stopping)
    return import_id


async def _import_alone(run: FileImport, import_id: str, text: FileText, ending: StopSignal) -> None:
    """Import a file while no other process imports it."""
    status = await _begin(run, import_id, text)
    if status.state is ImportState.HELD:
        return
    if status.state is not ImportState.RUNNING:
        console.print(f"{_state(status)}: this very file was imported before, nothing changes")
        return
    async with run.importer() as importer:
        await _run_import(importer, status, text.path, ending)


async def _begin(run: FileImport, import_id: str, text: FileText) -> ImportStatus:
    """Begin an import unless it is unfinished, and return its status. Raises UnusableFileError.

    If no headings to ignore are given, those of the import's last run are ignored.
    """
    async with replicated_connection(run.pool) as connection:
        status = await store.status(connection, import_id)
        if status is not None and status.state in (ImportState.RUNNING, ImportState.HELD):
            return status
        ignored = run.ignored or (status.ignored if status is not None else ())
        inspection = await asyncio.to_thread(inspect_file, text.path, ignored)
        plan = ImportPlan(inspection.hold, ignored, text.notes, run.counts_as)
        await store.begin(connection, import_id, run.path.name, None, plan)
        status = await store.status(connection, import_id)
    assert status is not None, "`begin` has recorded the import"
    return status


async def _run_import(importer: Importer, status: ImportStatus, path: Path, stopping: StopSignal) -> None:
    if status.last_row:
        console.print(f"continuing after line {status.last_row:,}")
    elif status.runs > 1:
        console.print("this file was imported before: trying the rejected rows again")
    bytes_all = (await asyncio.to_thread(path.stat)).st_size
    with show_progress("importing", bytes_all) as progress:
        try:
            await importer.run(status.id, path, stopping, progress.show_rows)
        except ImportInterruptedError as reason:
            raise CommandRefusedError(f"not imported: {reason}") from None


async def _write_report(run: FileImport, import_id: str, rejected: Path) -> None:
    """Write the report of rejected rows, with their cells. Only its owner can read the file."""
    open_cells = partial(CellEncryption(Cipher(run.secrets.secret)).open, import_id)
    form = await store.report_format(run.pool, import_id)
    rows = store.rejected_rows(run.pool, import_id)
    regions = await asyncio.to_thread(read_regions, contract_path("regions.csv"))
    descriptor = os.open(rejected, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        async for line in rejection_report(rows, form, open_cells, regions):
            file.write(line)


async def _report(pool: asyncpg.Pool[Any], import_id: str, path: Path) -> None:
    """Print the import's status.

    Raises CommandRefusedError if the import was stopped before the end of the file, has failed or was undone.
    """
    async with pool.acquire() as connection:
        status = await store.status(connection, import_id)
    assert status is not None, "`begin` has recorded the import"
    typer.echo(
        f"import {status.id}: {_state(status)}, {status.accepted:,} accepted, {status.unchanged:,} unchanged,"
        f" {status.differing:,} differing, {status.rejected:,} rejected; counted as {status.counts_as.value}"
    )
    for note, about in status.notes:
        typer.echo(f"note: {BY_NOTE[note].en} {', '.join(about)}".rstrip())
    typer.echo(
        f"of {status.last_row:,} lines, {status.heading_lines:,} are headings and {status.blank:,} are blank"
    )
    if status.state is ImportState.RUNNING:
        raise CommandRefusedError(
            f"stopped after line {status.last_row:,}; go on with: python -m registration import {path}"
        )
    if status.state is ImportState.HELD:
        raise CommandRefusedError(
            f"{path.name}: nothing was imported. {hold_message(status.fault).en} To confirm it: "
            f"python -m registration confirm {status.id}"
        )
    if status.state is not ImportState.DONE:
        raise CommandRefusedError(f"{path.name}: {status.fault or _state(status)}")
    if not status.accepted and not status.unchanged:
        raise CommandRefusedError(f"{path.name}: no row was accepted")


async def _undo(
    pool: asyncpg.Pool[Any], settings: ImportSettings, import_id: str, stopping: StopSignal
) -> None:
    """Undo an import, or continue an interrupted undo.

    Raises CommandRefusedError if there is no such import, or if the undo was stopped before its end.
    """
    async with replicated_connection(pool) as connection:
        if not await undo.begin_undo(connection, import_id):
            status = await store.status(connection, import_id)
            if status is None:
                raise CommandRefusedError("there is no such import")
    importer = Importer(pool, _NoValidation(), _differ_in_nothing, _seal_nothing, settings.import_rows_max)
    lease = ImportLease(pool, import_id)
    # An api process may have begun to undo the import, too. Then it finishes.
    while (await importer.status(import_id)).state is ImportState.UNDOING and not stopping.is_set():
        if await lease.renew() is not None:
            await lease.hold(partial(_undo_alone, importer, import_id), stopping)
        else:
            await stopping.wait(ASK_EVERY_S)
    status = await importer.status(import_id)
    if status.state is not ImportState.UNDONE:
        raise CommandRefusedError(f"stopped; go on with: python -m registration undo {import_id}")
    async with pool.acquire() as connection:
        await _print_kept(connection, status)


async def _undo_alone(importer: Importer, import_id: str, ending: StopSignal) -> None:
    """Withdraw the participants while no other process does."""
    status = await importer.status(import_id)
    with show_progress("withdrawing", max(status.accepted - status.undone, 0)) as progress:
        await importer.undo(import_id, ending, progress.show_withdrawn)


async def _print_kept(connection: Connection, status: ImportStatus) -> None:
    count = await undo.kept_count(connection, status.id)
    typer.echo(f"import {status.id}: undone, {status.undone:,} withdrawn, {count:,} kept: changed since")
    shown = 0
    async for participant in undo.kept_participants(connection, status.id):
        if (shown := shown + 1) > KEPT_SHOWN_MAX:
            return
        typer.echo(
            f"kept {participant.id} {participant.standing} revision {participant.revision} "
            f"changed {utc_text(participant.changed_at)}"
        )


def _differ_in_nothing(_row: RegisterCommand, _stored: Participant) -> list[str]:
    """Stands in for the comparison of rows during an undo."""
    return []


def _seal_nothing(_import_id: str, _rows: Sequence[Row]) -> list[bytes]:
    """Stands in for the encryption of cells during an undo."""
    return []


class _NoValidation:
    """Stands in for the validation process during an undo, because an undo validates no rows."""

    async def pack(self, rows: object, source: object) -> Any:
        raise AssertionError("an undo reads no file")


def _state(status: ImportStatus) -> str:
    return status.state.value
