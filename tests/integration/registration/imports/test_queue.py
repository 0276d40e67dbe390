"""Runs the queue of imports on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.stop_signal import StopSignal
from registration.imports.file_faults import HoldReason
from registration.imports.queue import ImportQueue
from registration.imports.spool import UploadSpool
from registration.imports.store import ImportPlan, begin
from registration.imports.validation_process import ValidationProcess
from registration.regions import read_regions
from settings.contract_files import contract_path
from tests.integration.registration.imports.conftest import ImportEnvironment

pytestmark = pytest.mark.integration


REGIONS = read_regions(contract_path("regions.csv"))


def no_process() -> ValidationProcess:
    raise AssertionError("no row is validated")


async def test_the_file_of_a_held_import_is_deleted_once_the_import_has_failed(
    imports: ImportEnvironment, tmp_path: Path
) -> None:
    spool = UploadSpool(tmp_path / "spool", 1_000)
    spool.open()
    queue = ImportQueue(imports.pool, spool, imports.cipher, no_process, 100, REGIONS)
    import_id = "0" * 64
    spool.path(import_id).write_text("name,nik,region,consent\n")
    async with imports.pool.acquire() as connection:
        await begin(connection, import_id, "a.csv", None, ImportPlan(HoldReason.LAST_DIGITS_LOST))
    await imports.pool.execute("update import_file set changed_at = now() - interval '1 day'")

    await queue.run_once(StopSignal())
    held = spool.ids()
    await imports.pool.execute("update import_file set state = 'failed'")
    await queue.run_once(StopSignal())

    assert held == [import_id]
    assert spool.ids() == []
