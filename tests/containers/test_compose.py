"""With the unchanged docker-compose.yml in containers, counts stay exact while containers come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.support.containers import stand_ins
from tests.support.containers.compose import Compose
from tests.support.deadlines import until
from tests.support.ports import free_ports

pytestmark = [
    pytest.mark.containers,
    pytest.mark.needs("containers"),
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="module"),
]

PUBLISHED = ("WEB", "MAIL", "WEBHOOKS", "PROMETHEUS")
SCALED = {"registration-api": 4, "board": 2, "notifier": 2}
REGIONS = ("31.01.01.1001", "31.71.01.1001", "31.72.01.1001", "31.73.01.1005", "31.74.04.1002")
# Together below 1,000, so that one milestone is reached: every 500 registrations of the campaign are one.
FIRST, SECOND, THIRD, FOURTH, FIFTH = 260, 260, 80, 150, 150
CONCURRENT_MAX = 16
NOT_FINAL = (0, 502, 503, 504)
# Run in a container of the board: prints what its user is refused, then whether the database can be reached.
BOARD_ATTEMPTS = """
import asyncio, socket
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka.connection_fault import find_fault
from kafka.settings import KafkaSettings
from settings.loader import load

async def refusal(client, *use):
    try:
        await client.start()
        for attempt in use:
            await attempt()
    except Exception as error:
        print(type(error).__name__)
    finally:
        await client.stop()

async def main():
    kafka = load(KafkaSettings)
    producer = AIOKafkaProducer(**kafka.client_options())
    await refusal(producer, lambda: producer.send_and_wait("region-counts", b"forged"))
    await refusal(AIOKafkaConsumer("region-counts", **kafka.client_options(), group_id="aggregator"))
    print(await find_fault(kafka.model_copy(update={"sasl_username": "admin"})))
    try:
        socket.create_connection(("postgres", 5432), 5)
    except OSError as error:
        print("no database:", type(error).__name__)

