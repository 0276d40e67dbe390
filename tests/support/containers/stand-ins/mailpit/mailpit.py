"""Accepts mail on port 1025 and lists it by GET /api/v1/messages on port 8025, like Mailpit."""

import email
import email.policy
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

messages: list[dict[str, Any]] = []


class Mailbox:
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        addresses = [{"Name": "", "Address": address} for address in envelope.rcpt_tos]
        messages.append(
            {"MessageID": message["Message-ID"], "To": addresses, "Subject": str(message["Subject"])}
        )
        return "250 OK"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # http.server's name
        body = json.dumps({"total": len(messages), "messages": messages[::-1]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Controller(Mailbox(), hostname="0.0.0.0", port=1025).start()
ThreadingHTTPServer(("0.0.0.0", 8025), Page).serve_forever()
