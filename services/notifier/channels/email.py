"""The e-mail channel: sends through Apprise to the configured mail server."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import apprise

from notifier.channels.email_content import EmailContent, EmailText
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Recipient
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason

SENDER_NAME: Final = "Jakpreneur"


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

    def url(self, to: str, headers: dict[str, str]) -> str:
        """Return the URL that tells Apprise the server, the login, the recipient and the headers."""
        scheme = "mailto" if self.security == "insecure" else "mailtos"
        login = f"{quote(self.user, safe='')}:{quote(self.password or '', safe='')}@" if self.user else ""
        # Without `smtp` Apprise would derive the server from the sender's domain.
        options = {
            "smtp": self.host,
            "mode": self.security,
            "from": f"{SENDER_NAME} <{self.sender}>",
            "to": to,
            "cto": str(self.timeout_s),
            "format": "text",
            **{f"+{name}": value for name, value in headers.items()},
        }
        return f"{scheme}://{login}{self.host}:{self.port}/?{urlencode(options, quote_via=quote)}"


class EmailSender:
    """Sends one e-mail per message.

    Apprise reports only whether the server accepted the e-mail, and gives every e-mail a new Message-ID. The
    header X-Jakpreneur-Message is the same in all attempts of one message.
    """

    def __init__(self, server: MailServer, content: EmailContent) -> None:
        self._server = server
        # Sending has four steps (connect, MAIL, RCPT and DATA), each of which may take timeout_s.
        self.send_s_max = 4 * server.timeout_s
        self._content = content
        # Apprise's warnings contain the recipient's address, which must not be logged. They are not needed,
        # because the receipt states why an attempt failed.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        # Apprise loads a hundred plugins at its first use, which takes a second. Load them before any alert.
        self._apprise(server.sender, {})

    async def send(self, attempt: Attempt, recipient: Recipient) -> AttemptResult:
        """Send one e-mail with all alerts of this message. See `delivery_queue.Sender`."""
        if recipient.address is None:
            return AttemptResult(DeliveryReason.NOT_CONFIGURED)
        email = self._content.compose(attempt, recipient)
        headers = {
            "X-Jakpreneur-Message": str(attempt.message_id),
            "X-Jakpreneur-Attempt": str(attempt.number),
            "Auto-Submitted": "auto-generated",
            "Content-Language": recipient.language,
        }
        try:
            async with asyncio.timeout(self.send_s_max):
                is_accepted = await asyncio.to_thread(self._send, recipient.address, headers, email)
        except TimeoutError:
            # The thread cannot be stopped and may still deliver the e-mail, so the result is unknown.
            return AttemptResult(DeliveryReason.AMBIGUOUS)
        if not is_accepted:
            return AttemptResult(DeliveryReason.NOT_ACCEPTED)
        return AttemptResult(DeliveryReason.ACCEPTED, {"server": self._server.host})

    def _send(self, to: str, headers: dict[str, str], email: EmailText) -> bool:
        is_accepted = self._apprise(to, headers).notify(
            body=email.body,
            title=email.subject,
            notify_type=apprise.NotifyType.INFO,
            body_format=apprise.NotifyFormat.TEXT,
        )
        return bool(is_accepted)

    def _apprise(self, to: str, headers: dict[str, str]) -> Any:
        # With any storage mode except MEMORY, Apprise would create a folder in the user's home.
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY, app_id=SENDER_NAME)
        return apprise.Apprise.instantiate(
            self._server.url(to, headers), asset=asset, suppress_exceptions=False
        )
