"""A client of the register that opens campaigns and agencies, imports people and reads participants."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from simulator.clients.access_keys import AccessKeys

READ_ATTEMPTS_MAX: Final = 8


class UnexpectedAnswerError(Exception):
    """The register responded with an unexpected status, which the message contains."""


class Import(msgspec.Struct, frozen=True):
    """The state and progress of an import."""

    id: str
    state: str
    last_row: int
    accepted: int
    rejected: int
    started_at: datetime
    finished_at: datetime | None

    @property
    def rows_per_s(self) -> float | None:
        """Rows per second over the whole import; None while the import runs."""
        if self.finished_at is None:
            return None
        seconds = (self.finished_at - self.started_at).total_seconds()
        return (self.accepted + self.rejected) / seconds if seconds else None


_import = msgspec.json.Decoder(Import)


@dataclass(frozen=True, slots=True)
class RegisterClient:
    """Calls the register's endpoints, each with the access key of the role that the endpoint requires."""

    http: aiohttp.ClientSession
    url: str
    keys: AccessKeys

    async def open_campaign(self, campaign: str, name: str) -> None:
        """Open a campaign, unless it is open already. Raises UnexpectedAnswerError."""
        await self._open("campaigns", campaign, name)

    async def open_agency(self, agency: str, name: str) -> None:
        """Open an agency, unless it is open already. Raises UnexpectedAnswerError."""
        await self._open("agencies", agency, name)

    async def upload(self, path: Path) -> Import:
        """Upload a CSV file for import. Raises UnexpectedAnswerError."""
        with path.open("rb") as file:
            async with self.http.post(
                f"{self.url}/v1/imports?name={path.name}",
                data=file,
                headers=_bearer(self.keys.officer) | {"Content-Type": "text/csv"},
                timeout=aiohttp.ClientTimeout(total=300),
            ) as response:
                body = await response.read()
                if response.status not in (200, 202):
                    raise UnexpectedAnswerError(f"uploading: {response.status} {body[:500]!r}")
                return _import.decode(body)

    async def import_status(self, import_id: str) -> Import | None:
        """Return the state of an import; None if the register does not know its id or does not respond."""
        status, body = await self._read(f"/v1/imports/{import_id}")
        return _import.decode(body) if status == 200 else None

    async def _open(self, collection: str, id_: str, name: str) -> None:
        headers = _bearer(self.keys.admin) | {"Idempotency-Key": f"open-{collection}-{id_}"}
        body = {"id": id_, "name": name}
        async with self.http.post(f"{self.url}/v1/{collection}", json=body, headers=headers) as response:
            if response.status not in (200, 201, 409):
                raise UnexpectedAnswerError(
                    f"opening {collection} {id_}: {response.status} {await response.text()}"
                )

    async def participant(self, participant: str) -> dict[str, Any] | None:
        """Return a participant as the register has it; None if the id is unknown.

        Raises UnexpectedAnswerError.
        """
        status, body = await self._read(f"/v1/participants/{participant}")
        if status == 404:
            return None
        if status != 200:
            raise UnexpectedAnswerError(f"reading a participant: {status}")
        stored: dict[str, Any] = msgspec.json.decode(body)
        return stored

    async def _read(self, path: str) -> tuple[int, bytes]:
        """Send a GET request and return (status, body); retry after a 503 or a failed connection.

        The status is 0 if the last attempt got no response.
        """
        for attempt in range(1, READ_ATTEMPTS_MAX + 1):
            try:
                async with self.http.get(self.url + path, headers=_bearer(self.keys.officer)) as response:
                    status, body = response.status, await response.read()
            except (aiohttp.ClientError, TimeoutError):
                status, body = 0, b""
            if status not in (0, 503) or attempt == READ_ATTEMPTS_MAX:
                break
            await asyncio.sleep(0.1 * attempt)
        return status, body


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
