"""The e-mail channel: sends over SMTP to the configured mail server, with the recipient in the envelope."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any, Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPTimeoutError,
)

from notifier.channels.email_content import EmailContent
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Recipient
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason

SENDER_NAME: Final = "Jakpreneur"
REPLY_LENGTH_MAX: Final = 200
LINE_MAX: Final = 76
"""RFC 2047, 2: of a line with encoded words, each of which has 75 characters at most."""
ADDRESS: Final = re.compile(r"\S+@\S+")
CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server and its login."""

    host: str
    port: int
    security: str
    """`insecure`, `starttls` or `ssl`."""
    sender: str
    user: str | None = None
    password: str | None = None
    timeout_s: float = 10.0

    def client(self) -> SMTP:
        """Return an SMTP client that is not connected yet."""
        return SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            timeout=self.timeout_s,
            use_tls=self.security == "ssl",
            start_tls=self.security == "starttls",
        )


class EmailSender:
    """Sends one e-mail per message.

    All attempts to send a message have the same Message-ID. A failure before the e-mail's content is sent is
    definite. If the server's reply to the content is missing, the server may have accepted the e-mail: the
    attempt is ambiguous.
    """

    def __init__(self, server: MailServer, content: EmailContent) -> None:
        self._server = server
        # Connection and envelope together may take half of this time, and the content the other half.
        self.send_s_max = 4 * server.timeout_s
        self._content = content

    async def send(self, attempt: Attempt, recipient: Recipient) -> AttemptResult:
        """Send one e-mail with all alerts of this message. See `delivery_queue.Sender`."""
        if recipient.address is None:
            return AttemptResult(DeliveryReason.NOT_CONFIGURED)
        needs_utf8 = not recipient.address.isascii()
        email = self._email(attempt, recipient)
        content = encode(email, needs_utf8=needs_utf8)
        client = self._server.client()
        try:
            refusal = await self._send_envelope(client, recipient.address, needs_utf8)
            return refusal or await self._send_content(client, content)
        finally:
            client.close()

    async def _send_envelope(self, client: SMTP, address: str, needs_utf8: bool) -> AttemptResult | None:
        """Connect, and send the sender and the recipient. Return None if the server accepts both."""
        options, encoding = (["SMTPUTF8"], "utf-8") if needs_utf8 else ([], "ascii")
        try:
            async with asyncio.timeout(self.send_s_max / 2):
                await client.connect()
                await client.ehlo()
                if needs_utf8 and not client.supports_extension("smtputf8"):
                    return AttemptResult(DeliveryReason.REFUSED, {"error": "SMTPUTF8NotSupported"})
                await client.mail(self._server.sender, options=options)
                await client.rcpt(address, encoding=encoding)
        except SMTPRecipientRefused as error:
            return _definite_result(error)
        except SMTPResponseException as error:
            # An answer to the login or the sender concerns the settings, so no message is refused for it.
            return AttemptResult(DeliveryReason.DEFERRED, _receipt(error.code, error.message))
        except (TimeoutError, SMTPTimeoutError):
            return AttemptResult(DeliveryReason.TIMED_OUT)
        except (SMTPException, OSError) as error:
            return AttemptResult(DeliveryReason.UNREACHABLE, {"error": type(error).__name__})
        return None

    async def _send_content(self, client: SMTP, content: bytes) -> AttemptResult:
        timeout_s = self.send_s_max / 2
        try:
            async with asyncio.timeout(timeout_s):
                reply = await client.data(content, timeout=timeout_s)
        except SMTPDataError as error:
            return _definite_result(error)
        except (TimeoutError, SMTPException, OSError) as error:
            return AttemptResult(DeliveryReason.AMBIGUOUS, {"error": type(error).__name__})
        with suppress(SMTPException, OSError):  # the server has accepted the e-mail, whatever it replies now
            await client.quit(timeout=1.0)
        return AttemptResult(
            DeliveryReason.ACCEPTED, {"server": self._server.host, **_receipt(reply.code, reply.message)}
        )

    def _email(self, attempt: Attempt, recipient: Recipient) -> EmailMessage:
        text = self._content.compose(attempt, recipient)
        sender_name, _, sender_domain = self._server.sender.rpartition("@")
        name, _, domain = (recipient.address or "").rpartition("@")
        email = EmailMessage()
        email["From"] = Address(SENDER_NAME, sender_name, sender_domain)
        email["To"] = Address(username=name, domain=domain)
        email["Subject"] = text.subject
        email["Date"] = attempt.began_at
        email["Message-ID"] = f"<{attempt.message_id}@{sender_domain}>"
        email["X-Jakpreneur-Attempt"] = str(attempt.number)
        email["Auto-Submitted"] = "auto-generated"
        email["Content-Language"] = recipient.language
        email.set_content(text.body, cte="quoted-printable")
        return email


def encode(email: EmailMessage, *, needs_utf8: bool) -> bytes:
    """Return the bytes to send. Without UTF-8 in headers, other characters than ASCII are encoded words."""
    of_server = policy.SMTPUTF8 if needs_utf8 else policy.SMTP
    return email.as_bytes(policy=of_server.clone(max_line_length=LINE_MAX))


def _definite_result(error: SMTPResponseException) -> AttemptResult:
    reason = DeliveryReason.REFUSED if 500 <= error.code < 600 else DeliveryReason.DEFERRED
    return AttemptResult(reason, _receipt(error.code, error.message))


def _receipt(code: int, text: str) -> dict[str, Any]:
    """Return the server's reply without e-mail addresses, because receipts are shown by the API."""
    printable = CONTROL_CHARACTERS.sub(" ", text)
    return {"status": code, "text": ADDRESS.sub("…", printable)[:REPLY_LENGTH_MAX]}
