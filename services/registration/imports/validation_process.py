"""Runs a child process that validates and packs chunks while the main process writes earlier chunks.

So an import uses two cores. In the rows that the child process returns, NIK and phone number are encrypted.
Of each rejected row, the child process returns only the row number, the columns and the reasons.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import Final

import msgspec
import uuid_utils
import uuid_utils.compat

from registration.cipher import Cipher
from registration.imports.chunk_encoding import PackedChunk, pack
from registration.imports.csv_reader import Row
from registration.imports.row_validation import ChunkContext, RowValidator
from registration.regions import read_regions
from registration.settings import SecretSettings
from settings.contract_files import contract_path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
RETAINED_BYTES_MAX: Final = 32 << 20  # the largest mmap threshold that glibc accepts

# Set by `initialize_worker` in the child process. A process pool keeps state between calls only in globals.
_validators: list[RowValidator] = []


class ValidationConfig(msgspec.Struct, frozen=True):
    """What the child process needs to build its RowValidator."""

    secret: bytes
    consents: frozenset[str]
    regions: Path


def validation_config(secrets: SecretSettings) -> ValidationConfig:
    """Build the configuration from the settings and the contract's list of regions."""
    return ValidationConfig(secrets.secret, secrets.consent_ids, contract_path("regions.csv"))


class ValidationProcess:
    """Sends chunks to the child process one after another, and returns the results in the same order."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def pack(self, rows: Sequence[Row], context: ChunkContext) -> PackedChunk:
        """Validate and pack one chunk."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _pack, list(rows), context)

    def close(self) -> None:
        """Stop the child process once it has finished its current chunk, whose result is discarded."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def open_validation_process(config: ValidationConfig) -> ValidationProcess:
    """Create a child process. It is spawned, not forked, so it inherits no connections and no event loop."""
    context = get_context("spawn")
    return ValidationProcess(
        ProcessPoolExecutor(1, mp_context=context, initializer=initialize_worker, initargs=(config,))
    )


def initialize_worker(config: ValidationConfig) -> None:
    """Set up the child process.

    It ignores Ctrl-C, which reaches both processes, because the main process stops it in an orderly way.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _retain_memory()
    validator = RowValidator(
        Cipher(config.secret), read_regions(config.regions), config.consents, uuid_utils.compat.uuid7
    )
    _validators[:] = [validator]


def _retain_memory() -> None:
    """Make the process keep freed memory for the next chunk instead of returning it to the system.

    Otherwise page faults would take a third of the process's time (measured).
    """
    # The name mallopt and the parameter numbers are from glibc (malloc.h). If the C library has no mallopt,
    # nothing is set.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            mallopt(parameter, RETAINED_BYTES_MAX)


def _end_with_parent() -> None:
    """Make this process exit when its parent process is killed.

    Otherwise it would wait forever for the next chunk: it holds both ends of its queue of chunks, so the
    queue is never closed.
    """
    parent = parent_process()
    assert parent is not None, "this runs in a spawned process"
    wait([parent.sentinel])
    os._exit(1)


def _pack(rows: list[Row], context: ChunkContext) -> PackedChunk:
    return pack(_validators[0].validate(rows, context), uuid_utils.uuid7)
