"""People at the booths with a ledger of what they asked and were told, and the processes that answer them."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from registration.domain.commands import (
    Command,
    CompleteStepsCommand,
    MergeCommand,
    MoveCommand,
    WithdrawCommand,
)
from registration.domain.commands import RegisterCommand as RegisterPerson
from registration.domain.operation import Answer, Operation, Outcome
from registration.domain.participant import Participant, Person, Standing
from tests.model.interruption_points import ByHand, CutError, Process
from tests.model.register import Register, Transaction

PEOPLE = 5
REGIONS = ("31.71.01.1001", "31.71.02.1001", "31.74.04.1002")


@dataclass(eq=False)
class Wish:
    """What somebody asked for, under which key; the answer is None while it is unknown."""

    operation: Operation
    answer: Outcome | None = None
    asked: bool = False
    """Whether somebody waits for an answer now."""


class Ledger:
    """Every wish and what was told of it; it outlives all processes."""

    def __init__(self, register: Register) -> None:
        self.wishes: list[Wish] = []
        self.told = 0
        """How many answers came."""
        self._register = register

    @property
    def unknown(self) -> list[Wish]:
        """The wishes to be asked again: they were asked, and no answer came."""
        return [wish for wish in self.wishes if wish.answer is None and not wish.asked]

    def next_wish(self, what: int) -> Wish:
        """A new wish, or the oldest without an answer once more."""
        unknown = self.unknown
        if unknown and what & 0x80:
            return unknown[0]
        key = f"wish-{len(self.wishes)}"
        command = self._command(what)
        operation = Operation("key:booth", "/v1/participants", key, key.encode(), command, "booth", key)
        wish = Wish(operation)
        self.wishes.append(wish)
        return wish

    def _command(self, what: int) -> Command:
        person = _person(what % PEOPLE)
        assert person.nik_hmac is not None, "people here have a NIK"
        region = REGIONS[(what >> 3) % len(REGIONS)]
        known = self._register.of_person(person.nik_hmac)
        if known is not None:
            match (what // PEOPLE) % 6:
                case 0 | 1:
                    return MoveCommand(id=known.id, region=region)
                case 2:
                    return CompleteStepsCommand(id=known.id, steps=("P2",))
                case 3:
                    return WithdrawCommand(id=known.id)
                case 4 if (other := self._other(known)) is not None:
                    return MergeCommand(id=known.id, into=other.id)
                case _:
                    pass
        campaign = "fest-2021" if what % PEOPLE == 0 else None
        # The last four bytes of an id choose its partition.
        new_id = UUID(int=(len(self.wishes) + 1) * 12 + what % 2)
        return RegisterPerson(new_id, Standing(region, None, campaign), person)

    def _other(self, known: Participant) -> Participant | None:
        others = (other for other in self._register.participants.values() if other.id != known.id)
        return next(others, None)


def _person(number: int) -> Person:
    return Person(
        nik_hmac=b"%d" % number,
        nik_cipher=b"",
        phone_cipher=None,
        cipher_key_id="k",
        name=None,
        business=None,
        consent="2026-01",
        channel="booth",
    )


class Api(Process):
    """Writes one wish after another, each in a transaction of its own."""

    def __init__(self, register: Register, ledger: Ledger) -> None:
        super().__init__(ByHand())
        self._register = register
        self._ledger = ledger
        self.wish: Wish | None = None

    def begin_anew(self) -> None:
        """Whoever waited for an answer knows nothing now."""
        if self.wish is not None:
            self.wish.asked = False
        self.wish = None

    def work(self, what: int) -> Coroutine[Any, Any, None]:
        return self._work(what)

    async def _work(self, what: int) -> None:
        wish = self.wish = self._ledger.next_wish(what)
        wish.asked = True
        answer = await self._answer(wish)
        self.tell(wish, answer)
        self.wish = None

    def tell(self, wish: Wish, answer: Answer) -> None:
        """The answer is with the one who asked."""
        wish.answer, wish.asked = answer.outcome, False
        self._ledger.told += 1

    async def _answer(self, wish: Wish) -> Answer:
        operation = wish.operation
        while True:
            try:
                return await self._write(wish, operation)
            except CutError:
                # Committed or not: the row of its key tells.
                operation = self.again(operation)
                await self._patiently()

    def again(self, operation: Operation) -> Operation:
        """What is written after a failure."""
        return operation

    async def _patiently(self) -> None:
        try:
            await self.driver.here()
        except CutError:
            return

    async def _write(self, wish: Wish, operation: Operation) -> Answer:
        await self.driver.here()
        transaction = self._register.begin(operation)
        while transaction is None:
            await self.driver.here()
            transaction = self._register.begin(operation)
        try:
            await self.decided(wish, transaction)
            transaction.commit()
        finally:
            transaction.end()
        await self.driver.here()
        return transaction.answer

    async def decided(self, _wish: Wish, _transaction: Transaction) -> None:
        """Everything is written, nothing committed."""
        await self.driver.here()


def untold(operation: Operation) -> Operation:
    """The same operation under a key that nobody has used."""
    return msgspec.structs.replace(operation, key=f"attempt:{operation.key}")
