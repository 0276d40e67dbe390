"""How many viewers a limit of open files lets in."""

from __future__ import annotations

import pytest

from board.open_file_limit import OTHER_FILES, Room, room


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        pytest.param(1_024, None, Room(10_000 + OTHER_FILES, 10_000), id="no bound: raised as far as needed"),
        pytest.param(1_024, 524_288, Room(10_000 + OTHER_FILES, 10_000), id="a far bound: the same"),
        pytest.param(1_024, 4_096, Room(4_096, 4_096 - OTHER_FILES), id="a near bound: as many as it allows"),
        pytest.param(65_536, 65_536, Room(65_536, 10_000), id="enough already: left as it is"),
        pytest.param(100, 100, Room(100, 1), id="none to speak of: one at least"),
    ],
)
def test_the_limit_is_raised_as_needed_and_tells_how_many_may_watch(
    soft: int, hard: int | None, expected: Room
) -> None:
    assert room(10_000, soft, hard) == expected
