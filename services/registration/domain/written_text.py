"""Removes what spreadsheets and text editors add to a value, and what no reader sees."""

from __future__ import annotations

import re
from typing import Final

# The byte order mark, the zero-width characters, the soft hyphen, and the Mongolian vowel separator.
INVISIBLE: Final = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad\u180e"))
# A formula whose result is a text: the way to keep a spreadsheet from reading the text as a number.
TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
WHOLE_FLOAT: Final = re.compile(r"(\+?[0-9]+)\.0+")


def visible(text: str) -> str:
    """Return the text without invisible characters."""
    return text if text.isascii() else text.translate(INVISIBLE)


def digits_as_text(text: str) -> str:
    """Return what was written in a cell for a number whose digits matter, such as a NIK.

    Removes invisible characters, white space at both ends, the apostrophe or the formula that marks a text
    (`'0812`, `="0812"`), and the fraction of a whole number (`812.0`).
    """
    text = visible(text).strip()
    if text.isdigit():
        return text
    if formula := TEXT_FORMULA.fullmatch(text):
        text = formula[1].strip()
    text = text.removeprefix("'").strip()
    if whole := WHOLE_FLOAT.fullmatch(text):
        text = whole[1]
    return text
