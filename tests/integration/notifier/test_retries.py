"""Retries end, wait as Retry-After says and are stored with their reasons; then comes the next channel."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.support.notifier.cut_writer import CutWriter
from tests.support.notifier.processes import RULES, Notifiers, until
from tests.support.notifier.receivers import SECRET, Mailbox, Receiver, webhook_receiver
from tests.support.process_clock import clock_off

pytestmark = pytest.mark.integration
HANGING_S = 60
ONLY_WEBHOOK = RULES.split("officials:", maxsplit=1)[0] + 'webhooks: [{id: control-room, within: ["31"]}]\n'


ONE_OFFICIAL = """
rules: [{{id: province, regions: ["31"], at: [100, 200]}}]
officials:
  - id: governor
    role: {{id: Gubernur, en: Governor}}
    address: governor@example.org
    fallbacks: {fallbacks}
    regions: ["31"]
"""


async def has_state(connection: Any, state: str, channel: str) -> bool:
    rows: list[Any] = await connection.fetch("select state from message where channel = $1", channel)
    return [row["state"] for row in rows] == [state]


async def reasons(connection: Any, channel: str) -> list[str]:
    rows = await connection.fetch(
        "select attempt.reason from attempt join message on id = message_id"
        " where channel = $1 order by number",
        channel,
    )
    return [row["reason"] for row in rows]


async def test_failed_calls_are_repeated_with_the_same_id_until_accepted(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any
) -> None:
    receiver.responses = [
        web.Response(status=500),
        web.Response(status=429, headers={"retry-after": "1"}),
        web.Response(status=307, headers={"location": "http://127.0.0.1:1/"}),
        None,
    ]
    notifier.start(NOTIFIER_RETRY_DELAY_S_MAX="0.3")
    await cuts.full(_31=100)

    await until(lambda: has_state(connection, "delivered", "webhook"))

    assert len(receiver.calls) == 5
    assert len(set(receiver.ids())) == 1
    assert receiver.calls[2].at_s - receiver.calls[1].at_s >= 1.0
    assert await reasons(connection, "webhook") == [
        "error_answered",
        "asked_to_wait",
        "redirected",
        "timed_out",
        "accepted",
    ]


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("by", ["+1h", "-1h"])
async def test_a_process_whose_clock_is_an_hour_off_uses_the_databases_time(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any, by: str
) -> None:
    receiver.responses = [web.Response(status=500), web.Response(status=503)]
    notifier.start(NOTIFIER_RETRY_DELAY_S_MAX="0.3", **clock_off(by))
    await cuts.full(_31=100)

    await until(lambda: has_state(connection, "delivered", "webhook"))

    assert len(receiver.calls) == 3  # the receiver has verified the signature and time of each call
    assert receiver.calls[2].at_s - receiver.calls[0].at_s < 30
    assert await reasons(connection, "webhook") == ["error_answered", "error_answered", "accepted"]


async def test_after_the_time_for_retries_a_message_is_dead_and_not_sent_again(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any
) -> None:
    receiver.responses = [web.Response(status=500) for _ in range(100)]
    running = notifier.start(NOTIFIER_RETRIED_H="0.0005", NOTIFIER_RETRY_DELAY_S_MAX="0.3")
    await cuts.full(_31=100)
    await until(lambda: has_state(connection, "dead", "webhook"))
    calls = len(receiver.calls)
    assert await reasons(connection, "webhook") == ["error_answered"] * calls
    await running.stop()
    receiver.responses = []

    notifier.start()
    await cuts.change(_31=200)

    await until(lambda: len(receiver.calls) == calls + 1)
    assert [call.body["data"]["threshold"] for call in receiver.calls] == [100] * calls + [200]


async def test_a_lost_reply_is_followed_by_one_marked_copy_with_the_same_id_and_then_by_the_next_channel(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any
) -> None:
    notifier.write_rules(
        ONE_OFFICIAL.format(fallbacks="[{address: aide@example.org}, {webhook: control-room}]")
    )
    mailbox.lost_replies = 2
    notifier.start()
    await cuts.full(_31=100)

    await until(lambda: has_recipient_states(connection, "unconfirmed", "delivered"))

    assert mailbox.recipients == ["governor@example.org", "governor@example.org", "aide@example.org"]
    first, second, third = mailbox.messages
    assert first["Message-ID"] == second["Message-ID"] != third["Message-ID"]
    assert ["mungkin sudah pernah" in text for text in mailbox.texts()] == [False, True, False]
    assert receiver.calls == []


async def test_a_refused_email_is_not_repeated_and_its_alerts_go_to_the_next_channel(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver, connection: Any
) -> None:
    notifier.write_rules(ONE_OFFICIAL.format(fallbacks="[{webhook: control-room}]"))
    mailbox.refused_recipients = ["550 5.1.1 unknown user"]
    notifier.start()
    await cuts.full(_31=200)

    await until(lambda: has_recipient_states(connection, "dead", "delivered", "delivered"))

    assert mailbox.messages == []
    assert sorted(call.body["data"]["threshold"] for call in receiver.calls) == [100, 200]


async def has_recipient_states(connection: Any, *states: str) -> bool:
    rows = await connection.fetch("select state from message order by created_at, recipient")
    return tuple(row["state"] for row in rows) == states


async def test_an_email_leaves_while_another_receiver_hangs(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, receiver: Receiver
) -> None:
    notifier.write_rules(f"{RULES}  - {{id: newsroom, within: ['31']}}\n")
    receiver.responses = [None] * 10
    async with webhook_receiver() as newsroom:
        urls = {"control-room": receiver.url, "newsroom": newsroom.url}
        webhooks = {name: {"url": url, "secret": SECRET} for name, url in urls.items()}
        running = notifier.start(
            NOTIFIER_WEBHOOK_TIMEOUT_S=str(HANGING_S),
            NOTIFIER_DELIVERIES_AT_ONCE="2",
            NOTIFIER_WEBHOOKS=json.dumps(webhooks),
        )
        await cuts.full(_31=200, _31_71=50)
        await running.ready()
        await until(lambda: len(receiver.calls) == 2, name="both runners of the lane wait for the receiver")
        await until(lambda: (len(mailbox.messages), len(newsroom.calls)) == (2, 3))

        await cuts.change(_31=300)

        await until(lambda: (len(mailbox.messages), len(newsroom.calls)) == (3, 4), deadline_s=HANGING_S / 2)
    assert len(receiver.calls) == 2


async def test_a_failing_webhook_gets_one_call_at_a_time(
    notifier: Notifiers, cuts: CutWriter, receiver: Receiver, connection: Any
) -> None:
    notifier.write_rules(ONLY_WEBHOOK)
    receiver.responses = [web.Response(status=500), None, None, None]
    notifier.start(NOTIFIER_RETRY_DELAY_S="30", NOTIFIER_WEBHOOK_TIMEOUT_S="2")
    await cuts.full(_31=100)

    async def the_failure_is_stored() -> bool:
        return await reasons(connection, "webhook") == ["error_answered"]

    await until(the_failure_is_stored)

    await cuts.change(_31=300, _31_71=50)

    await until(lambda: len(receiver.calls) == 4)
    _, *hanging = (call.at_s for call in receiver.calls)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(hanging))


async def test_an_email_is_retried_until_the_server_accepts_it(
    notifier: Notifiers, cuts: CutWriter, mailbox: Mailbox, connection: Any
) -> None:
    mailbox.refusals = ["451 later", "451 later"]
    notifier.start(NOTIFIER_RETRY_DELAY_S_MAX="0.3")
    await cuts.full(_31=100)

    await until(lambda: has_state(connection, "delivered", "email"))

    assert await reasons(connection, "email") == ["deferred", "deferred", "accepted"]
    assert len(mailbox.messages) == 1


async def test_an_email_interrupted_at_both_attempts_is_unconfirmed(
    notifier: Notifiers, cuts: CutWriter, connection: Any
) -> None:
    notifier.write_rules(ONE_OFFICIAL.format(fallbacks="[]"))
    await cuts.full(_31=100)
    for _ in range(2):
        dying = notifier.start(crash_at="notifier.before_send")
        await dying.crashed()

    last = notifier.start()

    await until(lambda: has_state(connection, "unconfirmed", "email"))
    assert await reasons(connection, "email") == ["ambiguous", "ambiguous"]
    await last.ready()

    async def it_is_in_the_metrics() -> bool:
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{last.url}/metrics")).text
        return 'notifier_messages_ended_total{channel="email",state="unconfirmed"} 1.0' in metrics

    await until(it_is_in_the_metrics)
