"""Parses phone numbers as people write them in Indonesia, converts them to E.164, and masks them."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from registration.domain.written_text import digits_as_text

HOME_REGION: Final = "ID"
HOME_PREFIX: Final = "62"
LENGTH_MAX: Final = 32
# Numbers that match need not be parsed by the library, which takes 50 µs for each. Nearly all numbers match,
# because they are mobile numbers in E.164. A property test compares this pattern with the library.
PLAIN_MOBILE: Final = re.compile(r"\+628[1-35-9][0-9]{7,10}")
# The library reads letters as the digits of a keypad and stops at a second number, so such texts are refused.
# A number begins with a plus sign, with a 0, with Indonesia's prefix, or with the 8 of a mobile number whose
# 0 a spreadsheet has removed. Other texts, such as the code of a kelurahan, only look like a number.
WRITTEN_NUMBER: Final = re.compile(r"\(?(?:\+|0|62|8)[0-9 ().\-\u00a0\u2010-\u2013]*")
PREFIXES_AT_HOME: Final = ("", "0", HOME_PREFIX, f"{HOME_PREFIX}0")


def e164(text: str) -> str | None:
    """Return the number in E.164, such as `+628123456789`; None if the text is not exactly one valid number.

    A number without `+` is read as if it were dialled in Indonesia. The result has the digits that were
    written: no digit is added, changed or left out, except for the prefixes of country and trunk.
    """
    if PLAIN_MOBILE.fullmatch(text):
        return text
    text = digits_as_text(text)
    if len(text) > LENGTH_MAX or not WRITTEN_NUMBER.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or not _has_the_written_digits(number, text):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _has_the_written_digits(number: phonenumbers.PhoneNumber, text: str) -> bool:
    written = re.sub(r"[^0-9]", "", text)
    national = phonenumbers.national_significant_number(number)
    country = str(number.country_code)
    prefixes = PREFIXES_AT_HOME if country == HOME_PREFIX else (country, f"{country}0")
    return any(written == prefix + national for prefix in prefixes)


def mask(number: str) -> str:
    """Replace the middle digits by asterisks, for display; the first six characters and last three stay.

    In Indonesia the first six characters show country and operator. A number of at most nine characters is
    hidden entirely.
    """
    return (
        f"{number[:6]}{'*' * max(len(number) - 9, 0)}{number[-3:]}" if len(number) > 9 else "*" * len(number)
    )
