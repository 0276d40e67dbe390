"""Tests the encoding of e-mails: RFC 2047 limits the length of encoded words."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.channels.email import encode

ENCODED_WORD = re.compile(rb"=\?[^ ]+\?=")
WORDS = st.lists(st.text(st.sampled_from("aé–"), min_size=1, max_size=90), min_size=1, max_size=8)


@pytest.mark.parametrize("needs_utf8", [False, True])
@given(words=WORDS)
@example(words=["Peringatan", "–", "x" * 120])
def test_no_encoded_word_of_a_subject_is_longer_than_75(needs_utf8: bool, words: list[str]) -> None:
    message = EmailMessage()
    message["Subject"] = " ".join(words)

    content = encode(message, needs_utf8=needs_utf8)

    assert max(map(len, ENCODED_WORD.findall(content)), default=0) <= 75
    assert max(map(len, content.splitlines())) <= 998
    received = str(email.message_from_bytes(content, policy=email.policy.SMTP)["Subject"])
    # Python may drop a blank between two words that are both encoded.
    assert "".join(received.split()) == "".join(words)
