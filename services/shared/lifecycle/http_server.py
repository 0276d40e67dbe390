"""Runs an HTTP server inside a process until the process is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import uvicorn

from http_semantics.head_method import with_head
from lifecycle.bounded_http_protocol import BoundedHttpProtocol
from lifecycle.stop_signal import StopSignal

GRACE_S: Final = 5
"""Time for which open requests may continue after the process was asked to stop."""


class _Server(uvicorn.Server):
    """A uvicorn server that installs no signal handlers, because the process installs its own."""

    def capture_signals(self) -> Any:
        return contextlib.nullcontext()


async def serve(app: Any, host: str, port: int, stopping: StopSignal, **options: Any) -> None:
    """Serve an ASGI application until the stop; open requests then have up to GRACE_S to finish.

    HEAD is answered wherever the application answers GET. `options` override the uvicorn options set here.
    Raises SystemExit with a message if the server cannot listen on the TCP port.
    """
    config = uvicorn.Config(
        with_head(app),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_S,
        **{
            "http": BoundedHttpProtocol,
            "server_header": False,
            "date_header": True,
            "ws": "none",
            "lifespan": "on",
            **options,
        },
    )
    server = _Server(config)
    task = asyncio.ensure_future(server.serve())
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await task
    finally:
        stop.cancel()
    if not stopping.is_set() and not server.started:
        raise SystemExit(f"{host}:{port} cannot be served: is the port taken?")
