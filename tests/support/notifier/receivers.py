"""Real receivers for tests: a mail server and a webhook that answers as a test tells it to."""

from __future__ import annotations

import asyncio
import email
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook

from deploy.local.ports import free_ports

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Mailbox:
    """What arrived, and the answers to give first: a mail that is answered by one of them is not kept."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        content = cast(bytes, envelope.content)  # the server is not set to decode
        message = email.message_from_bytes(content, policy=default)
        self.messages.append(message)
        return "250 kept"

    def texts(self) -> list[str]:
        """The bodies, in the order they came."""
        bodies = [cast(EmailMessage, one.get_body()).get_content() for one in self.messages]
        return [body.replace("\r\n", "\n") for body in bodies]


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mailbox]:
    """A mail server that runs with the test."""
    mailbox = Mailbox(free_ports(1)[0])
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", mailbox.port
    )
    async with server:
        yield mailbox


@dataclass
class Call:
    """One call of the webhook: `at_s` by the loop's clock."""

    id: str
    body: dict[str, Any]
    at_s: float
    genuine: bool


Answer = Callable[[], Any]


@dataclass
class Receiver:
    """Calls, and the answers to give first; then 204."""

    port: int
    calls: list[Call] = field(default_factory=list)
    answers: list[web.Response | None] = field(default_factory=list)
    """None: no answer at all, for as long as the test lasts."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    def ids(self) -> list[str]:
        return [call.id for call in self.calls]

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        Webhook(SECRET).verify(body, headers)
        now_s = asyncio.get_running_loop().time()
        self.calls.append(Call(headers["webhook-id"], json.loads(body), now_s, genuine=True))
        answer = self.answers.pop(0) if self.answers else web.Response(status=204)
        if answer is None:
            await self.ended.wait()
            return web.Response(status=500)
        return answer


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[Receiver]:
    """A webhook that runs with the test."""
    receiver = Receiver(free_ports(1)[0])
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", receiver.take)])
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        await runner.cleanup()
