"""Where a request becomes an operation and its answer: checks bodies, limits the public, builds commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Final
from uuid import UUID

import msgspec

from registration import metrics
from registration.api import problem_responses
from registration.api.rate_limit import TokenBuckets, network_of
from registration.auth.api_keys import Caller
from registration.cipher import Cipher
from registration.domain.commands import Command
from registration.domain.operation import Answer, Operation
from registration.intake.group_commit import OverloadedError
from registration.requests import commands
from registration.requests.body_validator import BodyValidator
from registration.requests.commands import ChangeBody
from registration.requests.request_models import RegisterBody

REGISTER_ROUTE: Final = "register"


class ReceivedRequest(msgspec.Struct, frozen=True):
    """What came with a body: who sent it from where, its key, and all that tells it apart."""

    caller: Caller
    address: str
    key: str
    body: bytes
    path: str
    if_match: int | None = None
    traceparent: str | None = None


class PublicLimits(msgspec.Struct, frozen=True):
    """The limits of those without a key."""

    per_address: TokenBuckets
    per_nik: TokenBuckets


class RequestHandler:
    """The register's counter: everything that comes in over HTTP passes here."""

    def __init__(
        self,
        submit: Callable[[Operation], Awaitable[Answer]],
        checker: BodyValidator,
        cipher: Cipher,
        public: PublicLimits,
        new_id: Callable[[], UUID],
    ) -> None:
        self._submit = submit
        self._checker = checker
        self._cipher = cipher
        self._public = public
        self._new_id = new_id

    async def register(self, sent: ReceivedRequest) -> Answer:
        """Register a person. Raises Problem."""
        self.admit(sent)
        body = await self._checker.read(RegisterBody, sent.body)
        return await self.take(body, sent)

    def admit(self, sent: ReceivedRequest) -> None:
        """Count an attempt of those without a key. Raises Problem 429."""
        if sent.caller.role is None:
            self.limit_address(sent.address)

    async def take(self, body: RegisterBody, sent: ReceivedRequest) -> Answer:
        """Register a person whose body is checked, and whose address is within its limit. Raises Problem."""
        command = commands.register_command(body, self._cipher, sent.caller.channel, self._new_id)
        if sent.caller.role is None:
            assert command.person.nik_hmac is not None, "nobody registers without a NIK"
            self._limit(self._public.per_nik, command.person.nik_hmac[:16], "nik")
        return await self._put(REGISTER_ROUTE, command, sent)

    async def change(
        self, route: str, model: type[ChangeBody], participant_id: UUID, sent: ReceivedRequest
    ) -> Answer:
        """Change a known participant. Raises Problem."""
        body = await self._checker.read(model, sent.body or b"{}")
        command = commands.change_command(body, participant_id, sent.if_match, self._cipher)
        return await self._put(route, command, sent)

    def limit_address(self, address: str) -> None:
        """Count an attempt of the public. Raises Problem 429."""
        self._limit(self._public.per_address, network_of(address), "address")

    def fingerprint(self, sent: ReceivedRequest) -> bytes:
        """What tells whether a second request under a key is the same one."""
        expected = b"" if sent.if_match is None else str(sent.if_match).encode()
        return self._cipher.body_hmac(sent.path.encode(), expected, sent.body)

    async def _put(self, route: str, command: Command, sent: ReceivedRequest) -> Answer:
        operation = Operation(
            caller=sent.caller.id,
            route=route,
            key=sent.key,
            body_hmac=self.fingerprint(sent),
            command=command,
            channel=sent.caller.channel,
            traceparent=sent.traceparent,
        )
        try:
            answer = await self._submit(operation)
        except OverloadedError as error:
            metrics.OPERATIONS.labels(route, error.reason.value).inc()
            raise problem_responses.overloaded(error) from None
        metrics.OPERATIONS.labels(route, "replayed" if answer.replayed else answer.outcome).inc()
        return answer

    @staticmethod
    def _limit(buckets: TokenBuckets, key: Hashable, limit: str) -> None:
        wait_s = buckets.take(key)
        if wait_s:
            metrics.LIMITED.labels(limit).inc()
            raise problem_responses.limited(wait_s)
