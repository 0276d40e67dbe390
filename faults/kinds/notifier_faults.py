"""Faults around the notifier: a failing mail server, a hanging receiver, notifiers that are away or die."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from faults.fault import Fault, Inject
from faults.invariants.alerts import RISE_SCOPE, RISE_THRESHOLDS
from faults.running_system.faulty_mail_server import MailBehaviour
from faults.running_system.faulty_webhook_receiver import Behaviour
from faults.running_system.system_under_test import NOTIFIERS, SystemUnderTest
from simulator.seed.rows_matching_published_totals import CONSENT
from simulator.seed.synthetic_people import person
from tests.support.deadlines import until

MAIL_S: Final = 6.0
HANG_S: Final = 20.0
"""Longer than the bound of a delivery (10 s), which other channels must keep meanwhile."""
KILLS_EACH: Final = 2
ANSWERED_S_MAX: Final = 30.0
PUBLISHED_S_MAX: Final = 60.0
SEED: Final = 13
FIRST_PERSON: Final = 200_000_000
"""No client and no file of the campaign registers people with such numbers."""


def notifier_faults() -> Iterator[Fault]:
    """Yield every fault of the mail server, of the receiver for a long time, and of the notifiers."""
    for behaviour in MailBehaviour:
        if behaviour is not MailBehaviour.NORMAL:
            name = f"mail server {behaviour.value}"
            yield Fault(name, name, _mail_server(behaviour), frozenset({"mail server"}))
    yield Fault("receiver hangs for long", "receiver hangs for 20 s", hang_receiver, frozenset({"receiver"}))
    yield Fault(
        "notifier away while a count rises and falls",
        "notifier away while a count rises and falls",
        rise_and_fall_unseen,
        frozenset({"notifier", "api", "api proxy", "worker", "publisher", "relay", "board", "database"})
        | {"kafka"},
    )
    yield Fault(
        "several notifiers killed", "three notifiers killed in turn", _kill_in_turn, frozenset({"notifier"})
    )


def _mail_server(behaviour: MailBehaviour) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        system.mail_server.behaviour = behaviour
        await asyncio.sleep(MAIL_S)
        system.mail_server.behaviour = MailBehaviour.NORMAL
        return 0

    return inject


async def hang_receiver(system: SystemUnderTest, _: random.Random) -> int:
    """Let every webhook call hang for longer than other deliveries may take."""
    system.receiver.behaviour = Behaviour.HANG
    await asyncio.sleep(HANG_S)
    system.receiver.behaviour = Behaviour.NORMAL
    return 0


async def rise_and_fall_unseen(system: SystemUnderTest, _: random.Random) -> int:
    """While no notifier runs, register enough people for a milestone, then withdraw all of them.

    Each time more people than before, because a threshold is latched only once.
    """
    first = system.outsiders
    count = RISE_THRESHOLDS[system.rises]
    system.rises += 1
    async with system.stack.held_down("notifier"), _officer(system) as officer:
        system.outsiders += count
        participants = [await _register(officer, first + number) for number in range(count)]
        await _until_published(system, count)
        for participant in participants:
            await _post(officer, f"/v1/participants/{participant}/withdraw", {}, participant, revision=1)
        await _until_published(system, 0)
    return 1


@asynccontextmanager
async def _officer(system: SystemUnderTest) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {system.keys.officer}"}
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(system.url, headers=headers, timeout=timeout) as http:
        yield http


async def _register(officer: aiohttp.ClientSession, number: int) -> str:
    applicant = person(FIRST_PERSON + number, SEED)
    body = {
        "name": applicant.name,
        "nik": applicant.nik,
        "phone": applicant.phone,
        "region": "31.71.01.1001",
        "campaign": RISE_SCOPE.partition(":")[2],
        "consent": CONSENT,
    }
    answer = await _post(officer, "/v1/participants", body, f"rise-{number}")
    return str(answer["participant_id"])


async def _post(
    officer: aiohttp.ClientSession,
    path: str,
    body: dict[str, str],
    key: str,
    revision: int | None = None,
) -> dict[str, object]:
    headers = {"Idempotency-Key": f"{key}-{revision or 0}"}
    if revision is not None:
        headers["If-Match"] = str(revision)

    async def answer() -> dict[str, object]:
        try:
            async with officer.post(path, json=body, headers=headers) as response:
                content: dict[str, object] = await response.json()
                assert response.status in (200, 201), f"{path} was answered {response.status}: {content}"
                return content
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AssertionError(f"{path} was not answered") from error

    return await until(answer, ANSWERED_S_MAX, every_s=0.5, name=f"{path} is accepted")


async def _until_published(system: SystemUnderTest, count: int) -> None:
    """Wait until the boards show this count of the campaign."""
    url = f"{system.stack.url('board')}/v1/counts?scope={RISE_SCOPE}&level=province"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:

        async def is_shown() -> bool:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(url) as response:
                    if response.status != 200:  # the scope is unknown before its first count
                        return False
                    rows = (await response.json())["rows"]
                    return bool(rows and rows[0]["counts"].get("registered", 0) == count)
            return False

        await until(is_shown, PUBLISHED_S_MAX, name=f"the board shows {count} in {RISE_SCOPE}")


async def _kill_in_turn(system: SystemUnderTest, rng: random.Random) -> int:
    """Run three notifiers, and kill one after the other, so that each takes over from another."""
    stack, extra = system.stack, NOTIFIERS[1:]
    for name in extra:
        await stack.start(name, env=system.settings(name), wait=False)
    for name in NOTIFIERS * KILLS_EACH:
        await asyncio.sleep(rng.uniform(1, 4))
        stack.kill(name)
        if name in extra:
            await stack.start(name, env=system.settings(name), wait=False)
    for name in extra:
        stack.kill(name)
    return len(NOTIFIERS) * KILLS_EACH + len(extra)
