"""Tests how many viewers a limit of open files allows."""

from __future__ import annotations

import pytest

from board.open_file_limit import OTHER_FILES, FileLimit, limit_for


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        pytest.param(1_024, None, FileLimit(10_000 + OTHER_FILES, 10_000), id="no hard limit: as needed"),
        pytest.param(
            1_024, 524_288, FileLimit(10_000 + OTHER_FILES, 10_000), id="high hard limit: as needed"
        ),
        pytest.param(1_024, 4_096, FileLimit(4_096, 4_096 - OTHER_FILES), id="low hard limit: fewer viewers"),
        pytest.param(65_536, 65_536, FileLimit(65_536, 10_000), id="already high enough: unchanged"),
        pytest.param(100, 100, FileLimit(100, 1), id="too low for any viewer: one is allowed"),
    ],
)
def test_the_limit_is_raised_as_needed_and_the_viewers_are_fitted_to_it(
    soft: int, hard: int | None, expected: FileLimit
) -> None:
    assert limit_for(10_000, soft, hard) == expected
