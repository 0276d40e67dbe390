"""A mail server and a webhook for tests, which set the responses of both."""

from __future__ import annotations

import asyncio
import email
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook

from tests.support.ports import free_ports

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Mailbox:
    """A mail server. It refuses the first e-mails with `refusals`, one each, and keeps all others.

    `refused_recipients` are the replies to the first recipients. The replies to the first `lost_replies` kept
    e-mails are lost, because the connection breaks before them.
    """

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    """The recipient of each kept e-mail, from its envelope."""
    refusals: list[str] = field(default_factory=list)
    refused_recipients: list[str] = field(default_factory=list)
    lost_replies: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:  # aiosmtpd calls it with these parameters
        if self.refused_recipients:
            return self.refused_recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 recipient accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        content = cast(bytes, envelope.content)  # bytes, because this SMTP server does not decode the content
        message = email.message_from_bytes(content, policy=default)
        self.messages.append(message)
        self.recipients += [str(address) for address in envelope.rcpt_tos]
        if self.lost_replies:
            self.lost_replies -= 1
            cast(asyncio.Transport, server.transport).abort()  # a TCP connection
        return "250 kept"

    def texts(self) -> list[str]:
        """Return the bodies of the kept e-mails, in order of arrival."""
        bodies = [cast(EmailMessage, message.get_body()).get_content() for message in self.messages]
        return [body.replace("\r\n", "\n") for body in bodies]


@asynccontextmanager
async def mail_server(enable_smtputf8: bool = True) -> AsyncIterator[Mailbox]:
    """Yield a mail server on a free TCP port."""
    mailbox = Mailbox(free_ports(1)[0])
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=enable_smtputf8),
        "127.0.0.1",
        mailbox.port,
    )
    async with server:
        yield mailbox


@dataclass
class Call:
    """A received webhook call. `at_s` is the time of its arrival by the event loop's clock."""

    id: str
    body: dict[str, Any]
    at_s: float


@dataclass
class Receiver:
    """A webhook that verifies every call. The first calls get `responses`, one each; later calls get 204."""

    port: int
    calls: list[Call] = field(default_factory=list)
    responses: list[web.Response | None] = field(default_factory=list)
    """For None, the webhook sends no response until the end of the test."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    def ids(self) -> list[str]:
        return [call.id for call in self.calls]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        Webhook(SECRET).verify(body, headers)
        now_s = asyncio.get_running_loop().time()
        self.calls.append(Call(headers["webhook-id"], json.loads(body), now_s))
        response = self.responses.pop(0) if self.responses else web.Response(status=204)
        if response is None:
            await self.ended.wait()
            return web.Response(status=500)
        return response


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[Receiver]:
    """Yield a webhook on a free TCP port."""
    receiver = Receiver(free_ports(1)[0])
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", receiver.receive)])
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        await runner.cleanup()
