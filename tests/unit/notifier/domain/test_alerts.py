"""Tests which recipients get which messages, under which ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain import alerts
from notifier.domain.alerts import Silence, alert_id, crossing_id, plan_messages, plan_next_channel
from tests.support.samples.milestones import AS_OF, crossing, evidence, official, webhook


def test_an_official_gets_one_message_for_all_crossings_of_a_cut() -> None:
    crossings = [crossing(threshold=200_000), crossing(threshold=210_000)]

    (message,) = plan_messages(crossings, [official()])

    assert [alert.id for alert in message.alerts] == [
        alert_id(crossed, "official:governor") for crossed in crossings
    ]


def test_a_webhook_gets_one_call_per_alert() -> None:
    messages = list(plan_messages([crossing(threshold=1), crossing(threshold=2)], [webhook()]))

    assert [len(message.alerts) for message in messages] == [1, 1]


def test_regions_match_exactly_and_within_matches_a_subtree() -> None:
    listed = official(regions=frozenset({"31.71"}))
    subtree = official(regions=frozenset(), within=("31.71",))

    received = [
        [recipient.receives(region, "any") for region in ("31", "31.71", "31.71.06", "31.7")]
        for recipient in (listed, subtree)
    ]

    assert received == [[False, True, False, False], [False, True, True, False]]


def test_an_official_with_a_list_of_rules_receives_no_alert_of_another_rule() -> None:
    messages = list(plan_messages([crossing(rule="other")], [official(rules=frozenset({"province-target"}))]))

    assert messages == []


def test_ids_do_not_depend_on_the_evidence() -> None:
    again = crossing(value=250_000, count=250_000, cut="9.1")

    assert crossing_id(again) == crossing_id(crossing())
    assert alert_id(again, "official:governor") == alert_id(crossing(), "official:governor")


def test_ids_stay_the_same_in_every_release() -> None:
    assert str(crossing_id(crossing())) == "d30b600c-0b27-53a9-a4a2-83ce2ee0513f"


@given(st.data())
def test_another_scope_region_rule_threshold_epoch_or_recipient_is_another_alert(data: st.DataObject) -> None:
    original = crossing()
    changed = data.draw(
        st.sampled_from(
            [
                replace(original, scope="agency:ppkukm"),
                replace(original, region="31.71"),
                replace(original, rule="other"),
                replace(original, threshold=1),
                replace(original, epoch="fest"),
                replace(original, number=2),
            ]
        )
    )

    assert alert_id(changed, "a") != alert_id(original, "a")
    assert alert_id(original, "b") != alert_id(original, "a")


def test_a_silenced_alert_is_held_in_a_message_of_its_own() -> None:
    until = AS_OF + timedelta(hours=1)
    crossings = [crossing(region="31"), crossing(region="31.71")]

    messages = list(plan_messages(crossings, [official(within=("31",))], [Silence(until, region="31.71")]))

    assert sorted((message.held_until is None, len(message.alerts)) for message in messages) == [
        (False, 1),
        (True, 1),
    ]


def test_a_silence_for_an_official_holds_the_alerts_on_the_next_channels() -> None:
    silence = Silence(AS_OF, recipient="official:governor")

    held = [
        silence.holds(recipient, crossing())
        for recipient in ("official:governor", "official:governor/2", "official:governor-2", "official:mayor")
    ]

    assert held == [True, True, False, False]


def test_the_next_channel_gets_alerts_of_its_own_in_one_email_or_one_call_each() -> None:
    alerts = [
        evidence(threshold=threshold, crossing_id=crossing_id(crossing(threshold=threshold)))
        for threshold in (1, 2)
    ]

    (email,) = plan_next_channel(alerts, official("governor/2"))
    calls = list(plan_next_channel(alerts, webhook()))

    assert [alert.id for alert in email.alerts] == [
        alert_id(crossing(threshold=threshold), "official:governor/2") for threshold in (1, 2)
    ]
    assert [len(call.alerts) for call in calls] == [1, 1]
    assert email.recipient == "official:governor/2"


def test_too_many_alerts_for_one_email_are_split() -> None:
    crossings = [crossing(threshold=n) for n in range(1, alerts.EMAIL_ALERTS_MAX + 2)]

    messages = list(plan_messages(crossings, [official()]))

    assert [len(message.alerts) for message in messages] == [alerts.EMAIL_ALERTS_MAX, 1]
