"""Tests in which cases the relay detects that the topic has events of another register."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registration.relay.topic_divergence import RegisteredEvent, TopicRecord, mismatch


def test_a_last_event_that_the_register_has_is_accepted() -> None:
    assert mismatch({3: TopicRecord("a", 3, 7)}, {3: RegisteredEvent(9, "a")}) is None


def test_an_empty_topic_is_accepted() -> None:
    assert mismatch({}, {}) is None


def test_a_higher_sequence_on_the_topic_is_refused() -> None:
    reason = mismatch({3: TopicRecord("a", 3, 10)}, {3: RegisteredEvent(9, None)})

    assert reason is not None
    assert "partition 3" in reason
    assert "registration recover" in reason


def test_a_different_event_at_the_same_sequence_is_refused() -> None:
    reason = mismatch({3: TopicRecord("a", 3, 9)}, {3: RegisteredEvent(9, "b")})

    assert reason is not None
    assert "another event" in reason


@given(st.lists(st.sampled_from("ab"), max_size=4), st.lists(st.sampled_from("ab"), max_size=4))
def test_a_topic_is_accepted_exactly_if_the_register_has_its_last_event(
    register: list[str], topic: list[str]
) -> None:
    """There is one partition. Each list has the ids of its events, whose sequences are 1, 2, 3 …"""
    end = len(topic)
    topic_ends = {0: TopicRecord(topic[-1], 0, end)} if topic else {}
    registered = {0: RegisteredEvent(len(register), register[end - 1] if 0 < end <= len(register) else None)}

    expected = not topic or (end <= len(register) and register[end - 1] == topic[-1])

    assert (mismatch(topic_ends, registered) is None) == expected
