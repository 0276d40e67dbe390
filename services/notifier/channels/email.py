"""Sends an e-mail through Apprise to the mail server of the settings."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import apprise

from notifier.channels.email_content import EmailContent, EmailText
from notifier.domain.alerts import Recipient
from notifier.domain.delivery_policy import Reason, Result
from notifier.store.messages import Attempt

SENDER_NAME: Final = "Jakpreneur"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over."""

    host: str
    port: int
    security: str
    """insecure, starttls or ssl."""
    sender: str
    user: str | None = None
    password: str | None = None
    timeout_s: float = 10.0

    def url(self, to: str, headers: dict[str, str]) -> str:
        """The server and the recipient as Apprise writes them."""
        scheme = "mailto" if self.security == "insecure" else "mailtos"
        login = f"{quote(self.user, safe='')}:{quote(self.password or '', safe='')}@" if self.user else ""
        # Without smtp= Apprise would guess the server from the sender's domain.
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


class MailSender:
    """The e-mail channel.

    Apprise says only whether the server took the mail, and gives each mail a Message-ID of its own; the
    header X-Jakpreneur-Message stays the same through all attempts of one message.
    """

    def __init__(self, server: MailServer, letters: EmailContent) -> None:
        self._server = server
        self._letters = letters
        # Its warnings name the recipient's address; what went wrong stands in the receipt.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        # Apprise loads its hundred plugins at the first use, which takes a second: now, not amid an alert.
        self._service(server.sender, {})

    async def send(self, attempt: Attempt, recipient: Recipient) -> Result:
        """Send one letter with all alerts of this message. See `notifier.delivery.sender.Sender`."""
        if recipient.address is None:
            return Result(Reason.NOT_CONFIGURED)
        letter = self._letters.write(attempt, recipient)
        headers = {
            "X-Jakpreneur-Message": str(attempt.message_id),
            "X-Jakpreneur-Attempt": str(attempt.number),
            "Auto-Submitted": "auto-generated",
            "Content-Language": recipient.language,
        }
        try:
            # Each of connect, MAIL, RCPT and DATA has timeout_s; together they may take a little longer.
            async with asyncio.timeout(4 * self._server.timeout_s):
                taken = await asyncio.to_thread(self._hand_over, recipient.address, headers, letter)
        except TimeoutError:
            # The thread may still hand the mail over: whether it arrives is not known.
            return Result(Reason.AMBIGUOUS)
        if not taken:
            return Result(Reason.NOT_ACCEPTED)
        return Result(Reason.ACCEPTED, {"server": self._server.host})

    def _hand_over(self, to: str, headers: dict[str, str], letter: EmailText) -> bool:
        taken = self._service(to, headers).notify(
            body=letter.body,
            title=letter.subject,
            notify_type=apprise.NotifyType.INFO,
            body_format=apprise.NotifyFormat.TEXT,
        )
        return bool(taken)

    def _service(self, to: str, headers: dict[str, str]) -> Any:
        # In memory: Apprise would otherwise keep a folder of its own in the user's home.
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY, app_id=SENDER_NAME)
        return apprise.Apprise.instantiate(
            self._server.url(to, headers), asset=asset, suppress_exceptions=False
        )
