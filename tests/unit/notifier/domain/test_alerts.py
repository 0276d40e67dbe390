"""Who is told, in which messages, under which ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain import alerts
from notifier.domain.alerts import Silence, alert_id, crossing_id, plan
from tests.support.samples.milestones import AS_OF, crossing, official, webhook


def test_an_official_gets_one_message_for_all_crossings_of_a_cut() -> None:
    crossings = [crossing(threshold=200_000), crossing(threshold=210_000)]

    (message,) = plan(crossings, [official()])

    assert [alert.id for alert in message.alerts] == [alert_id(one, "official:governor") for one in crossings]


def test_a_webhook_gets_one_call_per_alert() -> None:
    messages = list(plan([crossing(threshold=1), crossing(threshold=2)], [webhook()]))

    assert [len(message.alerts) for message in messages] == [1, 1]


def test_regions_are_exact_and_within_is_a_whole_subtree() -> None:
    exact = official(regions=frozenset({"31.71"}))
    whole = official(regions=frozenset(), within=("31.71",))

    told = [
        [one.is_told_of(region, "any") for region in ("31", "31.71", "31.71.06", "31.7")]
        for one in (exact, whole)
    ]

    assert told == [[False, True, False, False], [False, True, True, False]]


def test_an_official_of_some_rules_is_told_of_no_other() -> None:
    messages = list(plan([crossing(rule="other")], [official(rules=frozenset({"province-target"}))]))

    assert messages == []


def test_ids_follow_from_what_they_stand_for_and_not_from_the_evidence() -> None:
    again = crossing(value=250_000, count=250_000, cut="9.1")

    assert crossing_id(again) == crossing_id(crossing())
    assert alert_id(again, "official:governor") == alert_id(crossing(), "official:governor")


def test_ids_stay_the_same_over_the_years() -> None:
    assert str(crossing_id(crossing())) == "d30b600c-0b27-53a9-a4a2-83ce2ee0513f"


@given(st.data())
def test_another_scope_region_rule_threshold_epoch_or_recipient_is_another_alert(data: st.DataObject) -> None:
    one = crossing()
    changed = data.draw(
        st.sampled_from(
            [
                replace(one, scope="agency:ppkukm"),
                replace(one, region="31.71"),
                replace(one, rule="other"),
                replace(one, threshold=1),
                replace(one, epoch="fest"),
                replace(one, number=2),
            ]
        )
    )

    assert alert_id(changed, "a") != alert_id(one, "a")
    assert alert_id(one, "b") != alert_id(one, "a")


def test_a_silenced_alert_waits_in_a_message_of_its_own() -> None:
    until = AS_OF + timedelta(hours=1)
    crossings = [crossing(region="31"), crossing(region="31.71")]

    messages = list(plan(crossings, [official(within=("31",))], [Silence(until, region="31.71")]))

    assert sorted((message.held_until is None, len(message.alerts)) for message in messages) == [
        (False, 1),
        (True, 1),
    ]


def test_a_long_list_goes_out_in_several_letters() -> None:
    crossings = [crossing(threshold=n) for n in range(1, alerts.EMAIL_ALERTS_MAX + 2)]

    messages = list(plan(crossings, [official()]))

    assert [len(message.alerts) for message in messages] == [alerts.EMAIL_ALERTS_MAX, 1]
