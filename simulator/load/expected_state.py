"""What the register must say once it gave an answer: a pure rule over intents and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from simulator.load.ledger import Answer, Intent, Line
from simulator.load.scenario import Known


def known_after(intent: Intent, answer: Answer, before: Known | None) -> Known | None:
    """Whoever is concerned, as the answer leaves them; None where nobody came to be known.

    A refused or unsettled request changes nothing; `before` is needed for all but a first registration.
    """
    if answer.outcome != "accepted" or intent.kind in ("repeat", "duplicate"):
        return before
    assert answer.participant is not None, "an accepted answer names its participant"
    assert answer.revision is not None, "an accepted answer tells the revision"
    if before is None:
        return Known(
            participant=answer.participant,
            person=intent.person,
            region=intent.region,
            revision=answer.revision,
            key=intent.key,
            at=intent.at,
            first_region=intent.region,
            campaign=intent.campaign or "",
        )
    after = replace(before, revision=answer.revision)
    if intent.kind == "move":
        return replace(after, region=intent.region)
    if intent.kind == "step":
        return replace(after, steps=(*before.steps, intent.step or ""))
    if intent.kind == "withdraw":
        return replace(after, standing="withdrawn")
    return after


@dataclass(slots=True)
class Account:
    """All that a ledger implies: who must be known and how, and what must not have happened."""

    known: dict[str, Known] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unsettled: list[Intent] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def total(self, outcome: str) -> int:
        """Requests of any kind with this outcome."""
        return sum(count for (_, one), count in self.outcomes.items() if one == outcome)

    def counts(self, campaign: str) -> Counter[tuple[str, str]]:
        """How many of a campaign stand in each kelurahan, by (region, measure)."""
        totals: Counter[tuple[str, str]] = Counter()
        for one in self.known.values():
            if one.standing == "registered" and one.campaign == campaign:
                totals[one.region, "registered"] += 1
                totals.update((one.region, f"step:{step}") for step in one.steps)
        return totals


def account(lines: Iterable[Line]) -> Account:
    """Follow a ledger in its order; the last answer to an intent counts."""
    intents: dict[int, Intent] = {}
    answers: dict[int, Answer] = {}
    for line in lines:
        if isinstance(line, Intent):
            intents[line.number] = line
        elif isinstance(line, Answer):
            answers.pop(line.number, None)
            answers[line.number] = line
    result = Account()
    owners: dict[str, str] = {}
    for number, answer in answers.items():
        _follow(intents[number], answer, result, owners)
    result.unsettled = [
        intent
        for number, intent in intents.items()
        if number not in answers or answers[number].outcome == "unknown"
    ]
    return result


def _follow(intent: Intent, answer: Answer, into: Account, owners: dict[str, str]) -> None:
    into.outcomes[intent.kind, answer.outcome] += 1
    into.faults.extend(_faults(intent, answer, owners))
    if intent.kind in ("register", "probe") and answer.participant and answer.outcome == "accepted":
        owners[intent.key] = answer.participant
    before = into.known.get(intent.participant or "")
    after = known_after(intent, answer, before)
    if after is not None:
        if before is None and after.participant in into.known:
            into.faults.append(f"doubled: two registrations were given participant {after.participant}")
        into.known[after.participant] = after


def _faults(intent: Intent, answer: Answer, owners: Mapping[str, str]) -> Iterable[str]:
    label = f"{intent.kind} {intent.number}"
    if intent.kind == "duplicate" and answer.outcome == "accepted":
        yield f"doubled: {label}, a NIK already registered, was accepted"
    elif intent.kind == "repeat" and answer.outcome == "accepted":
        if answer.participant != owners.get(intent.key):
            yield f"doubled: {label}, a key used again, was given another participant"
    elif answer.outcome == "refused" and not (intent.kind == "duplicate" and answer.status == 409):
        yield f"refused: {label} was answered {answer.status}"
