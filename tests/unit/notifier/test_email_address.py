"""Tests which e-mail addresses are accepted, and in which form they are sent to the mail server."""

from __future__ import annotations

import pytest

from notifier.email_address import envelope_address


@pytest.mark.parametrize(
    "address",
    [
        "ma'ruf.jakut@example.org",
        "o'hara+fest@example.org",
        "!#$%&'*+-/=?^_`{|}~@example.org",
        "sekda.müller@example.org",
        "李@example.org",
    ],
)
def test_an_address_is_sent_as_it_is_written(address: str) -> None:
    assert envelope_address(address) == address


def test_an_international_domain_is_sent_in_ascii() -> None:
    assert envelope_address("kadis@bücher.example.org") == "kadis@xn--bcher-kva.example.org"


@pytest.mark.parametrize(
    "address",
    [
        "Kepala Dinas <kadis@example.org>",
        "<kadis@example.org>",
        " kadis@example.org",
        "kadis@example.org, gubernur@example.org",
        "e\u0301@example.org",
        '"ka dis"@example.org',
        "kadis@[127.0.0.1]",
        "kadis",
        "kadis@",
        "kadis@example.org\r\nRCPT TO:<x@example.org>",
    ],
)
def test_an_address_that_would_be_changed_or_is_malformed_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        envelope_address(address)
