"""With the unchanged docker-compose.yml in containers, counts stay exact after a worker is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.free_ports import free_ports
from tests.support.containers import stand_ins
from tests.support.containers.compose import Compose
from tests.support.deadlines import until

pytestmark = [
    pytest.mark.containers,
    pytest.mark.needs("containers"),
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="module"),
]

PUBLISHED = ("REGISTRATION", "NOTIFIER", "BOARD", "MAIL", "WEBHOOKS", "PROMETHEUS")
REGIONS = ("31.01.01.1001", "31.71.01.1001", "31.72.01.1001", "31.73.01.1005", "31.74.04.1002")
FIRST, SECOND, THIRD = 260, 260, 80
CONCURRENT_MAX = 16


@dataclass
class ComposeProject:
    """The started project, its first API keys, and an HTTP client."""

    compose: Compose
    keys: dict[str, str]
    http: httpx.AsyncClient

    async def get(self, published: str, path: str) -> Any:
        """Return the JSON response to a GET request; `published` names the port in docker-compose.yml."""
        response = await self.http.get(self.compose.url(f"{published}_PUBLISHED_PORT") + path)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        return response.json()

    async def register(self, numbers: range) -> None:
        """Register one person for each number, several at once. Every registration must be accepted."""
        gate = asyncio.Semaphore(CONCURRENT_MAX)

        async def register_one(number: int) -> None:
            async with gate:
                response = await self.http.post(
                    self.compose.url("REGISTRATION_PUBLISHED_PORT") + "/v1/participants",
                    json=person(number),
                    headers={
                        "Authorization": f"Bearer {self.keys['BOOTH_KEY']}",
                        "Idempotency-Key": f"person-{number}",
                    },
                )
            assert response.status_code == 201, response.text

        await asyncio.gather(*map(register_one, numbers))

    async def wait_for_count(self, expected: int, deadline_s: float) -> None:
        """Wait until the board shows exactly `expected` participants, is live, and has full coverage."""

        async def the_board_shows_them() -> bool:
            shown = await self.get("BOARD", "/v1/counts?scope=all&level=province")
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
    compose = Compose("jakpreneur-test", ports)
    compose.down()
    stand_ins.build_all()
    compose.build()
    try:
        await compose.up()
        printed = compose.output("first-keys", "cat", "/var/lib/jakpreneur/keys.env")
        keys = dict(line.split("=", 1) for line in printed.split() if "_KEY=" in line)
        async with httpx.AsyncClient(timeout=20) as http:
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

    await until(all_scraped, 30, 0.5)


async def test_workers_count_with_the_compiled_decoder_and_their_image_has_no_compiler(
    project: ComposeProject,
) -> None:
    async def both_report_it() -> bool:
        found = await project.get("PROMETHEUS", "/api/v1/query?query=aggregator_decoder_info")
        decoders = [(row["metric"]["decoder"], row["metric"]["reason"]) for row in found["data"]["result"]]
        assert set(decoders) <= {("compiled", "built")}
        return len(decoders) == 2

    await until(both_report_it, 30, 0.5)
    compilers = project.compose.output(
        "worker-0", "sh", "-c", "command -v cc gcc x86_64-linux-gnu-gcc || true"
    )
    assert compilers.strip() == ""


async def test_no_registration_is_lost_or_doubled_when_a_worker_is_killed(project: ComposeProject) -> None:
    await project.register(range(1, 1 + FIRST))
    await project.wait_for_count(FIRST, 60)

    registering = asyncio.create_task(project.register(range(1 + FIRST, 1 + FIRST + SECOND)))
    await asyncio.to_thread(project.compose.kill, "worker-0")
    await registering

    await project.wait_for_count(FIRST + SECOND, 60)
    project.compose.start("worker-0")
    await project.compose.healthy("worker-0")
    await project.register(range(1 + FIRST + SECOND, 1 + FIRST + SECOND + THIRD))
    await project.wait_for_count(FIRST + SECOND + THIRD, 60)


async def test_every_region_and_scope_is_counted_and_the_audit_finds_no_drift(
    project: ComposeProject,
) -> None:
    total = FIRST + SECOND + THIRD
    per_region = total // len(REGIONS)

    for scope in ("all", "agency:ppkukm", "campaign:fest-2021"):
        shown = await project.get("BOARD", f"/v1/counts?scope={scope}&level=subdistrict")
        counts = {row["region"]: row["counts"].get("registered", 0) for row in shown["rows"]}
        assert {region: count for region, count in counts.items() if count} == dict.fromkeys(
            REGIONS, per_region
        )

    async def audited() -> bool:
        shown = await project.get("BOARD", "/v1/counts?scope=all&level=province")
        assert shown["audit"] is None or shown["audit"]["drift"] == 0
        return bool(shown["audit"] and shown["audit"]["cut"] == shown["cut"])

    await until(audited, 60, 0.5)


async def test_a_milestone_reaches_mail_and_webhook_once(project: ComposeProject) -> None:
    async def mail_and_calls_arrived() -> bool:
        mails = await project.get("MAIL", "/api/v1/messages")
        calls = await project.get("WEBHOOKS", "/calls")
        recipients = [address["Address"] for mail in mails["messages"] for address in mail["To"]]
        assert recipients.count("gubernur@example.org") == 1, recipients
        assert len({call["webhook_id"] for call in calls}) == len(calls) > 0
        return all(call["verified"] for call in calls)

    await until(mail_and_calls_arrived, 30, 0.5)
