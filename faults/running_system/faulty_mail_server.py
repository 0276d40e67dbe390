"""A mail server with injectable faults. It stores the e-mails that it has accepted on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Final, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.mailbox import Mailbox

HANG_S: Final = 30.0


class MailBehaviour(Enum):
    """How the server responds to an e-mail; the value is the name of the fault."""

    NORMAL = "replies 250"
    DEFERRING = "replies 451"
    NO_REPLY = "keeps the e-mail and closes the connection without a reply"
    HANG = "hangs"


class FaultyMailServer:
    """Responds to e-mails as `behaviour` says. The handler that aiosmtpd calls."""

    def __init__(self, folder: Path) -> None:
        self._mailbox = Mailbox(folder)
        self.behaviour = MailBehaviour.NORMAL

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Respond to the content of one e-mail."""
        behaviour = self.behaviour
        if behaviour is MailBehaviour.DEFERRING:
            return "451 try again later"
        if behaviour is MailBehaviour.HANG:
            await asyncio.sleep(HANG_S)
            return "451 too late"
        self._mailbox.put(cast(bytes, envelope.content))  # bytes, because the server does not decode them
        if behaviour is MailBehaviour.NO_REPLY:
            cast(asyncio.Transport, server.transport).abort()  # a TCP connection
        return "250 kept"


@asynccontextmanager
async def open_mail_server(folder: Path, port: int) -> AsyncIterator[FaultyMailServer]:
    """Open the mail server on a local port."""
    mail_server = FaultyMailServer(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mail_server, hostname="localhost", ident="campaign"), "127.0.0.1", port
    )
    try:
        yield mail_server
    finally:
        server.close()  # the handlers of open connections end with the event loop
