"""The cut that outlives the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from board.state.state_file import UnreadableStateFileError, encode_saved, read, restore, write
from cuts.freshness import FreshnessState
from tests.support.samples.boards import Show
from tests.support.samples.cuts import at


def saved() -> bytes:
    show = Show()
    show.register(0, 9)
    show.full(9, 5)
    return encode_saved(show.showing, show.audience.head)


def test_a_restored_cut_is_shown_as_stale_with_all_that_was_known() -> None:
    show = Show()

    restore(show.showing, saved(), 0.0)
    head = show.showing.head(0.0)

    assert (head.cut, head.state, head.as_of, head.coverage) == ("1.9", FreshnessState.STALE, at(0), 1.0)
    assert show.showing.count("all", "31") == 5


def test_a_restored_cut_gives_way_to_a_newer_one_and_to_no_older_one() -> None:
    show = Show()
    restore(show.showing, saved(), 0.0)

    show.full(8, 4)
    after_older = show.showing.count("all", "31")
    show.full(10, 6)

    assert (after_older, show.showing.count("all", "31")) == (5, 6)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"{}", saved()[:-9], saved().replace(b'"format":1', b'"format":9')]
)
def test_a_file_that_is_none_of_ours_is_said_to_be_so(content: bytes) -> None:
    show = Show()

    with pytest.raises(UnreadableStateFileError):
        restore(show.showing, content, 0.0)
    assert not show.showing.ready


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "board.json"

    nothing = read(path)
    write(path, b"one")
    write(path, b"two")

    assert (nothing, read(path)) == (None, b"two")
    assert [file.name for file in tmp_path.iterdir()] == ["board.json"]
