"""Runs the series of operations with the registration API and the aggregator's commands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaProducer

from checks.surface.operation_series import (
    EVERYBODY,
    MALFORMED,
    SKIPPED,
    Operation,
    Series,
    Step,
    import_file,
    nik,
)
from checks.surface.quiescence import WAIT_S_MAX, state_since, wait_counted, wait_quiescent
from checks.surface.record_normalization import partition_of
from checks.surface.running_system import READY_S_MAX, System, until

EVENTS = "participant-events"
UNREADABLE = b"this is no event"
TRACED_EVERY = 3


@dataclass(frozen=True)
class EventPosition:
    """The partition and sequence of an event in the register."""

    partition: int
    sequence: int

    def bad_event(self) -> bytes:
        """Return a record with this position that the aggregator cannot count."""
        return json.dumps({"partition": self.partition, "sequence": self.sequence, "data": "none"}).encode()


class OperationRunner:
    """Runs the series once. `ids` has the participants' ids; `answers` has a JSON line per operation."""

    def __init__(self, system: System, http: aiohttp.ClientSession) -> None:
        self._system = system
        self._stack = system.stack
        self._topics = system.topics
        self._api = system.stack.url("api")
        self._http = http
        self._milestones = 0
        self.ids: dict[int, str] = {}
        self.answers: list[str] = []

    async def run_all(self) -> None:
        """Run every step, then an import and its undo, then the events that are quarantined."""
        series = Series()
        for step in series.steps():
            await self._run_step(step)
        await self._import()
        await self._quarantine(series)
        self.ids |= {person: await self._find(person) for person in EVERYBODY}
        await wait_quiescent(self._topics, datetime.now(UTC))

    async def _run_step(self, step: Step) -> None:
        for operation in step.operations:
            await self._send(operation)
        self._milestones = step.milestones
        await self._wait_counted()

    async def _send(self, operation: Operation) -> None:
        """Send an operation twice with the same idempotency key; the second request changes nothing."""
        number = len(self.answers) + 1
        headers = {"Idempotency-Key": f"surface-{number}", **self._key(operation.role)}
        if number % TRACED_EVERY == 0:
            headers["traceparent"] = f"00-{number:032x}-{number:016x}-01"
        statuses = [await self._post(operation, headers) for _ in range(2)]
        self.answers.append(json.dumps({"operation": str(operation), "statuses": statuses}))

    async def _post(self, operation: Operation, headers: dict[str, str]) -> int:
        url, body = f"{self._api}/v1/participants", dict(operation.body)
        if operation.route != "register":
            url = f"{url}/{self.ids[operation.person]}/{operation.route}"
        if operation.into is not None:
            body["into"] = self.ids[operation.into]
        async with self._http.post(url, json=body, headers=headers) as answer:
            if answer.status == 201:
                self.ids[operation.person] = (await answer.json())["participant_id"]
            return answer.status

    async def _import(self) -> None:
        url, officer = f"{self._api}/v1/imports", self._key("officer")
        async with self._http.post(url, data=import_file(), headers=officer) as answer:
            answer.raise_for_status()
            url = f"{url}/{(await answer.json())['id']}"
        await self._wait_imported(url, "done")
        async with self._http.post(f"{url}/undo", headers=officer) as answer:
            answer.raise_for_status()
        await self._wait_imported(url, "undone")

    async def _wait_imported(self, url: str, state: str) -> None:
        async def is_in_state() -> bool:
            async with self._http.get(url, headers=self._key("officer")) as answer:
                return bool((await answer.json())["state"] == state)

        await until(is_in_state, WAIT_S_MAX, name=f"import {state}")
        await self._wait_counted()

    async def _quarantine(self, series: Series) -> None:
        """Quarantine three records: event 1, which is malformed and then applied, event 2, and no event.

        Event 1 and event 2 were not published by the relay when the test put other content in their place.
        """
        await self._stack.terminate("relay")
        registration = series.registration(MALFORMED)
        malformed = await self._register_unpublished(registration)
        skipped = await self._register_unpublished(series.registration(SKIPPED))
        await self._produce(malformed.partition, malformed.bad_event())
        await self._wait_quarantined("quarantined")
        await self._aggregator("skip", skipped)
        await self._wait_quarantined("quarantined", "skipped")
        await self._stack.start("relay", deadline_s=READY_S_MAX)
        await self._wait_counted()
        await self._aggregator(
            "quarantine apply", malformed, "--change", str(self._change_file(registration))
        )
        await self._wait_quarantined("applied", "skipped")
        await self._produce(0, UNREADABLE)
        await self._wait_quarantined("applied", "skipped", "quarantined")
        await self._wait_counted()

    async def _register_unpublished(self, operation: Operation) -> EventPosition:
        """Register a person while the relay is stopped; return the position of the event."""
        await self._send(operation)
        state = await state_since(self._topics, datetime.now(UTC))
        partition = partition_of(self.ids[operation.person])
        return EventPosition(partition, state["last_sequence"][partition])

    async def _produce(self, partition: int, value: bytes) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._system.bootstrap_servers)
        await producer.start()
        try:
            await producer.send_and_wait(EVENTS, value, partition=partition)
        finally:
            await producer.stop()

    async def _wait_quarantined(self, *states: str) -> None:
        """Wait until the records in quarantine have these states, oldest first."""

        async def is_listed() -> bool:
            listed = await self._stack.command("aggregator", "quarantine", "list", "--json")
            return tuple(json.loads(line)["state"] for line in listed.splitlines()) == states

        await until(is_listed, WAIT_S_MAX, name=f"quarantine lists {states}")

    async def _aggregator(self, command: str, position: EventPosition, *more: str) -> None:
        options = ("--partition", str(position.partition), "--sequence", str(position.sequence))
        await self._stack.command("aggregator", *command.split(), *options, "--reason", "surface", *more)

    def _change_file(self, registration: Operation) -> Path:
        """A file with the change that the malformed event should contain."""
        standing = {name: registration.body.get(name) for name in ("region", "agency", "campaign")}
        path = self._stack.folder / "change.json"
        path.write_text(json.dumps({"before": None, "after": {**standing, "steps": []}}))
        return path

    async def _find(self, person: int) -> str:
        url = f"{self._api}/v1/participants/lookup"
        async with self._http.post(url, json={"nik": nik(person)}, headers=self._key("officer")) as answer:
            answer.raise_for_status()
            return str((await answer.json())["participant_id"])

    async def _wait_counted(self) -> None:
        await wait_counted(self._topics, datetime.now(UTC), self._milestones)

    def _key(self, role: str | None) -> dict[str, str]:
        return {} if role is None else {"Authorization": f"Bearer {self._stack.keys[role]}"}