asyncio.run(main())
"""


@dataclass
class ComposeProject:
    """The started project, its first API keys, and an HTTP client."""

    compose: Compose
    keys: dict[str, str]
    http: httpx.AsyncClient

    async def get(self, published: str, path: str) -> Any:
        """Return the JSON response to a GET request; `published` names the port in docker-compose.yml."""
        try:
            response = await self.http.get(self.compose.url(f"{published}_PUBLISHED_PORT") + path)
        except httpx.TransportError as error:
            raise AssertionError(f"{path} is not answered") from error
        assert response.status_code == 200, f"{path}: {response.status_code}"
        return response.json()

    async def register(self, numbers: range, *, repeated: bool = False) -> None:
        """Register one person for each number, several at once. Every registration must be accepted.

        If `repeated` is set, a request without a final response is repeated under its idempotency key.
        """
        gate = asyncio.Semaphore(CONCURRENT_MAX)

        async def register_one(number: int) -> None:
            async with gate:
                status = await self._post_person(number)
                while repeated and status in NOT_FINAL:
                    await asyncio.sleep(0.2)
                    status = await self._post_person(number)
            assert status == 201, status

        await asyncio.gather(*map(register_one, numbers))

    async def _post_person(self, number: int) -> int:
        """Return the status of the response; 0 if the connection ended before it."""
        headers = {
            "Authorization": f"Bearer {self.keys['BOOTH_KEY']}",
            "Idempotency-Key": f"person-{number}",
        }
        target = self.compose.url("WEB_PUBLISHED_PORT") + "/v1/participants"
        try:
            return (await self.http.post(target, json=person(number), headers=headers)).status_code
        except httpx.TransportError:
            return 0

    async def wait_for_count(self, expected: int, deadline_s: float) -> None:
        """Wait until the board shows exactly `expected` participants, is live, and has full coverage."""

        async def the_board_shows_them() -> bool:
            shown = await self.get("WEB", "/v1/counts?scope=all&level=province")
            registered = shown["rows"][0]["counts"]["registered"]
            assert registered <= expected, "the board shows more than were registered"
            return bool(registered == expected and shown["state"] == "live" and shown["coverage"] == 1.0)

        await until(the_board_shows_them, deadline_s, 0.2, f"the board shows {expected}, live")


def person(number: int) -> dict[str, str]:
    """Return a synthetic person. The NIK begins with region 31.99, which does not exist."""
    return {
        "name": f"Peserta {number}",
        "nik": f"319901410190{number:04d}",
        "region": REGIONS[number % len(REGIONS)],
        "agency": "ppkukm",
        "campaign": "fest-2021",
        "consent": "2026-01",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def project() -> AsyncIterator[ComposeProject]:
    variables = [f"{name}_PUBLISHED_PORT" for name in PUBLISHED]
    ports = dict(zip(variables, free_ports(len(variables)), strict=True))
    compose = Compose("jakpreneur-test", ports, SCALED)
    compose.down()
    stand_ins.build_all()
    compose.build()
    try:
        await compose.up()
        printed = compose.output("first-keys", "cat", "/var/lib/jakpreneur/keys.env")
        keys = dict(line.split("=", 1) for line in printed.split() if "_KEY=" in line)
        async with httpx.AsyncClient(timeout=30) as http:
            yield ComposeProject(compose, keys, http)
    finally:
        compose.down()


async def test_every_process_passes_its_own_health_check_and_is_scraped(project: ComposeProject) -> None:
    for name, service in project.compose.services.items():
        if "HEALTH_PORT" in service.get("environment", {}):
            await project.compose.healthy(name)

    async def all_scraped() -> bool:
        found = await project.get("PROMETHEUS", "/api/v1/targets?state=active")
        return {target["health"] for target in found["data"]["activeTargets"]} == {"up"}

    await until(all_scraped, 90, 0.5)


async def test_the_board_can_neither_write_counts_nor_be_another_user_nor_reach_the_database(
    project: ComposeProject,
) -> None:
    printed = await asyncio.to_thread(project.compose.output, "board", "python", "-c", BOARD_ATTEMPTS)

    write, group, login, database = [line for line in printed.splitlines() if not line.startswith("Topic ")]
    assert write == "TopicAuthorizationFailedError"
    assert group == "GroupAuthorizationFailedError"
    assert "refuses the password of the user admin" in login
    assert database == "no database: gaierror"


async def test_workers_count_with_the_compiled_decoder_and_their_image_has_no_compiler(
    project: ComposeProject,
) -> None:
    async def both_report_it() -> bool:
        found = await project.get("PROMETHEUS", "/api/v1/query?query=aggregator_decoder_info")
        decoders = [(row["metric"]["decoder"], row["metric"]["reason"]) for row in found["data"]["result"]]
        assert set(decoders) <= {("compiled", "built")}
        return len(decoders) == 2

    await until(both_report_it, 90, 0.5)
    compilers = project.compose.output(
        "aggregator-worker", "sh", "-c", "command -v cc gcc x86_64-linux-gnu-gcc || true"
    )
    assert compilers.strip() == ""


async def test_no_registration_is_lost_or_doubled_when_a_worker_is_killed(project: ComposeProject) -> None:
    await project.register(range(1, 1 + FIRST))
    await project.wait_for_count(FIRST, 120)

    registering = asyncio.create_task(project.register(range(1 + FIRST, 1 + FIRST + SECOND)))
    await asyncio.to_thread(project.compose.kill, "aggregator-worker")
    await registering

    await project.wait_for_count(FIRST + SECOND, 120)
    project.compose.start("aggregator-worker")
    await project.compose.healthy("aggregator-worker")
    await project.register(range(1 + FIRST + SECOND, 1 + FIRST + SECOND + THIRD))
    await project.wait_for_count(FIRST + SECOND + THIRD, 120)


async def test_intake_replicas_that_are_killed_or_restarted_lose_no_registration(
    project: ComposeProject,
) -> None:
    before = FIRST + SECOND + THIRD

    registering = asyncio.create_task(project.register(range(1 + before, 1 + before + FOURTH), repeated=True))
    await asyncio.to_thread(project.compose.kill, "registration-api", 2)
    await registering
    project.compose.start("registration-api", 2)
    await project.compose.healthy("registration-api")
    restarting = asyncio.create_task(
        asyncio.to_thread(project.compose.restart_one_after_another, "registration-api")
    )
    first = 1 + before + FOURTH
    for number in range(first, first + FIFTH):
        await project.register(range(number, number + 1))
        await asyncio.sleep(0 if restarting.done() else 0.4)
    await restarting

    await project.wait_for_count(before + FOURTH + FIFTH, 120)


async def test_an_upload_is_imported_by_containers_that_write_only_to_their_volumes(
    project: ComposeProject,
) -> None:
    imports = project.compose.url("WEB_PUBLISHED_PORT") + "/v1/imports"
    headers = {"Authorization": f"Bearer {project.keys['OFFICER_KEY']}"}
    # All rows are rejected, so that the counts stay as they are.
    content = "name,nik,region,consent\n" + "Peserta,3199,31.71.01.1001,2026-01\n" * 3

    sent = await project.http.post(imports, content=content, headers=headers)

    async def it_is_imported() -> bool:
        status = (await project.http.get(f"{imports}/{sent.json()['id']}", headers=headers)).json()
        return bool(status["state"] == "done" and status["rejected"] == 3)

    assert sent.status_code == 202, sent.text
    await until(it_is_imported, 30, 0.2)


async def test_every_region_and_scope_is_counted_and_the_audit_finds_no_drift(
    project: ComposeProject,
) -> None:
    total = FIRST + SECOND + THIRD + FOURTH + FIFTH
    per_region = total // len(REGIONS)

    for scope in ("all", "agency:ppkukm", "campaign:fest-2021"):
        shown = await project.get("WEB", f"/v1/counts?scope={scope}&level=subdistrict")
        counts = {row["region"]: row["counts"].get("registered", 0) for row in shown["rows"]}
        assert {region: count for region, count in counts.items() if count} == dict.fromkeys(
            REGIONS, per_region
        )

    async def audited() -> bool:
        shown = await project.get("WEB", "/v1/counts?scope=all&level=province")
        assert shown["audit"] is None or shown["audit"]["drift"] == 0
        return bool(shown["audit"] and shown["audit"]["cut"] == shown["cut"])

    await until(audited, 90, 0.5)


async def test_a_milestone_reaches_mail_and_webhook_once(project: ComposeProject) -> None:
    async def mail_and_calls_arrived() -> bool:
        mails = await project.get("MAIL", "/api/v1/messages")
        calls = await project.get("WEBHOOKS", "/calls")
        recipients = [address["Address"] for mail in mails["messages"] for address in mail["To"]]
        assert recipients.count("gubernur@example.org") == 1, recipients
        assert len({call["webhook_id"] for call in calls}) == len(calls) > 0
        return all(call["verified"] for call in calls)

    await until(mail_and_calls_arrived, 90, 0.5)
