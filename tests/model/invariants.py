"""The model's invariants. Some must hold after every step, the others after all processes have recovered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from aggregator.domain.event import read_batch
from aggregator.domain.event_fold import fold
from cuts.state import CutState
from notifier.domain.milestones import Crossing
from registration.domain.idempotent_operation import DONE
from tests.model.boards import Board, Version
from tests.model.notifiers import RULES, THRESHOLDS
from tests.model.register import PARTITIONS, Cell
from tests.model.system_model import SystemModel
from tests.support.samples.quarantine import events_in

Contents = tuple[tuple[int, ...], frozenset[tuple[int, int]]]
"""(positions, quarantined events), which together determine the counts of a cut"""


class InvariantViolatedError(AssertionError):
    """An invariant does not hold. The message names the invariant."""


class Invariants:
    """Checks a system repeatedly. Each check skips the parts that have not changed since the last check."""

    def __init__(self, system: SystemModel) -> None:
        self._system = system
        self._answered = (0, 0)
        self._counted = 0
        self._latch_counts = (0, 0)
        self._cuts: dict[Version, Contents] = {}
        self._checked: list[tuple[Version, Contents] | None] = [None for _ in system.boards]

    def check(self) -> None:
        """Check the invariants that hold after every step. Raises InvariantViolatedError."""
        self._check_answers()
        self._check_topic_order()
        self._check_tallies()
        _require(not self._system.cuts.undecodable, "a cut was published that no reader accepts")
        for place, board in enumerate(self._system.boards):
            self._check_board(place, board)
        self._check_latches()

    def check_after_recovery(self) -> None:
        """Let the system recover, then check that all work is done. Raises InvariantViolatedError."""
        system = self._system
        for is_settled in system.recover():
            self.check()
            if is_settled:
                break
        else:
            raise InvariantViolatedError("the system does not recover")
        for partition in range(PARTITIONS):
            self._check_topic_is_complete(partition)
        for board in system.boards:
            _require(
                board.state.positions == tuple(system.register.last), "a board does not show the newest cut"
            )
        self._check_all_alerts_delivered()

    def _check_answers(self) -> None:
        register, ledger = self._system.register, self._system.ledger
        if self._answered == (ledger.answered, register.commits):
            return
        self._answered = (ledger.answered, register.commits)
        for request in ledger.requests:
            times = register.written[request.operation.traceparent]
            _require(times <= 1, "a request was executed twice")
            if request.answer is not None:
                _require(
                    times == (request.answer == DONE), f"answered {request.answer}, executed {times} times"
                )

    def _check_topic_order(self) -> None:
        _require(not any(self._system.topic.has_gap), "an event is in the topic before the one below it")

    def _check_topic_is_complete(self, partition: int) -> None:
        topic, register = self._system.topic, self._system.register
        events, _ = read_batch(topic.logs[partition], partition)
        last_in_topic = fold(topic.lost_up_to[partition], events).last
        _require(
            last_in_topic == register.last[partition], "an event is missing in the topic, or out of order"
        )

    def _check_tallies(self) -> None:
        stored = self._system.stored
        if stored.version != self._counted:
            self._counted = stored.version
            counts = {cell: count for cell, count in stored.tallies.counts.items() if count}
            _require(
                counts == self._expected_counts(stored.positions, stored.quarantined),
                "a tally differs from the register",
            )

    def _expected_counts(
        self, positions: Sequence[int], quarantined: Iterable[tuple[int, int]]
    ) -> Mapping[Cell, int]:
        register = self._system.register
        sums: Counter[Cell] = Counter()
        for partition, position in enumerate(positions):
            sums.update(register.expected_counts(partition, position))
        for partition, sequence in quarantined:
            sums.subtract(register.change(partition, sequence))
        return {cell: count for cell, count in sums.items() if count}

    def _check_board(self, place: int, board: Board) -> None:
        _require(not board.showed_older_cut, "a board showed an older cut than before")
        state = board.state
        contents = (state.positions, frozenset(events_in(state.quarantined)))
        if not state.ready or self._checked[place] == (state.version, contents):
            return
        self._checked[place] = (state.version, contents)
        _require(
            self._cuts.setdefault(state.version, contents) == contents,
            "two different cuts have the same version",
        )
        _require(
            state.counts == self._expected_counts(*contents),
            "the counts of a cut differ from the register at its positions",
        )
        sums: Counter[Cell] = Counter()
        for (scope, region, measure), count in state.counts.items():
            if parent := region.rpartition(".")[0]:
                sums[scope, parent, measure] += count
        for cell, total in sums.items():
            _require(state.counts.get(cell, 0) == total, "a total is not the sum of its parts")

    def _check_latches(self) -> None:
        rows, delivered = self._system.latches.rows, self._system.receiver.delivered
        if self._latch_counts == (len(rows), len(delivered)):
            return
        self._latch_counts = (len(rows), len(delivered))
        _require(len({_crossing_key(row) for row in rows}) == len(rows), "a crossing was latched twice")
        for row in rows:
            shown = self._system.cuts.highest.get((row.scope, row.region, row.measure), 0)
            _require(row.threshold <= shown, "a threshold above every published count was latched")
        alerts = self._system.latches.alerts
        _require(len(set(alerts.values())) == len(alerts), "a recipient has two alerts of one crossing")
        _require(alerts.keys() >= delivered.keys(), "an alert without a latch was delivered")

    def _check_all_alerts_delivered(self) -> None:
        latches, delivered = self._system.latches, self._system.receiver.delivered
        ids = {(key, recipient): alert for alert, (key, recipient) in latches.alerts.items()}
        highest = self._highest_in_evaluated_cuts()
        for ((scope, region, measure), count), rule in product(highest.items(), RULES.rules):
            if (scope, measure) != (rule.scope, rule.measure) or not rule.covers(region):
                continue
            thresholds = THRESHOLDS if rule.id == "province" else THRESHOLDS[:2]
            reached = [threshold for threshold in thresholds if threshold <= count]
            for threshold, recipient in product(reached, RULES.recipients):
                alert = ids.get(((scope, region, rule.id, threshold, "ever"), recipient.id))
                _require(alert is not None, "a threshold that was reached is not latched")
                _require(alert in delivered, "an alert was never delivered")

    def _highest_in_evaluated_cuts(self) -> Mapping[Cell, int]:
        """Return the highest count of each cell in the cuts since the first cut that a notifier evaluated."""
        first = self._system.latches.first_evaluated
        highest: dict[Cell, int] = {}
        if first is None:
            return highest
        reader = CutState()
        for record in self._system.cuts.records:
            if reader.apply(record).state_changed and reader.version >= first.version:
                for cell, count in reader.counts.items():
                    highest[cell] = max(highest.get(cell, 0), count)
        return highest


def _crossing_key(row: Crossing) -> tuple[object, ...]:
    return (*row.key, row.number)


def _require(condition: bool, violation: str) -> None:
    if not condition:
        raise InvariantViolatedError(violation)
