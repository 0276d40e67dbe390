"""Tests the webhook channel: the responses of a real receiver, and addresses that must not be called."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from notifier.channels.webhook import WebhookEndpoint, WebhookSender
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason
from tests.support.notifier.receivers import SECRET, Receiver
from tests.support.samples.milestones import attempt, evidence, webhook

pytestmark = pytest.mark.integration
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


async def send(url: str, allowed: bool = True, timeout_s: float = 5.0, **other: Any) -> AttemptResult:
    sender = WebhookSender(
        {"control-room": WebhookEndpoint(url, SECRET)},
        timeout_s=timeout_s,
        allowed_networks=LOOPBACK if allowed else (),
        **other,
    )
    return await sender.send(replace(attempt(channel=Channel.WEBHOOK), began_at=datetime.now(UTC)), webhook())


async def test_a_call_is_signed_and_carries_the_alerts_id(receiver: Receiver) -> None:
    result = await send(receiver.url)

    (call,) = receiver.calls  # the receiver has verified the signature
    assert result == AttemptResult(DeliveryReason.ACCEPTED, {"status": 204})
    assert call.id == call.body["data"]["alert_id"] == str(evidence().id)
    assert call.body["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, DeliveryReason.ACCEPTED),
        (400, DeliveryReason.ERROR_ANSWERED),
        (404, DeliveryReason.ERROR_ANSWERED),
        (410, DeliveryReason.GONE),
        (429, DeliveryReason.ERROR_ANSWERED),
        (500, DeliveryReason.ERROR_ANSWERED),
    ],
)
async def test_each_status_has_its_reason(receiver: Receiver, status: int, reason: DeliveryReason) -> None:
    receiver.responses = [web.Response(status=status)]

    result = await send(receiver.url)

    assert result == AttemptResult(reason, {"status": status})


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.responses = [web.Response(status=307, headers={"location": f"{receiver.url}/elsewhere"})]

    result = await send(receiver.url)

    assert result.reason is DeliveryReason.REDIRECTED
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_read_in_seconds_and_as_a_date(receiver: Receiver, status: int) -> None:
    later = datetime.now(UTC) + timedelta(seconds=60)
    receiver.responses = [
        web.Response(status=status, headers={"retry-after": "7"}),
        web.Response(status=status, headers={"retry-after": format_datetime(later, usegmt=True)}),
        web.Response(status=status, headers={"retry-after": "soon"}),
    ]

    seconds, date, unreadable = [await send(receiver.url) for _ in range(3)]

    assert (seconds.reason, seconds.retry_after_s) == (DeliveryReason.ASKED_TO_WAIT, 7.0)
    assert date.retry_after_s is not None
    assert 50 < date.retry_after_s <= 60
    assert unreadable.reason is DeliveryReason.ERROR_ANSWERED


@pytest.mark.parametrize(
    "value",
    ["3601", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"],
    ids=["an hour", "infinite", "the year 9999"],
)
async def test_a_huge_retry_after_is_shortened_to_an_hour(receiver: Receiver, value: str) -> None:
    receiver.responses = [web.Response(status=429, headers={"retry-after": value})]

    result = await send(receiver.url)

    assert result == AttemptResult(
        DeliveryReason.ASKED_TO_WAIT, {"status": 429, "retry_after_s": 3600.0}, 3600.0
    )


async def test_a_receiver_that_never_responds_times_out(receiver: Receiver) -> None:
    receiver.responses = [None]

    assert (await send(receiver.url, timeout_s=0.5)).reason is DeliveryReason.TIMED_OUT


async def test_each_address_of_the_host_is_tried_until_one_accepts_a_connection(receiver: Receiver) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.3", "127.0.0.1"]

    with silent_server("127.0.0.3", receiver.port):
        result = await send(f"http://webhook.example:{receiver.port}/alerts", timeout_s=6.0, resolve=resolve)

    assert result.reason is DeliveryReason.ACCEPTED
    assert len(receiver.calls) == 1


async def test_an_address_that_has_answered_is_the_only_one_called(receiver: Receiver) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", "127.0.0.1"]

    receiver.responses = [web.Response(status=500)]

    result = await send(receiver.url, resolve=resolve)

    assert result.reason is DeliveryReason.ERROR_ANSWERED
    assert len(receiver.calls) == 1


@contextmanager
def silent_server(host: str, port: int) -> Iterator[None]:
    """Occupy an address that answers no attempt to connect, because its queue of connections is full."""
    with socket.socket() as server, ExitStack() as clients:
        server.bind((host, port))
        server.listen(0)
        for _ in range(2):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((host, port))
        yield


async def test_a_closed_port_is_unreachable(receiver: Receiver) -> None:
    result = await send("http://127.0.0.1:1/")

    assert result.reason is DeliveryReason.UNREACHABLE


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
    result = await send(f"http://{host}:{receiver.port}/", allowed=False)

    assert result == AttemptResult(DeliveryReason.ADDRESS_REFUSED)
    assert receiver.calls == []


async def test_a_webhook_without_settings_is_not_configured() -> None:
    sender = WebhookSender({}, timeout_s=1.0)

    assert await sender.send(attempt(channel=Channel.WEBHOOK), webhook()) == AttemptResult(
        DeliveryReason.NOT_CONFIGURED
    )
