"""Tests the check of the officers' access key, and the tokens of acknowledgement links."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.api.authentication import AcknowledgementLinks, KeyBeforeBody, OfficerKey
from problems.problem import Problem

LINKS = AcknowledgementLinks("s" * 32)


def test_only_the_right_key_is_accepted() -> None:
    key = OfficerKey(hashlib.sha256(b"right").hexdigest())

    assert key.authenticate("Bearer right") == "officer"
    for wrong in (None, "", "Bearer", "Bearer wrong", "Basic right"):
        with pytest.raises(Problem):
            key.authenticate(wrong)


def test_without_a_hash_no_key_is_accepted() -> None:
    with pytest.raises(Problem):
        OfficerKey(None).authenticate("Bearer ")


@given(st.uuids())
def test_a_token_gives_the_id_of_its_message(message_id: uuid.UUID) -> None:
    assert LINKS.message_id(LINKS.token(message_id)) == message_id


@given(st.one_of(st.text(max_size=50), st.binary(max_size=40).map(lambda b: b.hex())))
def test_a_made_up_token_is_invalid(token: str) -> None:
    assert LINKS.message_id(token) is None


@given(st.uuids(), st.integers(0, 42), st.sampled_from("Aa0_-"))
def test_a_changed_token_is_invalid_unless_only_unused_bits_differ(
    message_id: uuid.UUID, index: int, character: str
) -> None:
    token = LINKS.token(message_id)
    changed = token[:index] + character + token[index + 1 :]

    # The last character has four unused bits. A change of these bits alone gives the same token.
    assert LINKS.message_id(changed) in ((None, message_id) if index == 42 or changed == token else (None,))


def test_a_token_made_with_another_secret_is_invalid() -> None:
    message_id = uuid.uuid4()

    assert AcknowledgementLinks("t" * 32).message_id(LINKS.token(message_id)) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_change_without_the_key_is_refused_before_any_of_its_body_is_read(method: str) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read before the key was checked")

    async def send(message: Any) -> None:
        sent.append(message)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the request was passed on without a key")

    scope = {"type": "http", "method": method, "path": "/v1/silences", "headers": [], "query_string": b""}
    await KeyBeforeBody(application, OfficerKey("0" * 64))(scope, receive, send)

    assert sent[0]["status"] == 401
