"""Invariant 1: every confirmed registration and every imported row is in the register exactly once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from faults.invariant_result import InvariantResult
from faults.observation.evidence import DatabaseContents
from simulator.load.expected_state import ExpectedState


def check_register(
    expected: ExpectedState,
    retried: int,
    database: DatabaseContents,
    imports: Mapping[str, int],
    unfinished: Collection[str],
    outsiders: int = 0,
) -> InvariantResult:
    """Compare the register with the clients' ledger and with the imported files.

    `retried` is the number of requests without a response that were sent again with the same idempotency key.
    `imports` maps the id of each import to its number of rows. `unfinished` has a violation for each import
    that did not finish. `outsiders` is the number of participants whom faults registered.
    """
    result = InvariantResult(1, "every accepted request is in the register exactly once")
    for known in expected.known.values():
        held = database.participants.get(known.participant)
        result.check(held is not None, f"participant {known.participant} is not in the register")
        if held is not None:
            wanted = (known.region, known.revision, known.standing, tuple(sorted(known.steps)))
            found = (held.region, held.revision, held.standing, held.steps)
            result.check(found == wanted, f"participant {known.participant} is {found}, must be {wanted}")
    imported = sum(participant.imported for participant in database.participants.values())
    wanted_imports = sum(imports.values())
    result.check(imported == wanted_imports, f"{imported} participants imported, must be {wanted_imports}")
    others = len(database.participants) - imported - len(expected.known)
    result.check(
        others == 1 + outsiders,
        f"{others} participants without a confirmed request, must be {1 + outsiders} (with the canary)",
    )
    result.violations += [*expected.faults, *unfinished]
    result.violations += [
        f"{intent.kind} {intent.number} has no known outcome" for intent in expected.unsettled
    ]
    accepted = expected.total("accepted")
    result.notes.append(
        f"{accepted:,} accepted, {retried:,} retried with the same key, {imported:,} imported"
    )
    return result
