"""The register's API with one part changed: `python -m bench.rivals.registration_api_variant stubbed|per-request`.

`stubbed` answers in place of the store, all else being done; `per-request` gives each request a transaction
of its own, on sixteen connections.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from database.pool import connect
from registration.__main__ import api
from registration.domain.decide import RegisterCommand
from registration.domain.operation import DONE, Answer, Operation
from registration.intake.group_commit import GroupCommit, QueueLimits, WriteBatch
from registration.processes import api as api_process

CONNECTIONS: Final = 16


class StubbedStore:
    """Says of every registration that it was stored."""

    def __init__(self, *_arguments: object) -> None:
        pass

    async def write(self, operations: Sequence[Operation]) -> list[Answer]:
        """The answers of a register that knew nobody."""
        now = datetime.now(UTC)
        return [_stored(operation, now) for operation in operations]


def _stored(operation: Operation, now: datetime) -> Answer:
    command = operation.command
    assert isinstance(command, RegisterCommand), "only registrations are measured"
    return Answer(DONE, command.id, command.standing.region, 1, now)


class PerRequest(GroupCommit):
    """Writes each operation at once, alone."""

    def __init__(self, write: WriteBatch, limits: QueueLimits) -> None:
        super().__init__(write, limits)
        self._write_one = write

    async def submit(self, operation: Operation) -> Answer:
        """Its answer, after its own commit."""
        (answer,) = await self._write_one([operation])
        return answer


async def _connect_more(url: str, **options: Any) -> Any:
    if options["application_name"] == "registration writer":
        options |= {"max_size": CONNECTIONS, "min_size": CONNECTIONS}
    return await connect(url, **options)


if __name__ == "__main__":
    if sys.argv[1] == "stubbed":
        vars(api_process).update(Intake=StubbedStore)
    else:
        vars(api_process).update(Writer=PerRequest, connect=_connect_more)
    api()
