"""The ledger is a file of JSON lines with every intent and its answer.

The line of an intent is written with fsync before its request is first sent. The line of the answer is
written after the response. So after any crash the ledger contains every request that may have reached the
register, with its idempotency key. The ledger contains no personal data. It identifies a person by an index,
from which the same seed generates the same form again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

Outcome = Literal["accepted", "refused", "unknown"]


class Run(msgspec.Struct, tag="run", tag_field="line", frozen=True):
    """The first line of a ledger: the seed and campaigns from which this run's requests are generated."""

    run: str
    seed: int
    first_person: int
    campaign: str
    probe_campaign: str


class Intent(msgspec.Struct, tag="intent", tag_field="line", frozen=True, omit_defaults=True):
    """A planned request.

    For a change, `participant` and `revision` are set. For a registration form, `campaign` is set.
    """

    number: int
    kind: str
    key: str
    person: int
    region: str
    at: str
    campaign: str | None = None
    participant: str | None = None
    revision: int | None = None
    step: str | None = None


class Answer(msgspec.Struct, tag="answer", tag_field="line", frozen=True, omit_defaults=True):
    """The register's answer; the outcome is `unknown` if no attempt got a conclusive response."""

    number: int
    outcome: Outcome
    status: int
    attempts: int
    participant: str | None = None
    revision: int | None = None
    replayed: bool = False


Line = Run | Intent | Answer
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class Ledger:
    """Appends lines to the ledger's file; many callers share one fsync.

    `flush_forever` must run as a task while lines are written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._waiting: list[bytes] = []
        self._group: asyncio.Future[None] | None = None
        self._wanted = asyncio.Event()

    @staticmethod
    def encoded(line: Line) -> bytes:
        """Return the bytes of the line in the file."""
        return _encoder.encode(line) + b"\n"

    def put(self, line: Line) -> asyncio.Future[None]:
        """Queue a line; the returned future is done once the line is on disk."""
        self._waiting.append(self.encoded(line))
        if self._group is None:
            self._group = asyncio.get_running_loop().create_future()
        self._wanted.set()
        return self._group

    async def flush_forever(self, pause_s: float = 0.005) -> None:
        """Write the queued lines in groups, each with one fsync.

        When cancelled, write the lines that are still queued, and end.
        """
        try:
            while True:
                await self._wanted.wait()
                await asyncio.sleep(pause_s)
                await self._flush()
        finally:
            await self._flush()

    async def _flush(self) -> None:
        lines, group = self._waiting, self._group
        self._waiting, self._group = [], None
        self._wanted.clear()
        if not lines or group is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._write, b"".join(lines))
        except OSError as error:
            group.set_exception(error)
            raise
        group.set_result(None)

    def _write(self, block: bytes) -> None:
        self._file.write(block)
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file; lines that were not flushed are lost."""
        self._file.close()


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of a ledger; leave out the last line if a crash made it incomplete."""
    with path.open("rb") as file:
        for block in file:
            if block.endswith(b"\n"):
                yield _decoder.decode(block)


def next_person(folder: Path, first: int) -> int:
    """Return the lowest index from `first` on that is above all people's indexes in this folder's ledgers."""
    following = first
    for path in sorted(folder.glob("*.jsonl")):
        for line in read(path):
            if isinstance(line, Run):
                following = max(following, line.first_person)
            elif isinstance(line, Intent):
                following = max(following, line.person + 1)
    return following
