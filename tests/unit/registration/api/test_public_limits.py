from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems.problem import Problem
from registration.api.public_limits import PublicLimits
from registration.api.rate_limit import TokenBuckets
from tests.support.manual_clock import ManualClock


def limits(clock: ManualClock, registrations: int = 3, mistakes: int = 2) -> PublicLimits:
    """Return limits per minute."""

    def buckets(burst: int) -> TokenBuckets:
        return TokenBuckets(burst / 60, burst, 10, clock)

    return PublicLimits(
        per_address=buckets(registrations),
        per_venue=buckets(2),
        per_nik=buckets(1),
        mistakes=buckets(mistakes),
    )


@given(st.lists(st.booleans(), max_size=12))
def test_mistakes_are_free_up_to_their_limit_and_then_count_like_registrations(mistakes: list[bool]) -> None:
    public = limits(ManualClock())
    counted = free = 0

    for mistake in mistakes:
        if counted == 3:
            with pytest.raises(Problem):
                public.charge("192.0.2.1")
            continue
        charge = public.charge("192.0.2.1")
        if mistake:
            public.forgive(charge)
        is_free = mistake and free < 2
        free += is_free
        counted += not is_free


def test_the_addresses_of_a_network_share_a_limit_and_other_networks_do_not() -> None:
    public = limits(ManualClock(), registrations=1)
    public.charge("2001:db8::1")

    with pytest.raises(Problem):
        public.charge("2001:db8::2")
    public.charge("2001:db8:1::1")


def test_a_venue_has_a_limit_of_its_own_after_that_of_the_address() -> None:
    public = limits(ManualClock(), registrations=1)

    charges = [public.charge("192.0.2.1", "venue") for _ in range(3)]

    assert [charge.key for charge in charges] == ["192.0.2.1", "venue", "venue"]
    with pytest.raises(Problem):
        public.charge("192.0.2.1", "venue")
    public.charge("192.0.2.1", "other venue")
    public.charge("192.0.2.2", "venue")


def test_a_mistake_is_given_back_to_the_venue_that_paid_for_it() -> None:
    public = limits(ManualClock(), registrations=1)
    for _ in range(2):
        public.charge("192.0.2.1", "venue")
    public.forgive(public.charge("192.0.2.1", "venue"))

    assert public.charge("192.0.2.1", "venue").key == "venue"


@pytest.mark.parametrize(
    ("wait_s", "shown"),
    [(0.1, "1 detik"), (59.0, "59 detik"), (60.0, "1 menit"), (60.5, "2 menit"), (359.0, "6 menit")],
)
def test_a_refusal_says_how_long_to_wait(wait_s: float, shown: str) -> None:
    clock = ManualClock()
    public = PublicLimits(*[TokenBuckets(1 / wait_s, 1, 10, clock) for _ in range(4)])
    public.charge("192.0.2.1")

    with pytest.raises(Problem) as refused:
        public.charge("192.0.2.1")

    assert refused.value.detail is not None
    assert refused.value.detail["id"] == f"Coba lagi dalam {shown}."
