"""The table of planted bugs: where each lies, what brings it to light, and which promise it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aggregator.decoding import decoder
from aggregator.decoding.decoder import EventBatch
from aggregator.tallies.batch_counter import BatchCounter
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from board.state.board_state import BoardState
from cuts.state import CutState
from faults.planted import counting, intake, latches, sequences, terms
from faults.planted.patches import Patch
from notifier.cut_evaluator import CutEvaluator
from notifier.domain import alerts
from notifier.store.latches import LatchStore
from outbox import leader_producer, publisher
from outbox.leader_producer import LeaderProducer
from outbox.publisher import Publisher
from registration.intake import transaction as register_intake
from registration.intake.transaction import IntakeTransaction
from registration.processes import api
from registration.store import participants


def _nothing() -> None:
    """Nothing beside the patches."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One bug: which processes are to run with it, and the faults of which any brings it to light.

    `invariant` is the number of what the campaign's checker then finds broken; `seen_as` says how.
    """

    name: str
    processes: tuple[str, ...]
    faults: tuple[str, ...]
    invariant: int
    seen_as: str
    patches: tuple[Patch, ...]
    prepare: Callable[[], None] = _nothing
    """Done once before the service starts, outside of it."""

    def plant(self) -> None:
        """Plant it in this process. Raises PatchPointGone where the service has changed."""
        for patch in self.patches:
            patch.plant()
        self.prepare()


TOLD_BEFORE_COMMIT: Final = Planted(
    name="told-before-commit",
    processes=("api", "api-2"),
    faults=(
        "kill -9 of an api under load",
        "REGISTRATION_CRASH_AT=api.before_commit:50",
        "connections of `registration writer` terminated under load",
        "PostgreSQL stopped hard under load",
    ),
    invariant=1,
    seen_as="a 201 in the ledger without its participant and key in the register",
    patches=(Patch(IntakeTransaction, "write", intake.tell_before_commit, api.Components.__init__),),
)
POSITION_OUTSIDE: Final = Planted(
    name="position-outside",
    processes=("worker", "worker-2"),
    faults=(
        "kill -9 of a worker while it counts",
        "AGGREGATOR_CRASH_AT=worker.between_statements:5",
        "connections of `aggregator worker` terminated while it counts",
    ),
    invariant=3,
    seen_as="tallies above the register: what was counted before the kill is counted again",
    patches=(Patch(PostgresTallyStore, "count", counting.count_in_two_statements, BatchCounter._store),),
)
STORED_POSITION: Final = Planted(
    name="stored-position",
    processes=("worker", "worker-2"),
    faults=(
        "workers stopped (SIGSTOP) or killed while the relay dies at REGISTRATION_CRASH_AT=relay.after_ack:3 "
        "and sends again: the run lies twice in the next fetch",
        "relay set back (`published` lowered) by some hundred events while the workers are down",
        "Kafka killed under load: what was not acknowledged is sent again",
    ),
    invariant=3,
    seen_as="tallies above the register: a run that came twice in one fetch is counted twice",
    patches=(Patch(decoder, "fold", counting.fold_from_the_stored_position, EventBatch.fold),),
    prepare=counting.decode_in_python,
)
PLAIN_SEQUENCE: Final = Planted(
    name="plain-sequence",
    processes=("api", "api-2", "relay", "relay-2"),
    faults=(
        "two apis under load at once: the later number commits first",
        "kill -9 of an api under load, or REGISTRATION_CRASH_AT=api.before_commit:50: its numbers are gone",
    ),
    invariant=2,
    seen_as="events on the topic before the ones below them, and holes that nothing fills: positions stand",
    patches=(
        Patch(participants, "append", sequences.append_by_a_plain_sequence, register_intake._apply),
        Patch(register_intake, "_event_rows_if_all_new", sequences.none_at_once, register_intake._write),
        Patch(publisher, "_fill", sequences.fill_with_whatever_lies_above, Publisher._send),
    ),
)
KEYLESS_RETRY: Final = Planted(
    name="keyless-retry",
    processes=("api", "api-2"),
    faults=(
        "the wire between an api and PostgreSQL cut in mid-commit: after COMMIT went out, before its answer",
        "connections of `registration writer` terminated in mid-commit",
        "PostgreSQL stopped hard under load",
    ),
    invariant=1,
    seen_as="told 409 in the ledger, with the same key's answer `done` in the register",
    patches=(Patch(IntakeTransaction, "write", intake.retry_without_its_key, api.Components.__init__),),
)
NO_UNIQUE_LATCH: Final = Planted(
    name="no-unique-latch",
    processes=("notifier",),
    faults=(
        "kill -9 or SIGTERM of the notifier after a threshold was crossed",
        "NOTIFIER_CRASH_AT=notifier.after_latch",
        "a second notifier beside it",
    ),
    invariant=4,
    seen_as="two latches of one threshold, and two alert ids for one recipient",
    patches=(
        Patch(alerts, "_unique", latches.unique_to_this_life, alerts.alert_id),
        Patch(LatchStore, "latches", latches.know_no_latches, CutEvaluator.evaluate_once),
    ),
    prepare=latches.drop_the_uniqueness,
)
TERM_IGNORED: Final = Planted(
    name="term-ignored",
    processes=("publisher", "publisher-2", "board", "board-2"),
    faults=("SIGSTOP of the leading publisher for 5 s or more under load, several times, another beside it",),
    invariant=5,
    seen_as="the stream's id goes back to the former term when the deposed publisher wakes",
    patches=(
        Patch(CutState, "apply", terms.apply_in_any_term, BoardState.cut),
        Patch(LeaderProducer, "_send", terms.send_in_any_term, LeaderProducer.send),
        Patch(leader_producer, "ACK_S_MAX", terms.ACK_S_MAX, LeaderProducer.send),
    ),
)
PAST_GAPS: Final = Planted(
    name="past-gaps",
    processes=("worker", "worker-2"),
    faults=(
        "workers stopped or killed, the topic truncated to its end after the relay sent some events, "
        "more registrations, workers back",
        "the newest records of a partition lost before they were counted",
    ),
    invariant=3,
    seen_as="tallies below the register for good, with no lag and no gap named",
    patches=(Patch(decoder, "fold", counting.fold_past_gaps, EventBatch.fold),),
    prepare=counting.decode_in_python,
)

BUGS: Final = {
    bug.name: bug
    for bug in (
        TOLD_BEFORE_COMMIT,
        POSITION_OUTSIDE,
        STORED_POSITION,
        PLAIN_SEQUENCE,
        KEYLESS_RETRY,
        NO_UNIQUE_LATCH,
        TERM_IGNORED,
        PAST_GAPS,
    )
}
