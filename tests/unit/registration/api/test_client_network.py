"""The public is limited by address, and the addresses of one IPv6 network count as one client."""

from __future__ import annotations

from registration.api.client_network import client_network


def test_the_addresses_of_an_ipv6_network_are_one_client() -> None:
    assert client_network("2001:db8:1:2::1") == client_network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert client_network("::ffff:192.0.2.1") == client_network("192.0.2.1") == "192.0.2.1"
    assert client_network("testclient") == "testclient"
