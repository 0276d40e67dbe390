"""How long a worker and a publisher let changes gather."""

from __future__ import annotations

import pytest

from aggregator.consumer.faust_worker import REST_S_MAX, WAITING_RECORDS_MIN, rest_s
from aggregator.processes.publisher import CUT_EVERY_S, ROWS_AT_ONCE, pause_s
from aggregator.processes.publisher import REST_S_MAX as PAUSE_S_MAX


def test_a_worker_with_time_to_spare_rests_in_proportion_to_its_work() -> None:
    assert 0 < rest_s(0.002, 200) < rest_s(0.05, 2_000) <= REST_S_MAX
    assert rest_s(5.0, 10_000) == REST_S_MAX


def test_a_worker_with_work_waiting_does_not_rest() -> None:
    assert rest_s(0.2, WAITING_RECORDS_MIN) == 0


def test_a_slow_database_does_not_make_the_few_wait() -> None:
    assert rest_s(5.0, 20) < 0.01


def test_a_cut_of_few_rows_is_followed_by_the_next_in_a_tenth_of_a_second() -> None:
    assert pause_s(0.03, ROWS_AT_ONCE) == pytest.approx(CUT_EVERY_S - 0.03)
    assert pause_s(1.0, 0) == 0


def test_a_cut_of_thousands_of_rows_is_followed_by_a_rest_that_is_bounded() -> None:
    assert CUT_EVERY_S < pause_s(0.09, 2_000) < pause_s(0.09, 1_000_000) == PAUSE_S_MAX
