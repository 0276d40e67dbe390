"""Invariants 1 and 2: every answer is in the register once, and every event on the topic, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from faults.evidence import Stored, Topic
from faults.invariant_result import Finding
from simulator.load.expected_state import Account


class Envelope(msgspec.Struct):
    """What is looked at of a record of participant-events."""

    id: str
    partition: int
    sequence: int


def check_register(
    account: Account,
    asked_again: int,
    stored: Stored,
    imports: Mapping[str, int],
    unfinished: Collection[str],
) -> Finding:
    """1: each 201 is in the register once; each request without an answer ended there once, by its key."""
    finding = Finding(1, "every accepted request is in the register once")
    for known in account.known.values():
        held = stored.participants.get(known.participant)
        finding.must(held is not None, f"participant {known.participant} is not in the register")
        if held is not None:
            wanted = (known.region, known.revision, known.standing, tuple(sorted(known.steps)))
            found = (held.region, held.revision, held.standing, held.steps)
            finding.must(found == wanted, f"participant {known.participant} is {found}, must be {wanted}")
    imported = sum(one.imported for one in stored.participants.values())
    finding.must(imported == sum(imports.values()), f"{imported} imported of {sum(imports.values())}")
    others = len(stored.participants) - imported - len(account.known)
    finding.must(others == 1, f"{others} participants nobody was answered for, must be 1, the canary")
    finding.violations += [*account.faults, *unfinished]
    finding.violations += [f"{one.kind} {one.number} was never settled" for one in account.unsettled]
    finding.notes.append(
        f"{account.total('accepted'):,} accepted, {asked_again:,} asked again by key, {imported:,} imported"
    )
    return finding


def check_topic(stored: Stored, topic: Topic, forgotten: Mapping[int, Collection[int]]) -> Finding:
    """2: every event is on the topic, in the order of sequences; repeats are allowed and counted.

    `forgotten` names, per partition, the sequences whose records a fault took away: they may be gone.
    """
    finding = Finding(2, "every event is on the topic, in order, without a gap")
    decode = msgspec.json.Decoder(Envelope).decode
    repeats = 0
    for partition, last in stored.last_sequences.items():
        seen: Counter[int] = Counter()
        gone, next_ = forgotten.get(partition, ()), 1
        for value in topic.values.get(partition, []):
            assert value is not None, "participant-events holds no tombstones"
            event = decode(value)
            finding.must(
                stored.events.get((event.partition, event.sequence)) == event.id,
                f"{partition}/{event.sequence} on the topic is not the register's event",
            )
            in_order = all(one in gone for one in range(next_, event.sequence))
            finding.must(in_order, f"{partition}/{event.sequence} follows {next_ - 1}")
            next_ = max(next_, event.sequence + 1)
            seen[event.sequence] += 1
        lacking = [one for one in range(1, last + 1) if one not in seen and one not in gone]
        finding.must(not lacking, f"partition {partition} lacks {len(lacking)} events, first {lacking[:3]}")
        repeats += seen.total() - len(seen)
    finding.notes.append(f"{len(stored.events):,} events, {repeats:,} repeats")
    return finding
