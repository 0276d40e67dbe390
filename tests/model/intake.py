"""The model's API processes, and a ledger of the requests that they got and the answers that they gave."""

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
    RegisterCommand,
    WithdrawCommand,
)
from registration.domain.idempotent_operation import Answer, Operation, Outcome
from registration.domain.participant import Participant, Person, Standing
from tests.model.process_driver import CoroutineDriver, InjectedFailureError, Process
from tests.model.register import Register, Transaction

PEOPLE = 5
REGIONS = ("31.71.01.1001", "31.71.02.1001", "31.74.04.1002")


@dataclass(eq=False)
class Request:
    """A request with its idempotency key and its answer. The answer is None until the client has got it."""

    operation: Operation
    answer: Outcome | None = None
    is_pending: bool = False
    """Whether a client is waiting for the answer."""


class Ledger:
    """All requests with their answers. The ledger survives the death of every process."""

    def __init__(self, register: Register) -> None:
        self.requests: list[Request] = []
        self.answered = 0
        """The number of answers given."""
        self._register = register

    @property
    def unknown(self) -> list[Request]:
        """The requests that were sent and got no answer, so that they must be retried."""
        return [request for request in self.requests if request.answer is None and not request.is_pending]

    def next_request(self, choice: int) -> Request:
        """Return a new request, or the oldest unanswered request as a retry."""
        unknown = self.unknown
        if unknown and choice & 0x80:
            return unknown[0]
        key = f"request-{len(self.requests)}"
        command = self._command(choice)
        operation = Operation("key:booth", "/v1/participants", key, key.encode(), command, "booth", key)
        request = Request(operation)
        self.requests.append(request)
        return request

    def _command(self, choice: int) -> Command:
        person = _person(choice % PEOPLE)
        assert person.nik_hmac is not None, "every person in the model has a NIK"
        region = REGIONS[(choice >> 3) % len(REGIONS)]
        known = self._register.find_by_nik(person.nik_hmac)
        if known is not None:
            match (choice // PEOPLE) % 6:
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
        campaign = "fest-2021" if choice % PEOPLE == 0 else None
        # The last four bytes of an id determine its partition.
        new_id = UUID(int=(len(self.requests) + 1) * 12 + choice % 2)
        stock = (choice // PEOPLE) % 2 == 1
        return RegisterCommand(new_id, Standing(region, None, campaign, (), stock), person)

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
    """Executes one request after another, each in its own transaction."""

    def __init__(self, register: Register, ledger: Ledger) -> None:
        super().__init__(CoroutineDriver())
        self._register = register
        self._ledger = ledger
        self.request: Request | None = None

    def reset(self) -> None:
        """Lose the connection to the client, who then does not know the outcome of its request."""
        if self.request is not None:
            self.request.is_pending = False
        self.request = None

    def work(self, choice: int) -> Coroutine[Any, Any, None]:
        return self._work(choice)

    async def _work(self, choice: int) -> None:
        request = self.request = self._ledger.next_request(choice)
        request.is_pending = True
        answer = await self._answer(request)
        self.answer_request(request, answer)
        self.request = None

    def answer_request(self, request: Request, answer: Answer) -> None:
        """Give the answer to the client."""
        request.answer, request.is_pending = answer.outcome, False
        self._ledger.answered += 1

    async def _answer(self, request: Request) -> Answer:
        operation = request.operation
        while True:
            try:
                return await self._write(request, operation)
            except InjectedFailureError:
                # The commit may have happened. If so, the retry finds the answer under its idempotency key.
                operation = self.retried(operation)
                await self._wait()

    def retried(self, operation: Operation) -> Operation:
        """Return the operation to execute after a failure."""
        return operation

    async def _wait(self) -> None:
        try:
            await self.driver.interruption_point()
        except InjectedFailureError:
            return

    async def _write(self, request: Request, operation: Operation) -> Answer:
        await self.driver.interruption_point()
        transaction = self._register.begin(operation)
        while transaction is None:
            await self.driver.interruption_point()
            transaction = self._register.begin(operation)
        try:
            await self.before_commit(request, transaction)
            transaction.commit()
        finally:
            transaction.end()
        await self.driver.interruption_point()
        return transaction.answer

    async def before_commit(self, _request: Request, _transaction: Transaction) -> None:
        """Wait at the interruption point between the last statement and the commit."""
        await self.driver.interruption_point()


def with_new_key(operation: Operation) -> Operation:
    """Return the same operation with an unused idempotency key."""
    return msgspec.structs.replace(operation, key=f"attempt:{operation.key}")
