"""The last cut shown, kept in a file: a board that starts while all else is down has numbers to show."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from board.state.board_state import BoardState, Head
from cuts.freshness import FreshnessState
from cuts.records import Audit, CutRecord

_FORMAT: Final = 1


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """The file: the cut as one full, and what was known of it."""

    format: int = _FORMAT
    full: CutRecord
    as_of: datetime | None
    coverage: float | None
    audit: Audit | None


class UnreadableStateFileError(Exception):
    """The file is there but is none of ours; it can be deleted without loss."""


def encode_saved(showing: BoardState, head: Head) -> bytes:
    """The file's content for what is shown now; `showing` is ready."""
    cuts = showing.cuts
    assert cuts.as_of, "a ready state has the time of its cut"
    full = CutRecord(
        cut=cuts.cut,
        term=cuts.term,
        kind="full",
        as_of=cuts.as_of,
        positions=cuts.positions,
        gaps=cuts.gaps,
        quarantined=cuts.quarantined,
        quarantined_total=cuts.quarantined_total,
        generation=cuts.generation,
        rows=tuple((*key, count) for key, count in cuts.counts.items()),
    )
    return msgspec.json.encode(Saved(full=full, as_of=head.as_of, coverage=head.coverage, audit=head.audit))


def restore(showing: BoardState, content: bytes, now_s: float) -> None:
    """Show what the file holds, as stale. Raises UnreadableStateFileError."""
    try:
        saved = msgspec.json.decode(content, type=Saved)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableStateFileError(str(error)) from error
    if saved.format != _FORMAT:
        raise UnreadableStateFileError(f"format {saved.format}")
    head = Head(
        cut=f"{saved.full.term}.{saved.full.cut}",
        as_of=saved.as_of,
        state=FreshnessState.STALE,
        coverage=saved.coverage,
        audit=saved.audit,
    )
    showing.restore([saved.full], head, now_s)


def read(path: Path) -> bytes | None:
    """The file's content; None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write(path: Path, content: bytes) -> None:
    """Replace the file in one step: a reader sees the old content or the new, never a part."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
