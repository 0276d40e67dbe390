"""Behind the proxy all services have one address, and replicas come and go without a lost request."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from yarl import URL

from tests.support.contract_documents import ROOT
from tests.support.deadlines import until
from tests.support.front_door import BACKEND_HEADER, SERVER_HEADER, open_front_door
from tests.support.postgres_server import Databases
from tests.support.registration_load import RegistrationClients, nik
from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.needs("haproxy")]

APIS = ("api", "api-2")
ENVIRONMENT = {
    "REGISTRATION_TRUSTED_PROXIES": "127.0.0.1",
    "REGISTRATION_STOP_ANNOUNCED_S": "5",
    "REGISTRATION_WAITED_S_MAX": "30",  # so that a busy machine causes no 503
}
ROUTE = re.compile(r"^\| `(?P<path>/[^`]*)` \| (?P<service>[a-z]+) \|", re.MULTILINE)
FOREIGN = {"Origin": "https://koran.example"}
REGISTERED = "select count(*) from participant where standing = 'registered'"


@asynccontextmanager
async def front_door(stack: Stack, folder: Path, **more: str) -> AsyncIterator[str]:
    """Start two API processes behind the proxy, and yield its address once it uses both."""
    await stack.start(*APIS, env=ENVIRONMENT | more)
    ports = {
        "registration-api": [stack.port(name) for name in APIS],
        "board": [stack.port("board")],
        "notifier": [stack.port("notifier")],
    }
    async with open_front_door(folder, ports) as url:
        await uses(url, *APIS)
        yield url


async def uses(url: str, *names: str) -> None:
    """Wait until the proxy sends requests to as many API processes as there are names."""
    seen: set[str] = set()

    async def all_answer() -> bool:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/v1/regions") as answer:
            if answer.status == 200:
                seen.add(answer.headers[SERVER_HEADER])
        return len(seen) == len(names)

    await until(all_answer, 60)


def person(number: int) -> dict[str, str]:
    return {"name": "Peserta Contoh", "nik": nik(number), "region": "31.71.01.1001", "consent": "2026-01"}


async def test_each_path_reaches_the_service_that_the_documentation_names(
    stack: Stack, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    routes = ROUTE.findall(page.partition("## Paths")[2].partition("## ")[0])
    assert len(routes) > 15

    async with front_door(stack, tmp_path) as url, aiohttp.ClientSession() as http:
        for path, service in routes:
            target = url + path.replace("…", "x")
            async with http.get(target, allow_redirects=False, headers=FOREIGN) as answer:
                assert answer.headers.get(BACKEND_HEADER, "none") == service, path
                is_readable = "Access-Control-Allow-Origin" in answer.headers
                assert not (service == "registration" and is_readable), "other origins may read the register"
            async with http.head(target, allow_redirects=False) as head:
                assert head.status == answer.status, path
        for path in ("/%6detrics", "/%68ealth/ready", "/metrics/", "/health"):
            async with http.get(URL(url + path, encoded=True)) as answer:
                assert answer.status == 404
                assert BACKEND_HEADER not in answer.headers


async def test_the_limit_of_an_address_holds_across_replicas_and_cannot_be_evaded(
    stack: Stack, tmp_path: Path
) -> None:
    async with front_door(stack, tmp_path, REGISTRATION_PUBLIC_PER_ADDRESS_PER_MINUTE="4") as url:
        statuses = [await register_without_a_key(url, number) for number in range(8)]
        status_elsewhere = await register_without_a_key(url, 9, source="127.0.0.2")

    assert Counter(statuses) == {201: 4, 429: 4}
    assert status_elsewhere == 201


async def register_without_a_key(url: str, number: int, source: str = "127.0.0.1") -> int:
    """Register from the address `source`, with headers that claim another address; return the status."""
    forged = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.post(f"{url}/v1/participants", json=person(number), headers=forged) as answer,
    ):
        return answer.status


async def test_a_replica_killed_under_load_leaves_no_client_with_an_error(
    stack: Stack, database: Databases, tmp_path: Path
) -> None:
    async with (
        front_door(stack, tmp_path) as url,
        RegistrationClients([url], stack.keys["booth"], per_s=100) as clients,
    ):
        await until(lambda: len(clients.accepted) > 50, 60)
        stack.kill("api-2")
        await until(lambda: len(clients.accepted) > 200, 60)
        await stack.start("api-2", env=ENVIRONMENT)
        await until(lambda: len(clients.accepted) > 300, 60)

    connection = await asyncpg.connect(**database.registration.asyncpg_options())
    registered = await connection.fetchval(REGISTERED)
    await connection.close()
    assert len(set(clients.accepted.values())) == len(clients.accepted) == registered


async def test_a_rolling_restart_loses_no_request_even_without_retries(stack: Stack, tmp_path: Path) -> None:
    async with (
        front_door(stack, tmp_path) as url,
        RegistrationClients([url], stack.keys["booth"], per_s=100, response_s_max=60.0) as clients,
    ):
        for name in APIS:
            await until(partial(accepted, clients, len(clients.accepted) + 50), 60)
            stack.kill(name, signal.SIGTERM)
            await until(partial(announces_its_stop, stack.url(name)))
            during_the_stop = len(clients.accepted)
            await stack.ended(name)
            await until(partial(accepted, clients, during_the_stop + 50), 60)
            await stack.start(name, env=ENVIRONMENT)
            await uses(url, *APIS)

    assert clients.repeated == 0


async def announces_its_stop(url: str) -> bool:
    """Whether the process reports not ready, but still accepts requests."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/health/ready") as answer:
            ready = answer.status == 200
        async with http.get(f"{url}/v1/regions") as answer:
            return answer.status == 200 and not ready


def accepted(clients: RegistrationClients, number: int) -> bool:
    return len(clients.accepted) >= number


async def test_an_address_has_a_bounded_number_of_connections(stack: Stack, tmp_path: Path) -> None:
    await stack.start("api")
    ports = {"registration-api": [stack.port("api")]}

    async with open_front_door(tmp_path, ports, connections_per_address_max=3) as url:
        address = URL(url)
        connections = [await asyncio.open_connection(address.host, address.port)]
        refused = 0
        for _ in range(4):
            try:
                connections.append(await asyncio.open_connection(address.host, address.port))
            except ConnectionResetError:
                refused += 1
        await until(lambda: refused + sum(is_closed(reader) for reader, _ in connections) >= 2)
        is_first_closed = is_closed(connections[0][0])
        for _, writer in connections:
            writer.close()

    assert not is_first_closed


def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the proxy has closed the connection, although it got no request."""
    return reader.at_eof() or reader.exception() is not None
