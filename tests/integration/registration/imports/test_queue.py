"""Runs queues of imports on a real database, as several api processes do."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lifecycle.stop_signal import StopSignal
from registration.cipher import WrongKeyError
from registration.imports.anonymous_file import anonymous_file
from registration.imports.import_lease import ImportLease
from registration.imports.queue import ImportQueue
from registration.imports.store import ImportState, ImportStatus
from registration.imports.stored_file import PART_BYTES, StoredFiles
from registration.imports.upload import UploadLimits
from registration.imports.validation_process import (
    ValidationProcess,
    open_validation_process,
    validation_config,
)
from registration.intake.retention import delete_expired
from registration.regions import read_regions
from registration.settings import SecretSettings
from settings.contract_files import contract_path
from tests.integration.registration.imports.conftest import SECRET, ImportEnvironment
from tests.support.deadlines import until

pytestmark = pytest.mark.integration

REGIONS = read_regions(contract_path("regions.csv"))
CONFIG = validation_config(SecretSettings.model_validate({"secret_key": base64.b64encode(SECRET).decode()}))
CHANGED_BY_EXCEL = b"name,nik,region,consent\n" + b"".join(
    f"Orang,3199{day}4101900000,31.71.01.1001,2026-01\n".encode() for day in range(50, 55)
)
DEADLINE_S = 60


class Replicas:
    """The queues of api processes, each with its own folder, and how many imports run at once."""

    def __init__(self, imports: ImportEnvironment) -> None:
        self._imports = imports
        self._running = 0
        self.running_max = 0

    def folder(self, name: str) -> Path:
        return self._imports.folder / f"imports-{name}"

    def queue(self, name: str, rows_max: int = 100) -> ImportQueue:
        limits = UploadLimits(self.folder(name), 100_000_000)
        return ImportQueue(
            self._imports.pool, limits, self._imports.cipher, self._open_process, rows_max, REGIONS
        )

    def files(self) -> list[Path]:
        """Return all files in the folders."""
        return [path for folder in self._imports.folder.glob("imports-*") for path in folder.iterdir()]

    def _open_process(self) -> ValidationProcess:
        process = open_validation_process(CONFIG)
        self._running += 1
        self.running_max = max(self.running_max, self._running)
        close: Callable[[], None] = process.close

        def closed() -> None:
            self._running -= 1
            close()

        process.close = closed  # type: ignore[method-assign]  # counts the end of the run
        return process


@pytest.fixture
def replicas(imports: ImportEnvironment) -> Replicas:
    return Replicas(imports)


async def body(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


async def send(queue: ImportQueue, content: bytes) -> ImportStatus:
    return await queue.receive(body(content), "people.csv", "officer")


async def stored_parts(imports: ImportEnvironment) -> int:
    count: int = await imports.pool.fetchval("select count(*) from import_part")
    return count


async def status_of(queue: ImportQueue, import_id: str) -> ImportStatus:
    status = await queue.status(import_id)
    assert status is not None
    return status


async def test_an_upload_is_imported_by_another_process_and_then_nowhere_any_more(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    content = imports.file(imports.people(9_000)).read_bytes()
    sent = await send(replicas.queue("a"), content)
    parts = [row["sealed"] for row in await imports.pool.fetch("select sealed from import_part")]
    other = replicas.queue("b", rows_max=1_000)

    await other.run_once(StopSignal())

    status = await status_of(other, sent.id)
    assert (sent.state, status.state, status.accepted) == (ImportState.RUNNING, ImportState.DONE, 9_000)
    assert await imports.counts() == (9_000, 9_000)
    assert len(parts) == -(-len(content) // PART_BYTES) > 1
    assert sum(map(len, parts)) < len(content) / 2
    assert not any(b"31.71" in part or b"3199" in part for part in parts)
    assert await stored_parts(imports) == 0
    assert replicas.files() == []


async def test_a_held_import_confirmed_at_one_process_runs_at_another(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    sent = await send(replicas.queue("a"), CHANGED_BY_EXCEL)
    confirming, running = replicas.queue("b"), replicas.queue("c")

    await running.run_once(StopSignal())
    held = await status_of(running, sent.id)
    confirmed = await confirming.confirm(sent.id, "officer")
    await running.run_once(StopSignal())

    status = await status_of(running, sent.id)
    assert (held.state, held.accepted, confirmed) == (ImportState.HELD, 0, True)
    assert (status.state, status.accepted) == (ImportState.DONE, 5)
    assert await stored_parts(imports) == 0


async def test_two_processes_never_run_one_import_at_once(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    first, second = replicas.queue("a", rows_max=20), replicas.queue("b", rows_max=20)
    sent = await send(first, imports.file(imports.people(2_000)).read_bytes())
    stopping = StopSignal()
    running = [asyncio.create_task(queue.run(stopping)) for queue in (first, second)]

    async def it_is_done() -> bool:
        return (await status_of(first, sent.id)).state is ImportState.DONE

    await until(it_is_done, DEADLINE_S)
    stopping.set()
    await asyncio.gather(*running)

    assert replicas.running_max == 1
    assert await imports.counts() == (2_000, 2_000)


async def test_an_import_whose_lease_is_lost_stops_and_another_process_continues_it(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    # The loss is noticed within a second; these chunks take several.
    first, second = replicas.queue("a", rows_max=5), replicas.queue("b")
    sent = await send(first, imports.file(imports.people(20_000)).read_bytes())
    running = asyncio.create_task(first.run_once(StopSignal()))

    async def a_chunk_is_written() -> bool:
        return (await status_of(first, sent.id)).accepted > 0

    await until(a_chunk_is_written, DEADLINE_S)
    await imports.pool.execute("update lease set holder = 'another', until = now() + interval '1 hour'")
    await asyncio.wait_for(running, DEADLINE_S)
    interrupted = await status_of(first, sent.id)
    await second.run_once(StopSignal())
    leased = await status_of(first, sent.id)
    await imports.pool.execute("update lease set until = '-infinity'")
    await second.run_once(StopSignal())

    status = await status_of(first, sent.id)
    assert interrupted.state is ImportState.RUNNING
    assert 0 < interrupted.accepted < 20_000
    assert leased.accepted == interrupted.accepted
    assert (status.state, status.accepted) == (ImportState.DONE, 20_000)
    assert await imports.counts() == (20_000, 20_000)


async def test_an_import_of_the_command_line_is_left_to_the_command(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    import_id = await imports.begin(imports.file(imports.people(10)))
    queue = replicas.queue("a")

    await queue.run_once(StopSignal())

    assert (await status_of(queue, import_id)).accepted == 0
    assert replicas.running_max == 0


async def test_sending_a_file_again_continues_an_import_whose_file_is_lost(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    path = imports.file(imports.people(50))
    await imports.run(path, rows_max=10, stop_after=2)
    queue = replicas.queue("a")

    sent = await send(queue, path.read_bytes())
    await queue.run_once(StopSignal())

    status = await status_of(queue, sent.id)
    assert (sent.accepted, status.state, status.accepted) == (20, ImportState.DONE, 50)


async def test_the_file_of_an_undone_or_unconfirmed_import_is_deleted(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    queue = replicas.queue("a")
    undone = await send(queue, imports.file(imports.people(10)).read_bytes())
    held = await send(queue, CHANGED_BY_EXCEL)

    await queue.undo(undone.id)
    after_undo = await imports.pool.fetchval("select string_agg(import_id, ',') from import_part")
    await imports.pool.execute("update import_file set changed_at = now() - interval '31 days'")
    await delete_expired(imports.pool, *[timedelta(days=30)] * 3)

    assert after_undo == held.id
    assert (await status_of(queue, held.id)).fault == "not_confirmed"
    assert await stored_parts(imports) == 0


async def test_uploads_of_a_former_version_are_adopted_and_deleted(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    path = imports.file(imports.people(60))
    import_id = await imports.begin(path)
    await imports.run(path, rows_max=10, stop_after=2)
    folder = replicas.folder("a")
    folder.mkdir()
    path.rename(folder / f"{import_id}.csv")
    (folder / f"{'0' * 64}.csv").write_text("of an import that has ended")
    (folder / "0123.part").write_text("incomplete")
    (folder / "converted-1").mkdir()
    (folder / "converted-1" / "sheet.csv").touch()
    queue = replicas.queue("a")

    await queue.run_once(StopSignal())

    status = await status_of(queue, import_id)
    assert (status.state, status.accepted) == (ImportState.DONE, 60)
    assert await imports.counts() == (60, 60)
    assert replicas.files() == []


async def test_a_part_can_only_be_read_at_its_place_in_its_file(
    imports: ImportEnvironment, replicas: Replicas
) -> None:
    sent = await send(replicas.queue("a"), imports.file(imports.people(9_000)).read_bytes())
    await imports.pool.execute("delete from import_part where number = 1")
    await imports.pool.execute("update import_part set number = 1")
    files = StoredFiles(imports.cipher)

    with anonymous_file(imports.folder) as path, pytest.raises(WrongKeyError):
        await files.copy_to(path, imports.pool, sent.id)


async def test_a_command_waits_for_the_lease_of_a_killed_process_but_not_for_a_living_one(
    imports: ImportEnvironment,
) -> None:
    living, killed, command = (ImportLease(imports.pool, name) for name in ("a", "b", "b"))
    await living.renew()
    await killed.renew()
    other = ImportLease(imports.pool, "a")
    refused = asyncio.create_task(living.hold(lambda ending: _wait(ending), stopping := StopSignal()))

    acquired, taken = await asyncio.gather(command.acquire(StopSignal()), other.acquire(StopSignal()))
    stopping.set()
    await refused

    assert (acquired, taken) == (True, False)
    assert await other.renew() is not None


async def _wait(ending: StopSignal) -> None:
    await ending.wait()
