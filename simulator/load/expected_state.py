"""Derives the expected state of the register from the ledger's intents and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from simulator.load.crowd import KnownParticipant
from simulator.load.ledger import Answer, Intent, Line


def participant_after(
    intent: Intent, answer: Answer, before: KnownParticipant | None
) -> KnownParticipant | None:
    """Return the participant after a request; None if there is no participant.

    A refused or unanswered request changes nothing. `before` is the participant before the request; it is
    None only for a first registration.
    """
    if answer.outcome != "accepted" or intent.kind in ("repeat", "duplicate"):
        return before
    assert answer.participant is not None, "an accepted answer names its participant"
    assert answer.revision is not None, "an accepted answer has the revision"
    if before is None:
        return KnownParticipant(
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
class ExpectedState:
    """The state that a ledger implies, with the expected participants and the errors found in the answers."""

    known: dict[str, KnownParticipant] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unsettled: list[Intent] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def total(self, outcome: str) -> int:
        """Return the number of requests with this outcome."""
        return sum(count for (_, counted), count in self.outcomes.items() if counted == outcome)


def expected_state(lines: Iterable[Line]) -> ExpectedState:
    """Return the state after all lines of a ledger.

    If an intent has several answers, only the last one is used. Answers are applied in the order in which
    they were written.
    """
    intents: dict[int, Intent] = {}
    answers: dict[int, Answer] = {}
    for line in lines:
        if isinstance(line, Intent):
            intents[line.number] = line
        elif isinstance(line, Answer):
            answers.pop(line.number, None)
            answers[line.number] = line
    result = ExpectedState()
    owners: dict[str, str] = {}
    for number, answer in answers.items():
        _apply(intents[number], answer, result, owners)
    result.unsettled = [
        intent
        for number, intent in intents.items()
        if number not in answers or answers[number].outcome == "unknown"
    ]
    return result


def _apply(intent: Intent, answer: Answer, into: ExpectedState, owners: dict[str, str]) -> None:
    into.outcomes[intent.kind, answer.outcome] += 1
    into.faults.extend(_errors(intent, answer, owners))
    if intent.kind in ("register", "probe") and answer.participant and answer.outcome == "accepted":
        owners[intent.key] = answer.participant
    before = into.known.get(intent.participant or "")
    after = participant_after(intent, answer, before)
    if after is not None:
        if before is None and after.participant in into.known:
            into.faults.append(f"doubled: two registrations were given participant {after.participant}")
        into.known[after.participant] = after


def _errors(intent: Intent, answer: Answer, owners: Mapping[str, str]) -> Iterable[str]:
    label = f"{intent.kind} {intent.number}"
    if intent.kind == "duplicate" and answer.outcome == "accepted":
        yield f"doubled: {label}, a NIK already registered, was accepted"
    elif intent.kind == "repeat" and answer.outcome == "accepted":
        if answer.participant != owners.get(intent.key):
            yield f"doubled: {label}, a key used again, was given another participant"
    elif answer.outcome == "refused" and not (intent.kind == "duplicate" and answer.status == 409):
        yield f"refused: {label} was answered {answer.status}"
