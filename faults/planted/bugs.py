"""All planted bugs, and those of requests, events, counts, latches and cuts."""

from __future__ import annotations

from typing import Final

from aggregator.decoding import batch_decoder
from aggregator.decoding.batch_decoder import EventBatch
from aggregator.tallies.batch_counter import BatchCounter
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from board.state.counts import BoardState
from cuts.state import CutState
from faults.planted.bug import PlantedBug
from faults.planted.figure_bugs import FIGURE_BUGS
from faults.planted.patches import Patch
from faults.planted.replacements import counting, intake, latches, replication, sequences, terms
from kafka import leader_producer
from kafka.leader_producer import LeaderProducer
from notifier.cut_evaluator import CutEvaluator
from notifier.domain import alerts
from notifier.store.latches import LatchStore
from outbox import publisher
from outbox.publisher import Publisher
from registration.intake import transaction as register_intake
from registration.intake.transaction import IntakeTransaction
from registration.processes import api
from registration.relay import outbox_source
from registration.relay.outbox_source import RegisterEventSource

ANSWERED_BEFORE_COMMIT: Final = PlantedBug(
    name="answered-before-commit",
    processes=("api", "api-2"),
    faults=(
        "kill -9 of an api under load",
        "REGISTRATION_CRASH_AT=api.before_commit:50",
        "connections of `registration writer` terminated under load",
        "PostgreSQL stopped hard under load",
    ),
    invariant=1,
    symptom="a 201 in the ledger without its participant and key in the register",
    patches=(Patch(IntakeTransaction, "write", intake.answer_before_commit, api.Components.__init__),),
)
POSITION_OUTSIDE: Final = PlantedBug(
    name="position-outside",
    processes=("worker", "worker-2"),
    faults=(
        "kill -9 of a worker while it counts",
        "AGGREGATOR_CRASH_AT=worker.between_statements:5",
        "connections of `aggregator worker` terminated while it counts",
    ),
    invariant=3,
    symptom="tallies above the register: events counted before the kill are counted again",
    patches=(Patch(PostgresTallyStore, "count", counting.count_in_two_statements, BatchCounter._store),),
)
STORED_POSITION: Final = PlantedBug(
    name="stored-position",
    processes=("worker", "worker-2"),
    faults=(
        "workers stopped (SIGSTOP) or killed while the relay dies at REGISTRATION_CRASH_AT=relay.after_ack:3 "
        "and sends again: the next fetch contains the same events twice",
        "relay rewound (`published` lowered) by some hundred events while the workers are down",
        "Kafka killed under load: unacknowledged events are sent again",
    ),
    invariant=3,
    symptom="tallies above the register: events that are twice in one fetch are counted twice",
    patches=(Patch(batch_decoder, "fold", counting.fold_from_the_stored_position, EventBatch.fold),),
)
PLAIN_SEQUENCE: Final = PlantedBug(
    name="plain-sequence",
    processes=("api", "api-2", "relay", "relay-2"),
    faults=(
        "two API processes under load: the higher number commits first",
        "kill -9 of an api under load, or REGISTRATION_CRASH_AT=api.before_commit:50: its numbers are lost",
    ),
    invariant=2,
    symptom="events in the topic before lower sequences, and holes that are never filled: positions stall",
    patches=(
        Patch(register_intake, "_store", sequences.store_by_a_plain_sequence, register_intake._write),
        Patch(publisher, "_fill", sequences.fill_above_the_last, Publisher._send),
    ),
)
KEYLESS_RETRY: Final = PlantedBug(
    name="keyless-retry",
    processes=("api", "api-2"),
    faults=(
        "the connection between an API and PostgreSQL cut after COMMIT was sent, before its response",
        "connections of `registration writer` terminated during a commit",
        "PostgreSQL stopped hard under load",
    ),
    invariant=1,
    symptom="409 in the ledger, with the answer `done` of the same key in the register",
    patches=(Patch(IntakeTransaction, "write", intake.retry_without_its_key, api.Components.__init__),),
)
NO_UNIQUE_LATCH: Final = PlantedBug(
    name="no-unique-latch",
    processes=("notifier",),
    faults=(
        "kill -9 or SIGTERM of the notifier after a threshold was crossed",
        "NOTIFIER_CRASH_AT=notifier.after_latch",
        "a second notifier beside it",
    ),
    invariant=4,
    symptom="two latches of one threshold, and two alert ids for one recipient",
    patches=(
        Patch(alerts, "_unique_columns", latches.unique_to_this_process, alerts.alert_id),
        Patch(LatchStore, "latches", latches.return_no_latches, CutEvaluator._load),
    ),
    prepare=latches.drop_unique_constraints,
)
TERM_IGNORED: Final = PlantedBug(
    name="term-ignored",
    processes=("publisher", "publisher-2", "board", "board-2"),
    faults=(
        "SIGSTOP of the leading publisher for 5 s or more under load, several times, with a second publisher",
    ),
    invariant=5,
    symptom="the stream's id goes back to the former term when the suspended publisher resumes",
    patches=(
        Patch(CutState, "apply", terms.apply_in_any_term, BoardState.apply_cut),
        Patch(LeaderProducer, "send_batch", terms.send_in_any_term, LeaderProducer.send),
        Patch(leader_producer, "ACK_S_MAX", terms.ACK_S_MAX, LeaderProducer.send),
    ),
)
PAST_GAPS: Final = PlantedBug(
    name="past-gaps",
    processes=("worker", "worker-2"),
    faults=(
        "workers stopped or killed, the topic truncated to its end after the relay sent some events, "
        "more registrations, workers back",
        "the newest records of a partition lost before they are counted",
    ),
    invariant=3,
    symptom="tallies permanently below the register, with no lag and no gap reported",
    patches=(Patch(batch_decoder, "fold", counting.fold_past_gaps, EventBatch.fold),),
)
UNREPLICATED_EVENTS: Final = PlantedBug(
    name="unreplicated-events",
    processes=("relay", "relay-2"),
    faults=(
        "the synchronous standby stopped, a COMMIT of an API cancelled while it waits, the standby promoted",
    ),
    invariant=2,
    symptom="an event in the topic that the register does not have or has otherwise; the relay then refuses",
    patches=(Patch(outbox_source, "await_standby", replication.await_nothing, RegisterEventSource.pending),),
)

BUGS: Final = {
    bug.name: bug
    for bug in (
        ANSWERED_BEFORE_COMMIT,
        POSITION_OUTSIDE,
        STORED_POSITION,
        PLAIN_SEQUENCE,
        KEYLESS_RETRY,
        NO_UNIQUE_LATCH,
        TERM_IGNORED,
        PAST_GAPS,
        UNREPLICATED_EVENTS,
        *FIGURE_BUGS,
    )
}
