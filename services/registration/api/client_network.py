"""The address or network that counts as one client of the rate limits."""

from __future__ import annotations

import ipaddress
from typing import Final

IPV6_NETWORK_BITS: Final = 64


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
