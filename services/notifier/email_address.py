"""The form of an e-mail address in which the mail server receives it."""

from __future__ import annotations

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator


def envelope_address(text: str) -> str:
    """Return the address for the envelope: the local part as written, and the domain in ASCII (IDNA).

    Raises ValueError for an address that is malformed or that would be changed: an address with a name before
    it, or with a local part that is not in Unicode's composed form (NFC).
    """
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(f"is not a valid e-mail address: {error}") from error
    local_part = text.rpartition("@")[0]
    if local_part != checked.local_part:
        raise ValueError(f"would be sent to {checked.local_part}@…: write the address in this form")
    assert checked.ascii_domain is not None, "the validator allows no IP addresses as domains"
    return f"{local_part}@{checked.ascii_domain}"


EmailAddress = Annotated[str, AfterValidator(envelope_address)]
"""A setting or entry that is an e-mail address."""
