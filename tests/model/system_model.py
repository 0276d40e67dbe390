"""The whole system in memory: two processes of each kind, their stores, outside events, and recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.model.boards import Board
from tests.model.event_topic import Topic
from tests.model.intake import Api, Ledger
from tests.model.notifiers import Notifier, NotifierDatabase, Receiver, ReceiverBehaviour, Sender
from tests.model.process_driver import Process
from tests.model.publishers import CutLog, CutNumbers, Publisher
from tests.model.register import PARTITIONS, Register
from tests.model.relays import Relay
from tests.model.stepping_loop import SteppingLoop
from tests.model.workers import TallyDatabase, Worker
from tests.support.fakes.leases_and_broker import MemoryLeases
from tests.support.manual_clock import ManualClock

PAUSE_S: Final = 4.0
"""Longer than a lease, but shorter than the time without cuts after which the relay ignores stalls."""
RECOVERY_ROUNDS_MAX: Final = 60
FETCHES_MAX: Final = 100
LARGE_FETCH: Final = 0xE0
"""The `choice` that selects a worker's largest fetch: all partitions, from where the previous fetch ended."""


class SystemModel:
    """The shared stores and two processes of each kind. A subclass with a planted bug replaces one part."""

    register_type: type[Register] = Register
    api_type: type[Api] = Api
    relay_type: type[Relay] = Relay
    tallies_type: type[TallyDatabase] = TallyDatabase
    worker_type: type[Worker] = Worker
    board_type: type[Board] = Board
    notifier_database_type: type[NotifierDatabase] = NotifierDatabase

    def __init__(self, loop: SteppingLoop) -> None:
        self.clock = ManualClock()
        self.leases = MemoryLeases(self.clock)
        self.register = self.register_type()
        self.ledger = Ledger(self.register)
        self.topic = Topic()
        self.stored = self.tallies_type()
        self.cuts = CutLog()
        self.latches = self.notifier_database_type()
        self.receiver = Receiver()
        self.numbers = CutNumbers(self.leases)
        self.apis = [self.api_type(self.register, self.ledger) for _ in "AB"]
        self.relays = [self._relay(loop) for _ in "AB"]
        self.workers = [self.worker_type(self.stored, self.topic) for _ in "AB"]
        self.publishers = [self._publisher(loop) for _ in "AB"]
        self.boards = [self.board_type(self.cuts) for _ in "AB"]
        self.notifiers = [Notifier(self.latches, self.cuts) for _ in "AB"]
        self.senders = [Sender(self.latches, self.receiver) for _ in "AB"]

    def _relay(self, loop: SteppingLoop) -> Relay:
        return self.relay_type(loop, self.register, self.topic, self.cuts, self.leases, self.clock)

    def _publisher(self, loop: SteppingLoop) -> Publisher:
        return Publisher(loop, self.stored, self.cuts, self.numbers, self.leases, self.clock)

    @property
    def processes(self) -> Iterator[Process]:
        """All processes except the boards, which run without a driver."""
        kinds: Sequence[Sequence[Process]] = (
            self.apis,
            self.relays,
            self.workers,
            self.publishers,
            self.notifiers,
            self.senders,
        )
        for kind in kinds:
            yield from kind

    def close(self) -> None:
        """End every process."""
        for process in self.processes:
            process.driver.kill()

    # Events outside the processes. `choice` is a random number that selects a variant of the event.

    def lose_tail(self, choice: int) -> None:
        """Let a partition of the topic lose its newest records."""
        self.topic.lose_tail(choice % PARTITIONS, 1 + (choice >> 1) % 2)

    def empty(self, choice: int) -> None:
        """Delete all records of a partition of the topic."""
        self.topic.empty(choice % PARTITIONS)

    def write_foreign_record(self, choice: int) -> None:
        """Let a foreign client write an unreadable record, or one without data but with a valid sequence."""
        partition = choice % PARTITIONS
        next_sequence = self.stored.positions[partition] + 1
        if next_sequence in self.register.events[partition]:
            self.topic.append(partition, None, b'{"partition":%d,"sequence":%d}' % (partition, next_sequence))
        else:
            self.topic.append(partition, None, b"?")

    def change_receiver(self, choice: int) -> None:
        """Change the receiver's behaviour."""
        self.receiver.behaviour = (
            ReceiverBehaviour.TAKES,
            ReceiverBehaviour.REFUSES,
            ReceiverBehaviour.HANGS,
        )[choice % 3]

    def pass_time(self, choice: int) -> None:
        """Let time pass, either less or more than the duration of a lease."""
        self.clock.now_s += 2.0 if choice % 2 else PAUSE_S

    def one_round(self, instance: int, choice: int) -> None:
        """Let one process of each kind do a round of work."""
        self.apis[instance].run(choice)
        self.relays[instance].renew()
        self.relays[instance].run(0)
        self.workers[instance].run(LARGE_FETCH)
        self.publishers[instance].renew()
        self.publishers[instance].run(0)
        self.boards[instance].read(4)
        self.notifiers[instance].run(7)
        self.senders[instance].run(0)

    # Recovery

    def recover(self) -> Iterator[bool]:
        """Run all processes in rounds, without failures. After each round, yield whether all work is done."""
        self.receiver.behaviour = ReceiverBehaviour.TAKES
        while self.topic.delayed:
            self.topic.deliver_delayed()
        for process in self.processes:
            if process.driver.busy:
                process.run(0)
        for _ in range(RECOVERY_ROUNDS_MAX):
            self._work()
            yield self.is_settled()
            self.clock.now_s += PAUSE_S

    def _work(self) -> None:
        for api in self.apis:
            if api.driver.busy:
                api.run(0)
        for _ in range(len(self.ledger.unknown)):
            self.apis[0].run(0x80)
        # The first relay and the first publisher take the leases once those of the second ones have expired.
        self.relays[0].renew()
        self.publishers[0].renew()
        for relay in self.relays:
            while (before := list(self.register.published)) != self.register.last:
                relay.run(0)
                if self.register.published == before:
                    break
        for worker in self.workers:
            self._count_all(worker)
        for publisher in self.publishers:
            publisher.run(0)
        self.relays[0].check_positions()
        for board in self.boards:
            board.read(1_000)
        for notifier in self.notifiers:
            notifier.read_all()
        for _ in range(len(self.latches.open)):
            self.senders[0].run(0)

    def _count_all(self, worker: Worker) -> None:
        for _ in range(FETCHES_MAX):
            worker.run(LARGE_FETCH)
            if worker.has_read_all():
                return

    def is_settled(self) -> bool:
        """Whether all requests are answered and counted, all counts shown, and all alerts delivered."""
        newest = self.cuts.newest
        return (
            all(request.answer is not None for request in self.ledger.requests)
            and self.register.published == self.register.last
            and list(self.stored.positions) == self.register.last
            and newest is not None
            and list(newest.positions) == self.register.last
            and all(board.state.version == newest.version for board in self.boards)
            and not self.latches.open
        )
