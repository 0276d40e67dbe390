import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.api.rate_limit import TokenBuckets, client_network
from tests.support.manual_clock import ManualClock


@given(st.lists(st.sampled_from((0.0, 0.5, 1.0, 7.0)), max_size=12))
def test_a_key_gets_at_most_the_burst_and_the_rate(pauses: list[float]) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=1.0, burst=2, keys_max=10, clock=clock)
    allowed = 0

    for pause in pauses:
        clock.now_s += pause
        allowed += buckets.take("one") == 0.0

    assert allowed <= 2 + clock.now_s


@given(st.lists(st.integers(0, 20), max_size=60))
def test_at_most_keys_max_buckets_are_kept(keys: list[int]) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=1.0, burst=3, keys_max=4, clock=clock)

    for key in keys:
        clock.now_s += 0.1
        buckets.take(key)
        assert 1 <= len(buckets) <= 4


def test_a_token_is_available_after_the_returned_wait() -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=0.5, burst=1, keys_max=10, clock=clock)
    assert buckets.take("one") == 0.0

    wait_s = buckets.take("one")
    clock.now_s += wait_s

    assert wait_s == pytest.approx(2.0)
    assert buckets.take("one") == 0.0


def test_a_token_that_is_given_back_can_be_taken_again_and_a_full_bucket_does_not_grow() -> None:
    buckets = TokenBuckets(per_s=1.0, burst=1, keys_max=10, clock=ManualClock())
    buckets.give_back("one")
    buckets.take("one")

    buckets.give_back("one")
    buckets.give_back("one")

    assert buckets.take("one") == 0.0
    assert buckets.take("one") > 0.0


def test_each_key_has_its_own_bucket() -> None:
    buckets = TokenBuckets(per_s=1.0, burst=1, keys_max=10, clock=ManualClock())

    assert buckets.take("one") == 0.0
    assert buckets.take("one") > 0.0
    assert buckets.take("two") == 0.0


def test_a_full_bucket_is_dropped() -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_s=1.0, burst=1, keys_max=10, clock=clock)
    buckets.take("one")

    clock.now_s += 5
    buckets.take("two")

    assert len(buckets) == 1


def test_the_addresses_of_an_ipv6_network_are_one_client() -> None:
    assert client_network("2001:db8:1:2::1") == client_network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert client_network("::ffff:192.0.2.1") == client_network("192.0.2.1") == "192.0.2.1"
    assert client_network("testclient") == "testclient"
