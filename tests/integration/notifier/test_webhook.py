"""The webhook channel against a receiver that answers badly, and against addresses it may not call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network

import pytest
from aiohttp import web

from notifier.channels.webhook import WebhookEndpoint, WebhookSender
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import Reason, Result
from tests.support.notifier.receivers import SECRET, Receiver
from tests.support.samples.milestones import attempt, told, webhook

pytestmark = pytest.mark.integration
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


async def sent(url: str, allowed: bool = True, timeout_s: float = 0.5) -> Result:
    sender = WebhookSender(
        {"control-room": WebhookEndpoint(url, SECRET)},
        timeout_s=timeout_s,
        allowed_networks=LOOPBACK if allowed else (),
    )
    return await sender.send(replace(attempt(channel=Channel.WEBHOOK), began_at=datetime.now(UTC)), webhook())


async def test_a_call_is_signed_and_carries_the_alerts_id(receiver: Receiver) -> None:
    result = await sent(receiver.url)

    (call,) = receiver.calls  # the receiver has verified its signature
    assert result == Result(Reason.ACCEPTED, {"status": 204})
    assert call.id == call.body["data"]["alert_id"] == str(told().id)
    assert call.body["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.ACCEPTED),
        (400, Reason.ERROR_ANSWERED),
        (404, Reason.ERROR_ANSWERED),
        (410, Reason.GONE),
        (429, Reason.ERROR_ANSWERED),
        (500, Reason.ERROR_ANSWERED),
    ],
)
async def test_each_answer_has_its_reason(receiver: Receiver, status: int, reason: Reason) -> None:
    receiver.answers = [web.Response(status=status)]

    result = await sent(receiver.url)

    assert result == Result(reason, {"status": status})


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [web.Response(status=307, headers={"location": f"{receiver.url}/elsewhere"})]

    result = await sent(receiver.url)

    assert result.reason is Reason.REDIRECTED
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_read_in_seconds_and_as_a_date(receiver: Receiver, status: int) -> None:
    later = datetime.now(UTC) + timedelta(seconds=60)
    receiver.answers = [
        web.Response(status=status, headers={"retry-after": "7"}),
        web.Response(status=status, headers={"retry-after": format_datetime(later, usegmt=True)}),
        web.Response(status=status, headers={"retry-after": "soon"}),
    ]

    seconds, date, unreadable = [await sent(receiver.url) for _ in range(3)]

    assert (seconds.reason, seconds.retry_after_s) == (Reason.ASKED_TO_WAIT, 7.0)
    assert date.retry_after_s is not None
    assert 50 < date.retry_after_s <= 60
    assert unreadable.reason is Reason.ERROR_ANSWERED


async def test_a_receiver_that_never_answers_is_given_up_in_time(receiver: Receiver) -> None:
    receiver.answers = [None]

    assert (await sent(receiver.url)).reason is Reason.TIMED_OUT


async def test_nobody_there_is_unreachable(receiver: Receiver) -> None:
    result = await sent("http://127.0.0.1:1/")

    assert result.reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "[fd00::1]",
    ],
)
async def test_a_private_address_is_not_called_unless_allowed(receiver: Receiver, host: str) -> None:
    result = await sent(f"http://{host}:{receiver.port}/", allowed=False)

    assert result == Result(Reason.ADDRESS_REFUSED)
    assert receiver.calls == []


async def test_a_webhook_without_settings_is_not_called() -> None:
    sender = WebhookSender({}, timeout_s=1.0)

    assert await sender.send(attempt(channel=Channel.WEBHOOK), webhook()) == Result(Reason.NOT_CONFIGURED)
