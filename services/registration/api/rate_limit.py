"""Rate limiting: token buckets in bounded memory, and the address or network that counts as a client."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

IPV6_NETWORK_BITS: Final = 64


class TokenBuckets:
    """Token buckets, one for each client or NIK that is limited.

    A bucket holds up to `burst` tokens and gains `per_s` tokens per second. Buckets that are full again are
    dropped. If there are still more than `keys_max` buckets, those used least recently are dropped too.
    """

    def __init__(self, per_s: float, burst: float, keys_max: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._keys_max = keys_max
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """Take a token from the bucket of `key` and return 0.0.

        If the bucket has no token, return the seconds until its next token.
        """
        now = self._clock()
        tokens, at = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_s)
        allowed = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if allowed else tokens, now)
        while len(self._buckets) > self._keys_max or self._oldest_is_full(now):
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._per_s

    def give_back(self, key: Hashable) -> None:
        """Return a token that `take` took from the bucket of `key`. A full bucket does not grow."""
        if key in self._buckets:
            tokens, at = self._buckets[key]
            self._buckets[key] = (min(self._burst, tokens + 1.0), at)

    def _oldest_is_full(self, now: float) -> bool:
        tokens, at = next(iter(self._buckets.values()))
        return tokens + (now - at) * self._per_s >= self._burst

    def __len__(self) -> int:
        return len(self._buckets)


def client_network(address: str) -> str:
    """Return the IPv4 address, or the /64 network of the IPv6 address, that counts as one client.

    A household usually has a whole /64 network. A text that is no IP address is returned unchanged.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_NETWORK_BITS), strict=False))
    return str(parsed)
