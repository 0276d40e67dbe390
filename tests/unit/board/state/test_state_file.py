"""Tests how the state file saves and restores the last cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from board.state.state_file import (
    StateFileSaver,
    UnreadableStateFileError,
    encode_cut,
    read,
    restore,
    write,
)
from cuts.freshness import FreshnessState
from tests.support.samples.board_fixture import BoardFixture
from tests.support.samples.cuts import at


def saved() -> bytes:
    board = BoardFixture()
    board.register(0, 9)
    board.full(9, 5)
    return encode_cut(board.board_state, board.subscriptions.head)


def test_a_restored_cut_is_shown_as_stale_with_its_time_and_coverage() -> None:
    board = BoardFixture()

    restore(board.board_state, saved(), 0.0)
    head = board.board_state.head(0.0)

    assert (head.cut, head.state, head.as_of, head.coverage) == ("1.9", FreshnessState.STALE, at(0), 1.0)
    assert board.board_state.count("all", "31") == 5


def test_a_restored_cut_is_replaced_by_a_newer_cut_and_not_by_an_older_one() -> None:
    board = BoardFixture()
    restore(board.board_state, saved(), 0.0)

    board.full(8, 4)
    after_older = board.board_state.count("all", "31")
    board.full(10, 6)

    assert (after_older, board.board_state.count("all", "31")) == (5, 6)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", saved()[:-9], saved().replace(b'"format":1', b'"format":9')]
)
def test_a_damaged_file_or_another_format_is_unreadable(content: bytes) -> None:
    board = BoardFixture()

    with pytest.raises(UnreadableStateFileError):
        restore(board.board_state, content, 0.0)
    assert not board.board_state.ready


def test_the_file_is_replaced_and_no_temporary_file_remains(tmp_path: Path) -> None:
    path = tmp_path / "board.json"

    missing = read(path)
    write(path, b"one")
    write(path, b"two")

    assert (missing, read(path)) == (None, b"two")
    assert [file.name for file in tmp_path.iterdir()] == ["board.json"]


async def test_the_file_is_written_only_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    board = BoardFixture()
    saver = StateFileSaver(path, board.board_state, lambda: board.subscriptions.head)

    await saver.save_once()
    before_the_first_cut = read(path)
    board.full(1, 5)
    await saver.save_once()
    after_the_first_cut = read(path)
    path.unlink()
    await saver.save_once()
    without_a_change = read(path)
    board.change(2, 6)
    await saver.save_once()

    assert (before_the_first_cut, without_a_change) == (None, None)
    assert after_the_first_cut is not None
    assert read(path) not in (None, after_the_first_cut)


async def test_a_file_that_cannot_be_written_does_not_stop_the_board(tmp_path: Path) -> None:
    board = BoardFixture()
    board.full(1, 5)
    saver = StateFileSaver(
        tmp_path / "missing" / "board.json", board.board_state, lambda: board.subscriptions.head
    )

    await saver.save_once()

    assert list(tmp_path.iterdir()) == []
