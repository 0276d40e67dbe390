"""Runs the program that converts a spreadsheet, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from registration.imports.anonymous_file import anonymous_file, descriptors
from registration.imports.file_faults import FileFault, Note, UnusableFileError
from registration.imports.spreadsheets.file_examination import is_spreadsheet

PROGRAM: Final = "registration.imports.spreadsheets.conversion"
CONVERSION_S_MAX: Final = 180.0
ENDED_BY_A_LIMIT: Final = (
    -signal.SIGABRT,
    -signal.SIGXCPU,
    -signal.SIGKILL,
    -signal.SIGXFSZ,
    -signal.SIGSEGV,
)
"""Exit statuses of a process that needed more memory or time than it may."""


class FileText(msgspec.Struct, frozen=True):
    """A file as delimited text. `path` is the file itself unless it is a spreadsheet.

    `notes` say what of a spreadsheet was not read, or was read although a person would not see it.
    """

    path: Path
    format: str = "csv"
    sheet: str | None = None
    notes: Sequence[Note] = ()


class _Output(msgspec.Struct, frozen=True):
    format: str = ""
    sheet: str | None = None
    notes: Sequence[Note] = ()
    fault: FileFault | None = None


@asynccontextmanager
async def text_of_file(path: Path, folder: Path | None = None) -> AsyncIterator[FileText]:
    """Convert a file to text if it is a spreadsheet.

    The text is in a file without a name on the disk of `folder`, and deleted after the block. Raises
    UnusableFileError if the file cannot be converted.
    """
    if not await asyncio.to_thread(is_spreadsheet, path):
        yield FileText(path)
        return
    with anonymous_file(folder) as target:
        yield await _convert(path, target)


async def _convert(path: Path, target: Path) -> FileText:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", PROGRAM, str(path), str(target)),
        env={"PYTHONPATH": os.pathsep.join(sys.path)},  # nothing else, above all not the secret key
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=descriptors(path, target),
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), CONVERSION_S_MAX)
    except TimeoutError:
        raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode in ENDED_BY_A_LIMIT:
        raise UnusableFileError(FileFault.SPREADSHEET_TOO_LARGE)
    if process.returncode != 0:
        raise UnusableFileError(FileFault.SPREADSHEET_UNREADABLE)
    result = msgspec.json.decode(output, type=_Output)
    if result.fault is not None:
        raise UnusableFileError(result.fault)
    return FileText(target, result.format, result.sheet, result.notes)
