"""Checks and packs chunks in a process beside the one that writes them, so that both cores have work.

Only rows that pass go back, their NIK and phone sealed; the plain ones stay in the worker.
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
from registration.imports.chunk import PackedChunk, pack
from registration.imports.csv_reader import Row
from registration.imports.row_validation import RowValidator, Source
from registration.regions import read_regions
from registration.settings import SecretSettings
from settings.contract_files import contract_path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES_MAX: Final = 32 << 20  # glibc takes no larger threshold for mmap

# What `start` builds in the worker; a process pool has no other place to keep it between two chunks.
_checkers: list[RowValidator] = []


class ValidationConfig(msgspec.Struct, frozen=True):
    """What a worker needs to build its checker."""

    secret: bytes
    consents: frozenset[str]
    regions: Path


def validation_config(secrets: SecretSettings) -> ValidationConfig:
    """The same from the register's settings."""
    return ValidationConfig(secrets.secret, secrets.consent_ids, contract_path("regions.csv"))


class ValidationProcess:
    """Hands chunks to one worker; they come back in the order they were handed over."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def pack(self, rows: Sequence[Row], source: Source) -> PackedChunk:
        """Check and pack one chunk."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _pack, list(rows), source)

    def close(self) -> None:
        """End the worker; a chunk it has begun is finished and thrown away."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def open_validation_process(lists: ValidationConfig) -> ValidationProcess:
    """Start a worker process of our own: spawned, so that it inherits no connection and no event loop."""
    context = get_context("spawn")
    return ValidationProcess(ProcessPoolExecutor(1, mp_context=context, initializer=start, initargs=(lists,)))


def start(lists: ValidationConfig) -> None:
    """Build the worker's checker. Ctrl-C reaches both processes: the writing one decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _keep_memory()
    checker = RowValidator(
        Cipher(lists.secret), read_regions(lists.regions), lists.consents, uuid_utils.compat.uuid7
    )
    _checkers[:] = [checker]


def _keep_memory() -> None:
    """Keep what a chunk needed for the next: faulting it in anew costs a third of a worker's time (seen)."""
    # glibc's own names and numbers (malloc.h); elsewhere there is no such function, and nothing to do.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            mallopt(parameter, KEPT_BYTES_MAX)


def _end_with_parent() -> None:
    """A killed parent closes nothing: the worker holds both ends of its queue, and would wait for ever."""
    parent = parent_process()
    assert parent is not None, "a worker was spawned by somebody"
    wait([parent.sentinel])
    os._exit(1)


def _pack(rows: list[Row], source: Source) -> PackedChunk:
    return pack(_checkers[0].check(rows, source), uuid_utils.uuid7)
