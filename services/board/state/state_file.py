"""Writes and reads the state file, which stores the last cut that the board showed.

With this file, a board that starts while Kafka is down can still show numbers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from board.state.counts import BoardState, Head
from cuts.freshness import FreshnessState
from cuts.records import Audit, CutRecord
from lifecycle.stop_signal import StopSignal
from telemetry.logs import get

SAVE_S: Final = 5.0
_FORMAT: Final = 1

log = get()


class SavedCut(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the state file: the cut as one full record, and the other values of its head."""

    format: int = _FORMAT
    full: CutRecord
    as_of: datetime | None
    coverage: float | None
    audit: Audit | None


class UnreadableStateFileError(Exception):
    """The state file is damaged or has another format. It can be deleted, because Kafka has the counts."""


class StateFileSaver:
    """Writes the shown cut to the state file whenever the cut or its head has changed."""

    def __init__(self, path: Path, board_state: BoardState, head: Callable[[], Head]) -> None:
        self._path = path
        self._board_state = board_state
        self._head = head
        self._saved: tuple[int, Head] | None = None

    async def save_until_stopped(self, stopping: StopSignal) -> None:
        """Call `save_once` every SAVE_S seconds until the stop, and once more at the stop."""
        stopped = False
        while not stopped:
            stopped = await stopping.wait(SAVE_S)
            await self.save_once()

    async def save_once(self) -> None:
        """Write the file if the cut or its head has changed.

        A failed write is logged. The file is written again after the next change.
        """
        head = self._head()
        if not self._board_state.ready or self._saved == (self._board_state.serial, head):
            return
        self._saved = (self._board_state.serial, head)
        try:
            await asyncio.to_thread(write, self._path, encode_cut(self._board_state, head))
        except OSError as error:
            log.warning("state file not written", error=type(error).__name__)


def encode_cut(board_state: BoardState, head: Head) -> bytes:
    """Return the content of the state file for the shown cut. `board_state` must have a cut to show."""
    cuts = board_state.cuts
    assert cuts.as_of, "a ready state has the time of its cut"
    full = CutRecord(
        cut=cuts.cut,
        term=cuts.term,
        kind="full",
        as_of=cuts.as_of,
        positions=cuts.positions,
        gaps=cuts.gaps,
        quarantined_ranges=tuple(cuts.quarantined),
        quarantined_total=cuts.quarantined_total,
        ignored=cuts.ignored,
        generation=cuts.generation,
        rows=tuple((*key, count) for key, count in cuts.counts.items()),
    )
    saved = SavedCut(full=full, as_of=head.as_of, coverage=head.coverage, audit=head.audit)
    return msgspec.json.encode(saved)


def restore(board_state: BoardState, content: bytes, now_s: float) -> None:
    """Show the saved cut, with the freshness `stale`. Raises UnreadableStateFileError."""
    try:
        saved = msgspec.json.decode(content, type=SavedCut)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableStateFileError(str(error)) from error
    if saved.format != _FORMAT:
        raise UnreadableStateFileError(f"format {saved.format}")
    head = Head(
        cut=f"{saved.full.term}.{saved.full.cut}",
        as_of=saved.as_of,
        state=FreshnessState.STALE,
        coverage=saved.coverage,
        ignored=saved.full.ignored,
        audit=saved.audit,
        audited=False,
    )
    board_state.restore([saved.full], head, now_s)


def read(path: Path) -> bytes | None:
    """Return the content of the file; None if there is no file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write(path: Path, content: bytes) -> None:
    """Replace the file atomically, so that a reader sees either the old or the new content as a whole."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
