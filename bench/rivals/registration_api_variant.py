"""Runs the registration API with one part replaced, as a rival of the unchanged API.

Run as `python -m bench.rivals.registration_api_variant VARIANT`. The variant `stubbed` replaces the store by
one that writes nothing; `per-request` writes each request in its own transaction, on sixteen connections.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from database.address import DatabaseAddress
from database.pool import connect
from registration.__main__ import api
from registration.domain.commands import RegisterCommand
from registration.domain.idempotent_operation import DONE, Answer, Operation
from registration.intake.group_commit import GroupCommit, QueueLimits, WriteBatch
from registration.processes import api as api_process

CONNECTIONS: Final = 16


class StubbedTransaction:
    """Answers every registration as stored, without a database."""

    def __init__(self, *_arguments: object) -> None:
        pass

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        """Answer as if every NIK were new."""
        now = datetime.now(UTC)
        return [_stored(operation, now) for operation in operations]


def _stored(operation: Operation, now: datetime) -> Answer:
    command = operation.command
    assert isinstance(command, RegisterCommand), "only registrations are measured"
    return Answer(DONE, command.id, command.standing.region, 1, now)


class CommitPerRequest(GroupCommit):
    """Writes each operation immediately, in its own transaction."""

    def __init__(self, write: WriteBatch, limits: QueueLimits) -> None:
        super().__init__(write, limits)
        self._write_alone = write

    async def submit(self, operation: Operation) -> Answer:
        """Write the operation and return its answer after the commit."""
        (answer,) = await self._write_alone([operation])
        return answer


async def _connect_more(address: DatabaseAddress, **options: Any) -> Any:
    if options["application_name"] == "registration writer":
        options |= {"max_size": CONNECTIONS, "min_size": CONNECTIONS}
    return await connect(address, **options)


VARIANTS: Final[Mapping[str, Mapping[str, object]]] = {
    "stubbed": {"IntakeTransaction": StubbedTransaction},
    "per-request": {"GroupCommit": CommitPerRequest, "connect": _connect_more},
}
"""The replaced names of the module that composes the API process, by variant."""


def replace_parts(parts: Mapping[str, object]) -> None:
    """Replace names in the module that composes the API process. AttributeError if a name is missing.

    Without this check a renamed part would not be replaced, and the rival would be the unchanged API.
    """
    for name, part in parts.items():
        if not hasattr(api_process, name):
            raise AttributeError(f"{api_process.__name__} has no {name}")
        setattr(api_process, name, part)


if __name__ == "__main__":
    replace_parts(VARIANTS[sys.argv[1]])
    api()
