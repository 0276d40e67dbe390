"""The rate limits of callers without an API key, and what counts against them.

People who open the form by the code of a venue also have the venue's limit. It counts only once the limit of
their address is exhausted, so that somebody who uses the code elsewhere takes little from the venue.

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
    """The limits per address, per code of a venue, per NIK, and of free mistakes per address."""

    per_address: TokenBuckets
    per_venue: TokenBuckets
    per_nik: TokenBuckets
    mistakes: TokenBuckets

    def charge(self, address: str, venue: str | None = None) -> Charge:
        """Count a request from `address`, and from a venue if its code is given.

        Raises Problem 429 if the limit is exhausted.
        """
        network = client_network(address)
        if venue is None:
            _take(self.per_address, network, "address")
        elif self.per_address.take(network):
            _take(self.per_venue, venue, "venue")
            return Charge(self.per_venue, venue, network)
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
