"""The officers' key and the links of letters."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.api.authentication import AcknowledgementLinks, OfficerKey
from problems.problem import Problem

LINKS = AcknowledgementLinks("s" * 32)


def test_only_the_right_key_opens() -> None:
    key = OfficerKey(hashlib.sha256(b"right").hexdigest())

    assert key.require("Bearer right") == "officer"
    for wrong in (None, "", "Bearer", "Bearer wrong", "Basic right"):
        with pytest.raises(Problem):
            key.require(wrong)


def test_without_a_hash_no_key_opens() -> None:
    with pytest.raises(Problem):
        OfficerKey(None).require("Bearer ")


@given(st.uuids())
def test_a_token_leads_back_to_its_message(message_id: uuid.UUID) -> None:
    assert LINKS.message_id(LINKS.token(message_id)) == message_id


@given(st.one_of(st.text(max_size=50), st.binary(max_size=40).map(lambda b: b.hex())))
def test_a_made_up_token_leads_nowhere(token: str) -> None:
    assert LINKS.message_id(token) is None


@given(st.uuids(), st.integers(0, 42), st.sampled_from("Aa0_-"))
def test_a_changed_token_leads_nowhere_or_to_the_same(message_id: uuid.UUID, place: int, letter: str) -> None:
    token = LINKS.token(message_id)
    changed = token[:place] + letter + token[place + 1 :]

    # The last character carries four unused bits: changing only those is the same token.
    assert LINKS.message_id(changed) in ((None, message_id) if place == 42 or changed == token else (None,))


def test_another_secret_makes_other_tokens() -> None:
    message_id = uuid.uuid4()

    assert AcknowledgementLinks("t" * 32).message_id(LINKS.token(message_id)) is None
