"""The pause between two cuts."""

from __future__ import annotations

import pytest

from aggregator.publishing.cut_interval import CUT_EVERY_S, PAUSE_S_MAX, ROWS_WITHOUT_PAUSE, pause_s


def test_after_a_cut_of_few_rows_the_next_starts_a_tenth_of_a_second_later() -> None:
    assert pause_s(0.03, ROWS_WITHOUT_PAUSE) == pytest.approx(CUT_EVERY_S - 0.03)
    assert pause_s(1.0, 0) == 0


def test_after_a_cut_of_thousands_of_rows_the_pause_is_longer_but_bounded() -> None:
    assert CUT_EVERY_S < pause_s(0.09, 2_000) < pause_s(0.09, 1_000_000) == PAUSE_S_MAX
