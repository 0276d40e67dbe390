"""The page has the same texts in both languages."""

from __future__ import annotations

from board.i18n import WORDS
from localization.formats import LANGUAGES


def test_both_languages_have_the_same_texts_and_placeholders() -> None:
    assert tuple(WORDS) == LANGUAGES
    assert WORDS["id"].keys() == WORDS["en"].keys()
    assert all(WORDS["id"][key].count("{") == WORDS["en"][key].count("{") for key in WORDS["id"])
