"""Validates and normalises names of people and businesses: visible text without control characters."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from registration.domain.written_text import visible

# Control characters, halves of surrogate pairs, and separators of lines and paragraphs. PostgreSQL cannot
# store the control character U+0000.
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Characters that change the text direction. With them, a name could look like a different name.
REFUSED_CHARACTERS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters that no font shows: the fillers of Hangul.
INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
REPLACEMENT: Final = "\ufffd"
# What spreadsheets and programs write in place of a value that is missing or cannot be computed.
SPREADSHEET_ERROR: Final = re.compile(
    r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|GETTING_DATA|#+)|Err:[0-9]{3}",
    re.IGNORECASE,
)
PLACEHOLDERS: Final = frozenset({"null", "nan", "none", "n/a", "undefined", "nihil"})


class TextFault(StrEnum):
    """Why a text is no valid name."""

    CONTROL = "control_characters"
    BLANK = "blank"
    REPLACEMENT = "replacement_character"
    PLACEHOLDER = "placeholder"


def fault(text: str) -> TextFault | None:
    """Return what is wrong with a name, None if it is valid. A name needs at least one visible letter."""
    if text.isascii() and text.isprintable():
        has_letter = any(map(str.isalpha, text))
    else:
        categories = [unicodedata.category(character) for character in text]
        if not REFUSED_CATEGORIES.isdisjoint(categories) or not REFUSED_CHARACTERS.isdisjoint(text):
            return TextFault.CONTROL
        if REPLACEMENT in text:
            return TextFault.REPLACEMENT
        has_letter = any(
            category[0] == "L" and character not in INVISIBLE_LETTERS
            for character, category in zip(text, categories, strict=True)
        )
    words = visible(text).strip()
    if SPREADSHEET_ERROR.fullmatch(words) or words.casefold() in PLACEHOLDERS:
        return TextFault.PLACEHOLDER
    return None if has_letter else TextFault.BLANK


def normalize(text: str) -> str:
    """Convert to NFC without invisible characters, with one blank between words and none at the ends."""
    return " ".join(unicodedata.normalize("NFC", visible(text)).split())
