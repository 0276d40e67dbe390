"""The whole system in a small world: two of each process, what they share, and what may befall them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.model.boards import Board
from tests.model.event_topic import Topic
from tests.model.intake import Api, Ledger
from tests.model.interruption_points import Process
from tests.model.notifiers import Answer, Latches, Notifier, Receiver, Sender
from tests.model.publishers import CutLog, Numbers, Publisher
from tests.model.register import PARTITIONS, Register
from tests.model.relays import Relay
from tests.model.stepping_loop import SteppingLoop
from tests.model.workers import Stored, Worker
from tests.support.fakes.outbox import Clock, MemoryLeases

REST_S: Final = 4.0
"""Longer than a lease, shorter than the silence after which the relay trusts no position's standing still."""
HEAL_ROUNDS_MAX: Final = 60
FETCHES_MAX: Final = 100
MANY: Final = 0xE0
"""What chooses the largest fetch, of every partition, that goes on where the last one ended."""


class World:
    """What the processes share, and two of each. A variant with a planted bug replaces one of the parts."""

    register_of: type[Register] = Register
    api_of: type[Api] = Api
    relay_of: type[Relay] = Relay
    stored_of: type[Stored] = Stored
    worker_of: type[Worker] = Worker
    board_of: type[Board] = Board
    latches_of: type[Latches] = Latches

    def __init__(self, loop: SteppingLoop) -> None:
        self.clock = Clock()
        self.leases = MemoryLeases(self.clock)
        self.register = self.register_of()
        self.ledger = Ledger(self.register)
        self.topic = Topic()
        self.stored = self.stored_of()
        self.cuts = CutLog()
        self.latches = self.latches_of()
        self.receiver = Receiver()
        self.numbers = Numbers(self.leases)
        self.apis = [self.api_of(self.register, self.ledger) for _ in "AB"]
        self.relays = [self._relay(loop) for _ in "AB"]
        self.workers = [self.worker_of(self.stored, self.topic) for _ in "AB"]
        self.publishers = [self._publisher(loop) for _ in "AB"]
        self.boards = [self.board_of(self.cuts) for _ in "AB"]
        self.notifiers = [Notifier(self.latches, self.cuts) for _ in "AB"]
        self.senders = [Sender(self.latches, self.receiver) for _ in "AB"]

    def _relay(self, loop: SteppingLoop) -> Relay:
        return self.relay_of(loop, self.register, self.topic, self.cuts, self.leases, self.clock)

    def _publisher(self, loop: SteppingLoop) -> Publisher:
        return Publisher(loop, self.stored, self.cuts, self.numbers, self.leases, self.clock)

    @property
    def processes(self) -> Iterator[Process]:
        """All that are driven."""
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

    # What may befall it; `what` chooses where there is a choice.

    def lose_tail(self, what: int) -> None:
        """The topic loses its newest records."""
        self.topic.lose_tail(what % PARTITIONS, 1 + (what >> 1) % 2)

    def empty(self, what: int) -> None:
        """The topic is truncated."""
        self.topic.empty(what % PARTITIONS)

    def intrude(self, what: int) -> None:
        """Somebody else writes to the topic: something unreadable, or an event whose content is none."""
        partition = what % PARTITIONS
        following = self.stored.positions[partition] + 1
        if following in self.register.events[partition]:
            self.topic.append(partition, None, b'{"partition":%d,"sequence":%d}' % (partition, following))
        else:
            self.topic.append(partition, None, b"?")

    def receive(self, what: int) -> None:
        """The receiver behaves differently from now on."""
        self.receiver.answer = (Answer.TAKES, Answer.REFUSES, Answer.HANGS)[what % 3]

    def sleep(self, what: int) -> None:
        """Time goes by: less than a lease, or more."""
        self.clock.now_s += 2.0 if what % 2 else REST_S

    def everybody(self, which: int, what: int) -> None:
        """One of each kind does a round of work, one after another."""
        self.apis[which].run(what)
        self.relays[which].renew()
        self.relays[which].run(0)
        self.workers[which].run(MANY)
        self.publishers[which].renew()
        self.publishers[which].run(0)
        self.boards[which].read(4)
        self.notifiers[which].run(7)
        self.senders[which].run(0)

    # Healing

    def healing(self) -> Iterator[bool]:
        """Let all run without faults, round by round; after each, whether nothing is left to do."""
        self.receiver.answer = Answer.TAKES
        while self.topic.late:
            self.topic.deliver_late()
        for process in self.processes:
            if process.driver.busy:
                process.run(0)
        for _ in range(HEAL_ROUNDS_MAX):
            self._work()
            yield self.is_settled()
            self.clock.now_s += REST_S

    def _work(self) -> None:
        for api in self.apis:
            if api.driver.busy:
                api.run(0)
        for _ in range(len(self.ledger.unknown)):
            self.apis[0].run(0x80)
        # The other one of each pair stands by from here on: its lease runs out.
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
        self.relays[0].look()
        for board in self.boards:
            board.read(1_000)
        for notifier in self.notifiers:
            notifier.read_all()
        for _ in range(len(self.latches.open)):
            self.senders[0].run(0)

    def _count_all(self, worker: Worker) -> None:
        for _ in range(FETCHES_MAX):
            worker.run(MANY)
            if worker.has_read_all():
                return

    def is_settled(self) -> bool:
        """Whether everything that was asked for has come through to the end."""
        newest = self.cuts.newest
        return (
            all(wish.answer is not None for wish in self.ledger.wishes)
            and self.register.published == self.register.last
            and list(self.stored.positions) == self.register.last
            and newest is not None
            and list(newest.positions) == self.register.last
            and all(board.state.version == newest.version for board in self.boards)
            and not self.latches.open
        )
