"""A mail server that keeps what it is given: each message a file, readable as a page and as JSON."""

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

from deploy.local.sink_app import page, run_until_stopped

MESSAGE_BYTES_MAX: Final = 1_048_576
LISTED_MAX: Final = 500


class Mailbox:
    """A folder of messages, named in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._count = max((int(path.name.split("-")[0]) for path in folder.glob("*.eml")), default=0)

    def put(self, content: bytes) -> str:
        """Keep a message, on disk when this returns; answers its id."""
        self._count += 1
        name = f"{self._count:06d}-{datetime.now(UTC):%Y%m%dT%H%M%S}Z"
        fresh = self._folder / f"{name}.new"
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._folder / f"{name}.eml")
        return name

    def raw(self, name: str) -> bytes | None:
        """A message as it came; None where there is none of that id."""
        path = self._folder / f"{name}.eml"
        return path.read_bytes() if path.parent == self._folder and path.exists() else None

    def newest(self, count: int = LISTED_MAX) -> list[dict[str, str]]:
        """The newest messages, newest first, decoded."""
        paths = sorted(self._folder.glob("*.eml"), reverse=True)[:count]
        return [read(path.stem, path.read_bytes()) for path in paths]


def read(name: str, content: bytes) -> dict[str, str]:
    """A message's id, sender, recipients, subject and text, decoded."""
    message = email.message_from_bytes(content, policy=default)
    body = message.get_body(("plain", "html"))
    return {
        "id": name,
        "from": str(message["From"] or ""),
        # X-RcptTo is what the envelope said: a recipient may stand in no header.
        "to": str(message["X-RcptTo"] or message["To"] or ""),
        "subject": str(message["Subject"] or ""),
        "date": str(message["Date"] or ""),
        "text": str(body.get_content()).replace("\r\n", "\n") if body else "",
    }


class _Keeper:
    """What the mail server calls for each message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes), "the server is not set to decode"
        recipients = ", ".join(envelope.rcpt_tos)
        self._mailbox.put(f"X-RcptTo: {recipients}\r\n".encode() + content)
        return "250 kept"


def application(mailbox: Mailbox) -> web.Application:
    """The pages: `/`, `/messages` (JSON) and `/messages/<id>` (as it came)."""

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
    """Take mail and show it, until a signal asks for the stop."""
    mailbox = Mailbox(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            _Keeper(mailbox),
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
    folder: Annotated[Path, typer.Option(help="Where messages are kept.")],
    smtp_port: Annotated[int, typer.Option(help="Port for mail.")] = 8025,
    http_port: Annotated[int, typer.Option(help="Port for the page.")] = 8026,
) -> None:
    """Keep every mail that is sent to 127.0.0.1, and show it as a page."""
    asyncio.run(serve(folder, smtp_port, http_port))


if __name__ == "__main__":
    typer.run(main)
