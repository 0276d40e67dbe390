import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.api.rate_limit import TokenBuckets, network_of
from tests.support.manual_clock import ManualClock


@given(st.lists(st.sampled_from((0.0, 0.5, 1.0, 7.0)), max_size=12))
def test_nobody_gets_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=1.0, burst=2, keys_max=10, clock=clock)
    allowed = 0

    for pause in pauses:
        clock.now_s += pause
        allowed += buckets.take("one") == 0.0

    assert allowed <= 2 + clock.now_s


@given(st.lists(st.integers(0, 20), max_size=60))
def test_memory_is_bounded_whoever_comes(keys: list[int]) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=1.0, burst=3, keys_max=4, clock=clock)

    for key in keys:
        clock.now_s += 0.1
        buckets.take(key)
        assert 1 <= len(buckets) <= 4


def test_who_waits_as_long_as_told_is_let_in() -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=0.5, burst=1, keys_max=10, clock=clock)
    assert buckets.take("one") == 0.0

    wait_s = buckets.take("one")
    clock.now_s += wait_s

    assert wait_s == pytest.approx(2.0)
    assert buckets.take("one") == 0.0


def test_one_caller_does_not_use_up_anothers_bucket() -> None:
    buckets = TokenBuckets(per_s=1.0, burst=1, keys_max=10, clock=ManualClock())

    assert buckets.take("one") == 0.0
    assert buckets.take("one") > 0.0
    assert buckets.take("two") == 0.0


def test_a_bucket_that_is_full_again_is_forgotten() -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=1.0, burst=1, keys_max=10, clock=clock)
    buckets.take("one")

    clock.now_s += 5
    buckets.take("two")

    assert len(buckets) == 1


def test_a_household_with_a_whole_ipv6_network_is_one_caller() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("testclient") == "testclient"
