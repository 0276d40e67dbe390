"""The rate limits of callers without an API key, and what counts against them.

Every registration counts in full, also a refused one, because the refusal shows that a NIK is known. Requests
with invalid fields are free up to a limit of their own, so that mistakes do not close the form to a hall
whose visitors share one address.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import msgspec

from registration import metrics
from registration.api import problem_responses
from registration.api.rate_limit import TokenBuckets, client_network


class Charge(NamedTuple):
    """A token that a request has taken from the bucket `key`, and the network of the request."""

    buckets: TokenBuckets
    key: Hashable
    network: str


class PublicLimits(msgspec.Struct, frozen=True):
    """The limits per address, per NIK, and of free mistakes per address."""

    per_address: TokenBuckets
    per_nik: TokenBuckets
    mistakes: TokenBuckets

    def charge(self, address: str) -> Charge:
        """Count a request from `address`. Raises Problem 429 if the limit is exhausted."""
        network = client_network(address)
        _take(self.per_address, network, "address")
        return Charge(self.per_address, network, network)

    def forgive(self, charge: Charge) -> None:
        """Undo the charge of a request with invalid fields, unless its address has made too many mistakes."""
        if not self.mistakes.take(charge.network):
            charge.buckets.give_back(charge.key)

    def charge_nik(self, nik_hmac: bytes) -> None:
        """Count a registration of a NIK. Raises Problem 429 if the limit is exhausted."""
        _take(self.per_nik, nik_hmac[:16], "nik")


def _take(buckets: TokenBuckets, key: Hashable, limit: str) -> None:
    wait_s = buckets.take(key)
    if wait_s:
        metrics.LIMITED.labels(limit).inc()
        raise problem_responses.rate_limit_problem(wait_s)
