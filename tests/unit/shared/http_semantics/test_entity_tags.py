"""Tests entity tags and their comparison with If-None-Match and If-Match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_semantics.entity_tags import is_known, revision_of, strong_tag, weak_tag

TAGS = st.text(st.sampled_from("a,* /W"), max_size=3).map(lambda text: f'"{text.replace(" ", "")}"')
FIELDS = st.tuples(st.booleans(), TAGS).map(lambda field: f"W/{field[1]}" if field[0] else field[1])


@given(FIELDS, st.lists(FIELDS, max_size=4), st.sampled_from([",", ", ", " , ,"]))
def test_a_tag_is_known_if_the_list_has_it_weak_or_strong(tag: str, others: list[str], comma: str) -> None:
    opaque = [other.removeprefix("W/") for other in others]

    assert is_known(tag, [comma.join(others)]) == (tag.removeprefix("W/") in opaque)
    assert is_known(tag, others) == (tag.removeprefix("W/") in opaque)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (["*"], True),
        ([" * "], True),
        ([], False),
        ([""], False),
        (["a"], False),
        (['w/"a"'], True),
        (['"*"'], False),
    ],
)
def test_a_star_matches_every_tag_and_malformed_values_match_none(header: list[str], known: bool) -> None:
    assert is_known('"a"', header) == known


def test_a_tag_depends_on_the_content_alone() -> None:
    assert weak_tag(b"a", b"b") == weak_tag(b"a", b"b") == "W/" + strong_tag(b"a", b"b")
    assert weak_tag(b"a", b"b") != weak_tag(b"a", b"c")


@pytest.mark.parametrize(
    ("header", "revision"),
    [
        ('"2"', 2),
        ('W/"2"', 2),
        ("2", 2),
        (' W/"12" ', 12),
        ('w/"2"', None),
        ("W/2", None),
        ('"2", "3"', None),
        ('"2-gzip"', None),
        ("", None),
    ],
)
def test_a_revision_is_read_from_a_strong_and_from_a_weakened_tag(header: str, revision: int | None) -> None:
    assert revision_of(header) == revision
