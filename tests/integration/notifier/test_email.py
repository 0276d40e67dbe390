"""Tests the e-mail channel with a real mail server."""

from __future__ import annotations

import pytest

from notifier.channels.email import EmailSender, MailServer
from notifier.channels.email_content import EmailContent
from notifier.domain.delivery_policy import DeliveryReason
from notifier.i18n import Wording
from tests.support.notifier.receivers import Mailbox
from tests.support.samples.milestones import REGIONS, attempt, official

pytestmark = [
    pytest.mark.integration,
    # Apprise's optional PGP support looks for a module that Python 3.13 no longer has.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]


def sender(port: int) -> EmailSender:
    server = MailServer("127.0.0.1", port, "insecure", "jakpreneur@example.org", timeout_s=1.0)
    return EmailSender(server, EmailContent(Wording(REGIONS, {}), "https://board.example"))


async def test_an_email_arrives_as_plain_text_for_one_official(mailbox: Mailbox) -> None:
    result = await sender(mailbox.port).send(attempt(number=2), official())

    (mail,) = mailbox.messages
    assert result.reason is DeliveryReason.ACCEPTED
    assert mail["From"] == "Jakpreneur <jakpreneur@example.org>"
    assert mail["To"] == "gubernur@example.org"
    assert mail["Subject"] == "DKI Jakarta mencapai target 200.000 peserta terdaftar"
    assert mail.get_content_type() == "text/plain"
    assert mail["X-Jakpreneur-Message"] == str(attempt().message_id)
    assert mail["X-Jakpreneur-Attempt"] == "2"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mailbox.texts()[0].startswith("Yth. Gubernur DKI Jakarta,\n\nDKI Jakarta mencapai target 200.000")


@pytest.mark.parametrize("refusal", ["451 later", "550 no"])
async def test_an_email_that_the_server_refuses_is_not_accepted(mailbox: Mailbox, refusal: str) -> None:
    mailbox.refusals = [refusal]

    result = await sender(mailbox.port).send(attempt(), official())

    assert result.reason is DeliveryReason.NOT_ACCEPTED
    assert mailbox.messages == []


async def test_an_unreachable_mail_server_is_not_accepted() -> None:
    result = await sender(1).send(attempt(), official())

    assert result.reason is DeliveryReason.NOT_ACCEPTED


async def test_an_official_without_an_address_is_not_configured() -> None:
    result = await sender(1).send(attempt(), official(address=None))

    assert result.reason is DeliveryReason.NOT_CONFIGURED
