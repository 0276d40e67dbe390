"""Tests the e-mail channel with a real mail server."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.channels.email import EmailSender, MailServer
from notifier.channels.email_content import EmailContent
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason
from notifier.email_address import envelope_address
from notifier.i18n import Wording
from tests.support.notifier.receivers import Mailbox, mail_server
from tests.support.samples.milestones import REGIONS, attempt, official

pytestmark = pytest.mark.integration

ATOM = st.text(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~" + "éß李", min_size=1, max_size=8)
LOCAL_PARTS = st.lists(ATOM, min_size=1, max_size=3).map(".".join)
DOMAINS = st.sampled_from(["example.org", "jakut.example.org", "bücher.example.org", "例え.example.org"])


def sender(port: int) -> EmailSender:
    server = MailServer("127.0.0.1", port, "insecure", "jakpreneur@example.org", timeout_s=30.0)
    return EmailSender(server, EmailContent(Wording(REGIONS, {}), "https://board.example"))


async def test_an_email_arrives_as_plain_text_for_one_official(mailbox: Mailbox) -> None:
    result = await sender(mailbox.port).send(attempt(number=2), official())

    (mail,) = mailbox.messages
    assert result == AttemptResult(
        DeliveryReason.ACCEPTED, {"server": "127.0.0.1", "status": 250, "text": "kept"}
    )
    assert mail["From"] == "Jakpreneur <jakpreneur@example.org>"
    assert mail["To"] == "gubernur@example.org"
    assert mail["Subject"] == "DKI Jakarta mencapai target 200.000 peserta terdaftar"
    assert mail["Date"].datetime == attempt().began_at
    assert mail.get_content_type() == "text/plain"
    assert mail["Message-ID"] == f"<{attempt().message_id}@example.org>"
    assert mail["X-Jakpreneur-Attempt"] == "2"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mailbox.texts()[0].startswith("Yth. Gubernur DKI Jakarta,\n\nDKI Jakarta mencapai target 200.000")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(local_part=LOCAL_PARTS, domain=DOMAINS)
async def test_the_envelope_has_the_configured_address(
    mailbox: Mailbox, local_part: str, domain: str
) -> None:
    address = envelope_address(f"{local_part}@{domain}")

    result = await sender(mailbox.port).send(attempt(), official(address=address))

    assert result.reason is DeliveryReason.ACCEPTED
    assert mailbox.recipients[-1] == address
    assert address.startswith(f"{local_part}@")
    (recipient,) = mailbox.messages[-1]["To"].addresses
    assert recipient.addr_spec.encode("utf-8", "surrogateescape") == address.encode()


async def test_a_server_without_smtputf8_refuses_an_address_beyond_ascii_for_good() -> None:
    async with mail_server(enable_smtputf8=False) as mailbox:
        result = await sender(mailbox.port).send(attempt(), official(address="müller@example.org"))

    assert result == AttemptResult(DeliveryReason.REFUSED, {"error": "SMTPUTF8NotSupported"})


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("451 later", DeliveryReason.DEFERRED), ("550 no", DeliveryReason.REFUSED)],
)
@pytest.mark.parametrize("replies_to", ["refusals", "refused_recipients"])
async def test_a_reply_of_4xx_or_5xx_is_definite_and_its_text_is_in_the_receipt(
    mailbox: Mailbox, replies_to: str, reply: str, reason: DeliveryReason
) -> None:
    setattr(mailbox, replies_to, [reply])

    result = await sender(mailbox.port).send(attempt(), official())

    code, text = reply.split()
    assert result == AttemptResult(reason, {"status": int(code), "text": text})
    assert mailbox.messages == []


async def test_a_receipt_has_no_address(mailbox: Mailbox) -> None:
    mailbox.refused_recipients = ["550 5.1.1 <gubernur@example.org>: unknown user"]

    result = await sender(mailbox.port).send(attempt(), official())

    assert result.receipt["text"] == "5.1.1 … unknown user"


async def test_a_lost_reply_to_the_content_is_ambiguous(mailbox: Mailbox) -> None:
    mailbox.lost_replies = 1

    result = await sender(mailbox.port).send(attempt(), official())

    assert result.reason is DeliveryReason.AMBIGUOUS
    assert len(mailbox.messages) == 1


async def test_an_unreachable_mail_server_is_a_definite_failure() -> None:
    result = await sender(1).send(attempt(), official())

    assert result.reason is DeliveryReason.UNREACHABLE


async def test_an_official_without_an_address_is_not_configured() -> None:
    result = await sender(1).send(attempt(), official(address=None))

    assert result.reason is DeliveryReason.NOT_CONFIGURED
