"""A crossing becomes one e-mail, one signed webhook call and one record, even if processes die."""

from __future__ import annotations

import signal
from typing import Any

import httpx
import pytest

from tests.support.failpoint_names import NOTIFIER
from tests.support.notifier.cut_writer import CutWriter
from tests.support.notifier.processes import RULES, Notifiers, until
from tests.support.notifier.receivers import Mailbox, Receiver
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

CRASH_POINTS = [
    *NOTIFIER,
    "milestones.before_produce",
    "milestones.after_produce",
    "milestones.after_ack",
    "milestones.after_advance",
]


MAY_BE_REPEAT = ("mungkin sudah pernah", "may have received")


async def all_delivered(connection: Any) -> bool:
    """Whether there is at least one message, and all messages are delivered."""
    states = await connection.fetch("select state, count(*) from message group by state")
    return [row["state"] for row in states] == ["delivered"]


async def has_latches(connection: Any, count: int) -> bool:
    """Whether there are this many latches. Their messages were stored in the same transactions."""
    return bool(await connection.fetchval("select count(*) = $1::int from latch", count))


async def test_a_crossing_is_sent_by_email_and_webhook_and_published_to_the_topic(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any
) -> None:
    running = notifier.start()
    await cuts.full(_31=99, _31_71=10)
    await running.ready()

    await cuts.change(_31=100)

    await until(lambda: all_delivered(connection))
    (mail,) = mailbox.messages
    assert mail["Subject"] == "DKI Jakarta mencapai 100 peserta terdaftar"
    assert mail["To"] == "governor@example.org"
    (call,) = receiver.calls
    assert call.body["data"]["threshold"] == 100
    assert call.body["data"]["cut"] == "1.2"
    (record,) = await until(cuts.milestones)
    assert (record["sequence"], record["state"], record["value"]) == (2, "crossed", 100)
    assert record["id"] == call.body["data"]["crossing_id"]


async def test_several_thresholds_at_once_are_one_email_and_one_call_each(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any
) -> None:
    notifier.start()
    await cuts.full(_31=281_812, _31_71=28_100)

    await until(lambda: all_delivered(connection))

    by_address = {mail["To"]: text for mail, text in zip(mailbox.messages, mailbox.texts(), strict=True)}
    assert sorted(by_address) == ["governor@example.org", "mayor@example.org"]
    assert by_address["governor@example.org"].count("Nomor peringatan") == 3
    assert sorted(call.body["data"]["threshold"] for call in receiver.calls) == [50, 100, 200, 300]
    assert len(set(receiver.ids())) == 4


@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_after_a_kill_at_any_crash_point_every_alert_is_delivered_and_latched_once(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any, point: str
) -> None:
    one_at_once = {"NOTIFIER_DELIVERIES_AT_ONCE": "1"}
    dying = notifier.start(crash_at=point, **one_at_once)
    await cuts.full(_31=150, _31_71=60)
    await dying.crashed()

    notifier.start(**one_at_once)

    await until(lambda: all_delivered(connection))
    records = await until(lambda: published(cuts, 2), name="both crossings are on the topic")
    assert await connection.fetchval("select count(*) from latch") == 2
    assert await connection.fetchval("select count(*) from alert") == 4
    assert sorted({mail["To"] for mail in mailbox.messages}) == ["governor@example.org", "mayor@example.org"]
    assert is_one_marked_repeat_at_most(mailbox)
    assert len(receiver.calls) <= 3  # in each lane, only the message that was being sent may be sent twice
    assert len(set(receiver.ids())) == 2
    webhook_alerts = await connection.fetch(
        "select id::text from alert where recipient = 'webhook:control-room'"
    )
    assert set(receiver.ids()) == {row["id"] for row in webhook_alerts}
    assert {record["id"] for record in records} == {
        str(row["id"]) for row in await connection.fetch("select id from latch")
    }


def is_one_marked_repeat_at_most(mailbox: Mailbox) -> bool:
    """Whether at most one e-mail arrived twice, and the second says that it may be a repeat."""
    first: dict[str, str] = {}
    repeats = []
    for mail, text in zip(mailbox.messages, mailbox.texts(), strict=True):
        if first.setdefault(mail["Message-ID"], text) is not text:
            repeats.append(text)
    return len(repeats) <= 1 and all(any(words in text for words in MAY_BE_REPEAT) for text in repeats)


async def published(cuts: CutWriter, at_least: int) -> list[dict[str, Any]]:
    """Return the records of the topic milestones; no records while it has fewer than `at_least` crossings."""
    records = await cuts.milestones()
    return records if len({record["id"] for record in records}) >= at_least else []


async def test_an_interrupted_send_is_ambiguous_and_the_repeated_email_says_so(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, connection: Any
) -> None:
    notifier.write_rules(RULES.split("webhooks:", maxsplit=1)[0])
    dying = notifier.start(crash_at="notifier.after_send")
    await cuts.full(_31=100)
    await dying.crashed()

    notifier.start()

    await until(lambda: all_delivered(connection))
    first, second = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert ["mungkin sudah pernah" in text for text in mailbox.texts()] == [False, True]
    attempts = await connection.fetch("select reason from attempt order by number")
    assert [row["reason"] for row in attempts] == ["ambiguous", "accepted"]


async def test_a_suspended_notifier_that_lost_its_claim_changes_nothing_when_it_resumes(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any
) -> None:
    notifier.write_rules(RULES.replace("[100, 200, 300]", "[100]"))
    receiver.responses = [None]
    suspended = notifier.start()
    await cuts.full(_31=100)
    await until(lambda: len(receiver.calls) == 1)
    suspended.process.send_signal(signal.SIGSTOP)
    notifier.start()
    await until(lambda: all_delivered(connection))

    suspended.process.send_signal(signal.SIGCONT)

    await until(lambda: call_reasons(connection, "timed_out", "accepted"))
    assert await all_delivered(connection)
    assert len(receiver.calls) == 2
    assert len(set(receiver.ids())) == 1


