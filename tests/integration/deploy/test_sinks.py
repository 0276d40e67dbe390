"""The mailbox stores readable mails, and the webhook receiver stores verified calls."""

from __future__ import annotations

import base64
import json
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook

from deploy.local import mailbox, webhook_receiver
from tests.support.stack import Stack

pytestmark = pytest.mark.integration
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
BODY = json.dumps({"type": "milestone.crossed", "data": {"region": "31"}})


async def test_a_mail_is_stored_and_shown_decoded(stack: Stack) -> None:
    await stack.start("mailbox")
    message = EmailMessage()
    message["From"] = "jakpreneur@example.org"
    message["To"] = "gubernur@example.org"
    message["Subject"] = "Tonggak: 200.000 peserta – DKI Jakarta"
    message.set_content("Provinsi DKI Jakarta mencapai 200.000 peserta …\n")

    with smtplib.SMTP("127.0.0.1", stack.port("smtp")) as client:
        client.send_message(message)

    async with httpx.AsyncClient(base_url=stack.url("mailbox")) as client:
        (kept,) = (await client.get("/messages")).json()
        page = (await client.get("/")).text
        source = (await client.get(f"/messages/{kept['id']}")).text
    assert kept["subject"] == "Tonggak: 200.000 peserta – DKI Jakarta"
    assert kept["text"] == "Provinsi DKI Jakarta mencapai 200.000 peserta …\n"
    assert kept["to"] == "gubernur@example.org"
    assert "200.000 peserta" in page
    assert "=?utf-8?" in source


def test_a_reopened_mailbox_continues_its_numbering(tmp_path: Path) -> None:
    mailbox.Mailbox(tmp_path).put(b"Subject: one\r\n\r\n")

    mailbox.Mailbox(tmp_path).put(b"Subject: two\r\n\r\n")

    assert [mail["subject"] for mail in mailbox.Mailbox(tmp_path).newest()] == ["two", "one"]


def test_no_message_outside_the_mailbox_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_text("secret")

    assert mailbox.Mailbox(tmp_path / "mail").raw("../secret") is None


async def test_a_signed_call_is_stored_as_verified(tmp_path: Path) -> None:
    calls = webhook_receiver.Calls(tmp_path)

    status = await _call(calls, _signed("alert-1", SECRET))

    (kept,) = webhook_receiver.Calls(tmp_path).newest()
    assert status == 204
    assert (kept["webhook_id"], kept["verified"], kept["body"]) == ("alert-1", True, json.loads(BODY))


async def test_a_call_signed_with_another_secret_is_refused_and_stored_as_unverified(tmp_path: Path) -> None:
    calls = webhook_receiver.Calls(tmp_path)
    other = "whsec_" + base64.b64encode(b"o" * 32).decode()

    status = await _call(calls, _signed("alert-1", other))

    (kept,) = calls.newest()
    assert status == 401
    assert kept["verified"] is False


async def test_a_call_without_a_signature_is_refused(tmp_path: Path) -> None:
    assert await _call(webhook_receiver.Calls(tmp_path), {}) == 401


def _signed(message_id: str, secret: str) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, now, BODY)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


async def _call(calls: webhook_receiver.Calls, headers: dict[str, str]) -> int:
    async with TestClient(TestServer(webhook_receiver.application(calls, SECRET))) as client:
        return (await client.post("/", data=BODY, headers=headers)).status
