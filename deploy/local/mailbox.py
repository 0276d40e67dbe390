"""The local stack's mail server, which stores each message as a file and shows all messages on a web page."""

from __future__ import annotations

import asyncio
import email
import html
import os
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path
from typing import Annotated, Final

import typer
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.receiver_web_app import page, run_until_stopped

MESSAGE_BYTES_MAX: Final = 1_048_576
LISTED_MAX: Final = 500


class Mailbox:
    """A folder of messages, numbered in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._count = max((int(path.name.split("-")[0]) for path in folder.glob("*.eml")), default=0)

    def put(self, content: bytes) -> str:
        """Store a message and return its id; the message is on disk when this method returns."""
        self._count += 1
        name = f"{self._count:06d}-{datetime.now(UTC):%Y%m%dT%H%M%S}Z"
        partial = self._folder / f"{name}.new"
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / f"{name}.eml")
        return name

    def raw(self, name: str) -> bytes | None:
        """Return a message in the form in which it was received; None if the id is unknown."""
        path = self._folder / f"{name}.eml"
        return path.read_bytes() if path.parent == self._folder and path.exists() else None

    def newest(self, count: int = LISTED_MAX) -> list[dict[str, str]]:
        """Return the newest messages in decoded form, the newest first."""
        paths = sorted(self._folder.glob("*.eml"), reverse=True)[:count]
        return [read(path.stem, path.read_bytes()) for path in paths]


def read(name: str, content: bytes) -> dict[str, str]:
    """Decode a message into its id, sender, recipients, subject, date and text."""
    message = email.message_from_bytes(content, policy=default)
    body = message.get_body(("plain", "html"))
    return {
        "id": name,
        "from": str(message["From"] or ""),
        # X-RcptTo names the recipients in the envelope, who may be missing in all other headers.
        "to": str(message["X-RcptTo"] or message["To"] or ""),
        "subject": str(message["Subject"] or ""),
        "date": str(message["Date"] or ""),
        "text": str(body.get_content()).replace("\r\n", "\n") if body else "",
    }


class _Handler:
    """The handler that aiosmtpd calls for each message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes), "aiosmtpd decodes nothing by default"
        recipients = ", ".join(envelope.rcpt_tos)
        self._mailbox.put(f"X-RcptTo: {recipients}\r\n".encode() + content)
        return "250 kept"


def application(mailbox: Mailbox) -> web.Application:
    """Return the web application.

    `/` is a page with the newest messages, `/messages` has the same messages as JSON, and `/messages/<id>` is
    a message in the form in which it was received.
    """

    async def index(_: web.Request) -> web.Response:
        return page("Mailbox", [_entry(message) for message in mailbox.newest()])

    async def messages(_: web.Request) -> web.Response:
        return web.json_response(mailbox.newest())

    async def message(request: web.Request) -> web.Response:
        content = mailbox.raw(request.match_info["id"])
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes(
        [web.get("/", index), web.get("/messages", messages), web.get(r"/messages/{id:[0-9TZ-]+}", message)]
    )
    return app


def _entry(message: dict[str, str]) -> str:
    safe = {name: html.escape(value) for name, value in message.items()}
    return (
        f"<h2>{safe['subject']}</h2>"
        f'<p>{safe["to"]} · {safe["date"]} · <a href="/messages/{safe["id"]}">source</a></p>'
        f"<pre>{safe['text']}</pre>"
    )


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Receive mail and serve the web application until SIGTERM or SIGINT."""
    mailbox = Mailbox(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            _Handler(mailbox),
            hostname="localhost",
            ident="local mailbox",
            data_size_limit=MESSAGE_BYTES_MAX,
        ),
        "127.0.0.1",
        smtp_port,
    )
    async with server:
        await run_until_stopped(application(mailbox), http_port)


def main(
    folder: Annotated[Path, typer.Option(help="Folder of the messages.")],
    smtp_port: Annotated[int, typer.Option(help="SMTP port.")] = 8025,
    http_port: Annotated[int, typer.Option(help="HTTP port.")] = 8026,
) -> None:
    """Store every mail sent to this SMTP server, and show the mails on a page."""
    asyncio.run(serve(folder, smtp_port, http_port))


if __name__ == "__main__":
    typer.run(main)
