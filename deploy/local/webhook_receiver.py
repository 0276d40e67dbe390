"""The local stack's webhook receiver: verifies and stores each call before it responds."""

from __future__ import annotations

import asyncio
import html
import json
import os
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.receiver_web_app import page, run_until_stopped

BODY_BYTES_MAX: Final = 1_048_576
LISTED_MAX: Final = 500


class Calls:
    """The file of received calls, one JSON line per call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "calls.jsonl"
        self._path.touch()

    def put(self, call: dict[str, Any]) -> None:
        """Append a call to the file; the call is on disk when this method returns."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(call, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def newest(self, count: int = LISTED_MAX) -> list[dict[str, Any]]:
        """Return the newest calls, the newest first."""
        with self._path.open(encoding="utf-8") as file:
            lines = deque(file, maxlen=count)
        return [json.loads(line) for line in reversed(lines)]


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Return whether a call was signed with the secret, as Standard Webhooks defines, up to 5 minutes ago."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def verify_and_store(calls: Calls, secret: str, received: Mapping[str, str], body: bytes) -> bool:
    """Verify a call and store it; return whether its signature is valid.

    The call is on disk when this function returns.
    """
    headers = {name.lower(): value for name, value in received.items()}
    genuine = verified(secret, headers, body)
    calls.put(
        {
            "webhook_id": headers.get("webhook-id"),
            "verified": genuine,
            "received_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "body": _decoded(body),
        }
    )
    return genuine


def application(calls: Calls, secret: str) -> web.Application:
    """Return the web application.

    `POST` to any path receives a call. `GET /` and `GET /calls` show the newest calls.
    """

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        genuine = verify_and_store(calls, secret, request.headers, body)
        # The call is on disk before the response, so every acknowledged call can be counted.
        return web.Response(status=204 if genuine else 401)

    async def index(_: web.Request) -> web.Response:
        return page("Webhooks", [_entry(call) for call in calls.newest()])

    async def listed(_: web.Request) -> web.Response:
        return web.json_response(calls.newest())

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.add_routes([web.get("/", index), web.get("/calls", listed), web.post(r"/{path:.*}", receive)])
    return app


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _entry(call: dict[str, Any]) -> str:
    mark = "signature good" if call["verified"] else "SIGNATURE WRONG"
    body = json.dumps(call["body"], ensure_ascii=False, indent=2)
    return (
        f"<h2>{html.escape(str(call['webhook_id']))}</h2><p>{mark} · {html.escape(call['received_at'])}</p>"
        f"<pre>{html.escape(body)}</pre>"
    )


def main(
    folder: Annotated[Path, typer.Option(help="Folder of the calls.")],
    secret_file: Annotated[Path, typer.Option(help="File with the secret that signs the calls.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8030,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Receive webhook calls, verify their signatures and store them."""
    secret = secret_file.read_text().strip()
    asyncio.run(run_until_stopped(application(Calls(folder), secret), port, host))


if __name__ == "__main__":
    typer.run(main)
