"""Stores registrations with the intake's SQL statements, one transaction per registration, on 16 connections.

It uses no HTTP and validates nothing. Run as `python -m bench.rivals.asyncpg_inserts FIRST COUNT` with
the settings of the register; it prints the seconds that COUNT registrations took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Final

import asyncpg
import uvloop
from uuid_utils.compat import uuid7

from bench.fixtures.registration_database import AGENCY, CAMPAIGN, SECRET
from registration.cipher import Cipher, secret_from_text
from registration.domain.idempotent_operation import Operation
from registration.intake.transaction import write
from registration.requests.command_mapping import register_command
from registration.requests.request_models import Business, RegisterBody
from registration.settings import RegisterSettings
from settings.loader import load

CONNECTIONS: Final = 16


def operation(number: int, cipher: Cipher) -> Operation:
    """Return a registration as it is after validation and encryption."""
    body = RegisterBody.model_construct(
        name=f"Peserta {number}",
        nik=f"3199{number:012d}",
        phone="+628123456789",
        region="31.71.01.1001",
        business=Business.model_construct(name="Warung Contoh", category="kuliner"),
        agency=AGENCY,
        campaign=CAMPAIGN,
        booth="booth-07",
        consent="2026-01",
    )
    command = register_command(body, cipher, "booth", uuid7)
    return Operation("key:bench", "register", f"bare-{number}", b"\0" * 32, command, "booth")


async def main(first: int, count: int) -> None:
    """Write COUNT registrations and print the seconds."""
    database = load(RegisterSettings).database
    cipher = Cipher(secret_from_text(SECRET))
    operations = iter([operation(number, cipher) for number in range(first, first + count)])
    connections = [await asyncpg.connect(**database.asyncpg_options()) for _ in range(CONNECTIONS)]
    began_s = time.monotonic()
    await asyncio.gather(*(_write_all(connection, operations) for connection in connections))
    sys.stdout.write(f"{time.monotonic() - began_s}\n")


async def _write_all(connection: asyncpg.Connection, operations: Iterator[Operation]) -> None:
    for item in operations:
        await write(connection, [item], uuid7, all_new=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
