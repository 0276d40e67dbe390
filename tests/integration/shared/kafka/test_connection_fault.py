"""A certificate that has expired, or is for another name, is named with its remedy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.authority import AUTHORITY_DAYS, SERVER_DAYS, create_authority, renew_certificate
from kafka.connection_fault import find_fault
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from telemetry.health import UnreachableError

pytestmark = pytest.mark.integration


@asynccontextmanager
async def serving(folder: Path, name: str, created: datetime) -> AsyncIterator[KafkaSettings]:
    """Serve TLS with a certificate that was created at this time; yield the settings of its clients."""
    create_authority(folder, created)
    renew_certificate(folder, folder / "server.pem", (name,), created)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")

    def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield KafkaSettings(
            bootstrap_servers=f"127.0.0.1:{port}",
            security_protocol="SSL",
            ssl_ca_file=str(folder / "authority.pem"),
        )


async def test_an_expired_certificate_is_reported_as_such(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=SERVER_DAYS + 1)
    assert SERVER_DAYS + 1 < AUTHORITY_DAYS

    async with serving(tmp_path, "127.0.0.1", long_ago) as settings:
        with pytest.raises(UnreachableError, match=r"has expired\. Renew it and restart the broker"):
            await ask_broker(settings)


async def test_a_certificate_for_another_name_is_reported_as_such(tmp_path: Path) -> None:
    async with serving(tmp_path, "kafka", datetime.now(UTC)) as settings:
        fault = await find_fault(settings)

    assert "is for other names than 127.0.0.1. Correct KAFKA_BOOTSTRAP_SERVERS" in fault
