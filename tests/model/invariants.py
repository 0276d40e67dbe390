"""What must hold after every step, and once everything has healed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from aggregator.domain.counting import fold
from aggregator.domain.event import read_batch
from notifier.domain.milestones import Crossing
from registration.domain.operation import DONE
from tests.model.boards import Board, Version
from tests.model.notifiers import RULES, THRESHOLDS
from tests.model.register import PARTITIONS, Cell
from tests.model.system_model import World

Contents = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""(positions, quarantined): what a cut's counts follow from."""


class ViolatedError(AssertionError):
    """An invariant does not hold."""


class Invariants:
    """Looks at a world again and again; what has not changed since is not looked at twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told = (0, 0)
        self._counted = 0
        self._latched = (0, 0)
        self._cuts: dict[Version, Contents] = {}
        self._seen: list[tuple[Version, Contents] | None] = [None for _ in world.boards]

    def hold(self) -> None:
        """Raises ViolatedError."""
        self._answers_are_true()
        self._topic_has_no_gap()
        self._tallies_equal_the_register()
        _require(not self._world.cuts.undecodable, "a cut was published that no reader accepts")
        for place, board in enumerate(self._world.boards):
            self._board_shows_whole_cuts_that_never_go_back(place, board)
        self._each_crossing_latched_once_and_not_above_the_counts()

    def hold_healed(self) -> None:
        """What holds when nothing is left to do. Raises ViolatedError."""
        world = self._world
        for is_settled in world.healing():
            self.hold()
            if is_settled:
                break
        else:
            raise ViolatedError("healing never comes to its end")
        for partition in range(PARTITIONS):
            self._everything_is_on_the_topic(partition)
        for board in world.boards:
            _require(board.state.positions == tuple(world.register.last), "a board is behind")
        self._every_threshold_reached_was_told()

    def _answers_are_true(self) -> None:
        register, ledger = self._world.register, self._world.ledger
        if self._told == (ledger.told, register.commits):
            return
        self._told = (ledger.told, register.commits)
        for wish in ledger.wishes:
            times = register.written[wish.operation.traceparent]
            _require(times <= 1, "a wish was carried out twice")
            if wish.answer is not None:
                _require(times == (wish.answer == DONE), f"told {wish.answer}, carried out {times} times")

    def _topic_has_no_gap(self) -> None:
        _require(not any(self._world.topic.holed), "an event stands on the topic before the one below it")

    def _everything_is_on_the_topic(self, partition: int) -> None:
        topic, register = self._world.topic, self._world.register
        events, _ = read_batch(topic.logs[partition], partition)
        on_it = fold(topic.lost_to[partition], events).last
        _require(on_it == register.last[partition], "an event is missing on the topic, or out of order")

    def _tallies_equal_the_register(self) -> None:
        stored = self._world.stored
        if stored.version != self._counted:
            self._counted = stored.version
            held = {cell: count for cell, count in stored.tallies.counts.items() if count}
            _require(held == self._truth(stored.positions, stored.quarantined), "a tally is not the truth")

    def _truth(self, positions: Sequence[int], quarantined: Iterable[tuple[int, int]]) -> Mapping[Cell, int]:
        register = self._world.register
        sums: Counter[Cell] = Counter()
        for partition, position in enumerate(positions):
            sums.update(register.truth(partition, position))
        for partition, sequence in quarantined:
            sums.subtract(register.change(partition, sequence))
        return {cell: count for cell, count in sums.items() if count}

    def _board_shows_whole_cuts_that_never_go_back(self, place: int, board: Board) -> None:
        _require(not board.went_back, "a board went back to an older cut")
        state = board.state
        contents = (state.positions, state.quarantined)
        if not state.ready or self._seen[place] == (state.version, contents):
            return
        self._seen[place] = (state.version, contents)
        _require(self._cuts.setdefault(state.version, contents) == contents, "two cuts under one number")
        _require(state.counts == self._truth(*contents), "a cut's counts are not the truth at its positions")
        sums: Counter[Cell] = Counter()
        for (scope, region, measure), count in state.counts.items():
            if parent := region.rpartition(".")[0]:
                sums[scope, parent, measure] += count
        for cell, total in sums.items():
            _require(state.counts.get(cell, 0) == total, "the parts do not sum to the whole")

    def _each_crossing_latched_once_and_not_above_the_counts(self) -> None:
        rows, delivered = self._world.latches.rows, self._world.receiver.delivered
        if self._latched == (len(rows), len(delivered)):
            return
        self._latched = (len(rows), len(delivered))
        _require(len({_place(row) for row in rows}) == len(rows), "a crossing was latched twice")
        for row in rows:
            shown = self._world.cuts.highest.get((row.scope, row.region, row.measure), 0)
            _require(row.threshold <= shown, "a threshold above every count that was shown was told")
        alerts = self._world.latches.alerts
        _require(len(set(alerts.values())) == len(alerts), "two alerts tell one recipient the same")
        _require(alerts.keys() >= delivered.keys(), "an alert was made up")

    def _every_threshold_reached_was_told(self) -> None:
        latches, delivered = self._world.latches, self._world.receiver.delivered
        ids = {(key, recipient): alert for alert, (key, recipient) in latches.alerts.items()}
        counts = self._world.boards[0].state.counts
        for ((scope, region, measure), count), rule in product(counts.items(), RULES.rules):
            if (scope, measure) != (rule.scope, rule.measure) or not rule.watches(region):
                continue
            thresholds = THRESHOLDS if rule.id == "province" else THRESHOLDS[:2]
            reached = [threshold for threshold in thresholds if threshold <= count]
            for threshold, recipient in product(reached, RULES.recipients):
                alert = ids.get(((scope, region, rule.id, threshold, "ever"), recipient.id))
                _require(alert is not None, "a threshold that was reached is not latched")
                _require(alert in delivered, "an alert was never delivered")


def _place(row: Crossing) -> tuple[object, ...]:
    return (*row.key, row.number)


def _require(held: bool, otherwise: str) -> None:
    if not held:
        raise ViolatedError(otherwise)