async def call_reasons(connection: Any, *reasons: str) -> bool:
    """Whether the attempts to call the webhook have these reasons."""
    rows = await connection.fetch(
        "select attempt.reason from attempt join message on id = message_id"
        " where channel = 'webhook' order by number"
    )
    return tuple(row["reason"] for row in rows) == reasons


async def test_a_restart_with_a_replay_of_all_cuts_sends_no_alert_again(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any
) -> None:
    first = notifier.start()
    await cuts.full(_31=99)
    for count in (100, 150, 99, 201):
        await cuts.change(_31=count)
    await until(lambda: has_latches(connection, 2))
    await until(lambda: all_delivered(connection))
    assert await first.stop() == 0
    emails, calls = len(mailbox.messages), len(receiver.calls)

    second = notifier.start()
    await second.ready()
    await cuts.change(_31=299)
    await cuts.change(_31=300)

    await until(lambda: has_latches(connection, 3))
    await until(lambda: all_delivered(connection))
    assert len(receiver.calls) == calls + 1
    assert len(mailbox.messages) == emails + 1


async def test_two_notifiers_latch_and_send_once(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any
) -> None:
    notifier.write_rules(RULES.replace("[100, 200, 300]", str(list(range(100, 600, 10)))))
    both = [notifier.start() for _ in range(2)]
    await cuts.full(_31=99)
    for process in both:
        await process.ready()

    await cuts.change(_31=350)
    await cuts.change(_31=600, _31_71=50)

    latches = 51
    await until(lambda: has_latches(connection, latches))
    await until(lambda: all_delivered(connection))
    assert len(receiver.calls) == len(set(receiver.ids())) == latches
    assert len({mail["Message-ID"] for mail in mailbox.messages}) == len(mailbox.messages)
    assert await connection.fetchval("select count(*) from attempt where number > 1") == 0
    assert len(await until(lambda: published(cuts, latches))) == latches


async def test_a_rule_added_later_alerts_about_thresholds_already_reached(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any
) -> None:
    first = notifier.start()
    await cuts.full(_31=150)
    await until(lambda: all_delivered(connection))
    await first.stop()

    notifier.write_rules(RULES.replace("rules:\n", 'rules:\n  - {id: late, regions: ["31"], at: [120]}\n', 1))
    notifier.start()

    await until(lambda: [call.body["data"]["rule"] for call in receiver.calls] == ["province", "late"])


async def test_a_cut_of_a_lower_term_crosses_nothing(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any
) -> None:
    running = notifier.start()
    cuts.term = 2
    await cuts.full(_31=99)
    await running.ready()
    cuts.term, cuts.cut = 1, 50
    await cuts.full(_31=500)
    cuts.term, cuts.cut = 2, 1
    await cuts.full(_31=100)

    await until(lambda: all_delivered(connection))

    assert await connection.fetchval("select max(threshold) from latch") == 100


async def test_a_margin_retracts_on_the_topic_and_alerts_again(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver
) -> None:
    notifier.write_rules(RULES.replace("at: [100, 200, 300]", "at: [100], rearm_margin: 10"))
    running = notifier.start()
    await cuts.full(_31=100)
    await running.ready()
    await until(lambda: len(receiver.calls) == 1)
    await cuts.change(_31=90)
    await until(lambda: retracted(cuts))
    await cuts.change(_31=100)

    await until(lambda: len(receiver.calls) == 2)

    records = await until(lambda: at_least(cuts, 3))
    assert [(record["epoch"], record["state"]) for record in records] == [
        ("ever", "crossed"),
        ("ever", "retracted"),
        ("ever.2", "crossed"),
    ]
    assert [record["sequence"] for record in records] == [2, 3, 4]


async def retracted(cuts: CutWriter) -> bool:
    return any(record["state"] == "retracted" for record in await cuts.milestones())


async def at_least(cuts: CutWriter, count: int) -> list[dict[str, Any]]:
    records = await cuts.milestones()
    return records if len(records) >= count else []


async def test_an_idle_notifier_stops_with_exit_code_0(notifier: Notifiers, cuts: CutWriter) -> None:
    running = notifier.start()
    await cuts.full(_31=1)
    await running.ready()
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{running.url}/health/live")).json()["alive"] is True

    assert await running.stop() == 0


@pytest.mark.parametrize("is_running", [True, False], ids=["while it runs", "before its start"])
async def test_the_milestones_are_published_again_if_their_topic_was_created_again(
    notifier: Notifiers, cuts: CutWriter, topics: Topics, connection: Any, is_running: bool
) -> None:
    notifier.write_rules(RULES.replace("at: [100, 200, 300]", "at: [100, 200], rearm_margin: 10"))
    running = notifier.start()
    await cuts.full(_31=200, _31_71=50)
    await until(lambda: published(cuts, 3))
    await cuts.change(_31=190)
    await until(lambda: retracted(cuts))
    if not is_running:
        assert await running.stop() == 0

    await topics.create_again("milestones")
    if not is_running:
        notifier.start()

    async def all_are_published_again() -> bool:
        records = await cuts.milestones()
        states = {(record["region"], record["threshold"]): record["state"] for record in records}
        assert states == {("31", 100): "crossed", ("31", 200): "retracted", ("31.71", 50): "crossed"}
        assert min(record["sequence"] for record in records) > 5
        return True

    await until(all_are_published_again)
