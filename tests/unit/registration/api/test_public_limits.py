from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems.problem import Problem
from registration.api.public_limits import PublicLimits


class Attempts:
    """A limit that never refills: `allowed` attempts of each key, then a wait of `wait_s`."""

    def __init__(self, allowed: int, wait_s: float = 1.0) -> None:
        self._allowed = allowed
        self._wait_s = wait_s
        self._counted: Counter[bytes] = Counter()

    async def take(self, key: bytes) -> float:
        if self._counted[key] == self._allowed:
            return self._wait_s
        self._counted[key] += 1
        return 0.0

    async def give_back(self, key: bytes) -> None:
        self._counted[key] -= 1


def limits(registrations: int = 3, mistakes: int = 2, wait_s: float = 1.0) -> PublicLimits:
    return PublicLimits(
        per_address=Attempts(registrations, wait_s),
        per_venue=Attempts(2),
        per_nik=Attempts(1),
        mistakes=Attempts(mistakes),
        fingerprint=lambda text: text,
    )


@given(st.lists(st.booleans(), max_size=12))
async def test_mistakes_are_free_up_to_their_limit_and_then_count(
    mistakes: list[bool],
) -> None:
    public = limits()
    counted = free = 0

    for mistake in mistakes:
        if counted == 3:
            with pytest.raises(Problem):
                await public.charge("192.0.2.1")
            continue
        charge = await public.charge("192.0.2.1")
        if mistake:
            await public.forgive(charge)
        is_free = mistake and free < 2
        free += is_free
        counted += not is_free


async def test_the_addresses_of_a_network_share_a_limit_and_other_networks_do_not() -> None:
    public = limits(registrations=1)
    await public.charge("2001:db8::1")

    with pytest.raises(Problem):
        await public.charge("2001:db8::2")
    await public.charge("2001:db8:1::1")


async def test_a_venue_has_a_limit_of_its_own_after_that_of_the_address() -> None:
    public = limits(registrations=1)

    charges = [await public.charge("192.0.2.1", "venue") for _ in range(3)]

    assert [charge.key for charge in charges] == [b"192.0.2.1", b"venue", b"venue"]
    with pytest.raises(Problem):
        await public.charge("192.0.2.1", "venue")
    await public.charge("192.0.2.1", "other venue")
    await public.charge("192.0.2.2", "venue")


async def test_a_mistake_is_given_back_to_the_venue_that_paid_for_it() -> None:
    public = limits(registrations=1)
    for _ in range(2):
        await public.charge("192.0.2.1", "venue")
    await public.forgive(await public.charge("192.0.2.1", "venue"))

    assert (await public.charge("192.0.2.1", "venue")).key == b"venue"


@pytest.mark.parametrize(
    ("wait_s", "shown"),
    [(0.1, "1 detik"), (59.0, "59 detik"), (60.0, "1 menit"), (60.5, "2 menit"), (359.0, "6 menit")],
)
async def test_a_refusal_says_how_long_to_wait(wait_s: float, shown: str) -> None:
    public = limits(registrations=1, wait_s=wait_s)
    await public.charge("192.0.2.1")

    with pytest.raises(Problem) as refused:
        await public.charge("192.0.2.1")

    assert refused.value.detail is not None
    assert refused.value.detail["id"] == f"Coba lagi dalam {shown}."
