"""The rate limits of callers without an API key, and what counts against them.

People who open the form by the code of a venue also have the venue's limit. It counts only once the limit of
their address is exhausted, so that somebody who uses the code elsewhere takes little from the venue.

Every registration counts in full, also a refused one, because the refusal shows that a NIK is known. Requests
with invalid fields are free up to a limit of their own, so that mistakes do not close the form to a hall
whose visitors share one address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from registration import metrics
from registration.api import problem_responses
from registration.api.client_network import client_network

FINGERPRINT_BYTES: Final = 16
"""Enough that two clients or NIKs do not share a rate limit by chance."""


class RateLimit(Protocol):
    """A limit that all api processes share."""

    async def take(self, key: bytes) -> float:
        """Count an attempt of `key` and return 0.0, or the seconds until its next attempt is allowed."""

    async def give_back(self, key: bytes) -> None:
        """Undo the counting of an attempt of `key`."""


class Charge(NamedTuple):
    """An attempt that was counted under `key`, and the fingerprint of the network of the request."""

    limit: RateLimit
    key: bytes
    network: bytes


class PublicLimits(msgspec.Struct, frozen=True):
    """The limits per address, per code of a venue, per NIK, and of free mistakes per address.

    `fingerprint` is a keyed hash: the limits store no address and no NIK.
    """

    per_address: RateLimit
    per_venue: RateLimit
    per_nik: RateLimit
    mistakes: RateLimit
    fingerprint: Callable[[bytes], bytes]

    async def charge(self, address: str, venue: str | None = None) -> Charge:
        """Count a request from `address`, and from a venue if its code is given.

        Raises Problem 429 if the limit is exhausted.
        """
        network = self._key(client_network(address))
        if venue is None:
            await _take(self.per_address, network, "address")
        elif await self.per_address.take(network):
            venue_key = self._key(venue)
            await _take(self.per_venue, venue_key, "venue")
            return Charge(self.per_venue, venue_key, network)
        return Charge(self.per_address, network, network)

    async def forgive(self, charge: Charge) -> None:
        """Undo the charge of a request with invalid fields, unless its address has made too many mistakes."""
        if not await self.mistakes.take(charge.network):
            await charge.limit.give_back(charge.key)

    async def charge_nik(self, nik_hmac: bytes) -> None:
        """Count a registration of a NIK. Raises Problem 429 if the limit is exhausted."""
        await _take(self.per_nik, nik_hmac[:FINGERPRINT_BYTES], "nik")

    def _key(self, text: str) -> bytes:
        return self.fingerprint(text.encode())[:FINGERPRINT_BYTES]


async def _take(limit: RateLimit, key: bytes, label: str) -> None:
    wait_s = await limit.take(key)
    if wait_s:
        metrics.LIMITED.labels(label).inc()
        raise problem_responses.rate_limit_problem(wait_s)
