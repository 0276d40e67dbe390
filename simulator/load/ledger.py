"""The ledger: what was asked and what was answered, on disk before the request goes out.

A file of JSON lines. An intent line is fsynced before its first request is sent and its answer line follows
the answer, so after any crash every request that may have reached the register is known, with its key. It
holds no personal data: a person stands there by index, from which the seed makes the form again.
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
    """The first line: what makes the people and scopes of this run."""

    run: str
    seed: int
    first_person: int
    campaign: str
    probe_campaign: str


class Intent(msgspec.Struct, tag="intent", tag_field="line", frozen=True, omit_defaults=True):
    """What somebody set out to do; a change names the participant and its revision, a form its campaign."""

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
    """What the register said; `unknown` where no attempt got an answer that settles it."""

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
    """Appends lines; `settled` returns once they are on disk, many callers sharing one fsync.

    `flushing` must run as a task for as long as lines are written.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._waiting: list[bytes] = []
        self._group: asyncio.Future[None] | None = None
        self._wanted = asyncio.Event()

    @staticmethod
    def encoded(line: Line) -> bytes:
        """A line as it stands in the file."""
        return _encoder.encode(line) + b"\n"

    def put(self, line: Line) -> asyncio.Future[None]:
        """Queue a line; the future is done once the line is on disk."""
        self._waiting.append(self.encoded(line))
        if self._group is None:
            self._group = asyncio.get_running_loop().create_future()
        self._wanted.set()
        return self._group

    async def flushing(self, pause_s: float = 0.005) -> None:
        """Write and fsync what waits, group by group; ends by cancellation, having flushed the rest."""
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
        """Close the file; what was put and not flushed is lost."""
        self._file.close()


def read(path: Path) -> Iterator[Line]:
    """The lines of a ledger; a last line that a crash cut short is left out."""
    with path.open("rb") as file:
        for block in file:
            if block.endswith(b"\n"):
                yield _decoder.decode(block)


def next_person(folder: Path, first: int) -> int:
    """The first person that no earlier run in this folder has used; `first` where there is none."""
    following = first
    for path in sorted(folder.glob("*.jsonl")):
        for line in read(path):
            if isinstance(line, Run):
                following = max(following, line.first_person)
            elif isinstance(line, Intent):
                following = max(following, line.person + 1)
    return following
