"""Every alert must arrive exactly once, and every passed threshold must have an alert."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clients.access_keys import AccessKeys, parse_keys
from simulator.verify.delivery_check import Alert, Deliveries, deliveries, delivery_errors, missing_alerts

ONE = "0192e0a1-0000-7000-8000-000000000001"
TWO = "0192e0a1-0000-7000-8000-000000000002"


def alert(identity: str, channel: str = "email", state: str = "delivered", threshold: int = 500) -> Alert:
    return Alert(identity, channel, state, "fest-night", "campaign:fest-2021", "31", threshold, "c1")


@pytest.mark.parametrize(("times", "wrong"), [(0, 1), (1, 0), (2, 1)])
def test_an_alert_must_arrive_exactly_once_on_its_own_channel(times: int, wrong: int) -> None:
    mail = Deliveries(mailbox=Counter({ONE: times}))
    call = Deliveries(webhook=Counter({ONE: times}))

    assert len(delivery_errors([alert(ONE)], mail)) == wrong
    assert len(delivery_errors([alert(ONE, "webhook")], call)) == wrong
    assert len(delivery_errors([alert(ONE, "webhook")], mail)) == 1


def test_an_alert_that_arrived_but_is_not_marked_delivered_is_an_error() -> None:
    assert delivery_errors([alert(ONE, state="retry")], Deliveries(mailbox=Counter({ONE: 1}))) != []


def test_a_call_with_an_invalid_signature_is_an_error() -> None:
    assert delivery_errors([], Deliveries(forged=1)) == ["1 calls at the receiver were not signed by us"]


def test_a_letter_with_two_alerts_delivers_both_and_a_repeated_letter_both_twice(tmp_path: Path) -> None:
    head = "Subject: x\nContent-Type: text/plain; charset=utf-8\n\n"
    letter = f"{head}Alert number: {ONE}\nAlert number: {TWO}\n{ONE}\n"
    mail, calls = tmp_path / "mail", tmp_path / "calls.jsonl"
    mail.mkdir()
    for name in ("1", "2"):
        (mail / f"{name}.eml").write_text(letter)
    calls.write_text(
        json.dumps({"verified": True, "webhook_id": ONE})
        + "\n"
        + json.dumps({"verified": False, "webhook_id": TWO})
        + "\n"
    )

    found = deliveries(mail, calls)

    assert found == Deliveries(Counter({ONE: 2, TWO: 2}), Counter({ONE: 1}), 1)


@given(
    st.integers(0, 60), st.integers(0, 60), st.integers(1, 9), st.integers(0, 40), st.sets(st.integers(0, 60))
)
def test_every_passed_threshold_without_an_alert_is_missing(
    before: int, after: int, every: int, above: int, alerted: set[int]
) -> None:
    alerts = [alert(str(threshold), threshold=threshold) for threshold in alerted]

    found = missing_alerts(alerts, "fest-night", every, before, after, above)

    passed = [n for n in range(1, after + 1) if n % every == 0 and n > before and n > above]
    assert found == [f"fest-night: no alert for {n:,}" for n in passed if n not in alerted]


def test_keys_are_read_by_role_and_a_missing_one_is_named() -> None:
    assert parse_keys('# local\nBOOTH_KEY=a\nOFFICER_KEY="b"\nADMIN_KEY=c=\n') == AccessKeys("a", "b", "c=")

    with pytest.raises(KeyError, match="ADMIN_KEY"):
        parse_keys("BOOTH_KEY=a\nOFFICER_KEY=b\n")
