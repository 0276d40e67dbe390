"""Both drivers verify the certificate of a real server as the setting SSLMODE says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace

import asyncpg
import psycopg
import pytest

from database.address import DatabaseAddress, SslMode
from database.pool import UnusableDatabaseError, connect
from tests.support.tls_postgres_server import Authority, make_authority, serve_tls

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

TLS = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
REFUSALS = (ssl.SSLError, asyncpg.InvalidAuthorizationSpecificationError)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    """The authority of the servers, and another one."""
    folder = tmp_path_factory.mktemp("authorities")
    return make_authority(folder, "ours"), make_authority(folder, "other")


@pytest.fixture(scope="module")
def by_address(authorities: tuple[Authority, Authority]) -> Iterator[DatabaseAddress]:
    """A server whose certificate is for the address with which clients connect."""
    with serve_tls(authorities[0]) as address:
        yield address


@pytest.fixture(scope="module")
def by_name(authorities: tuple[Authority, Authority]) -> Iterator[DatabaseAddress]:
    """A server whose certificate is for another name than that with which clients connect."""
    with serve_tls(authorities[0], "db.example.org") as address:
        yield address


async def uses_tls(address: DatabaseAddress) -> bool:
    """Connect with both drivers, and return whether both connections use TLS."""
    pool = await connect(address, application_name="test", wait_s=0)
    by_asyncpg = await pool.fetchval(TLS)
    pool.terminate()
    with psycopg.connect(**address.libpq_options()) as connection:
        row = connection.execute(TLS).fetchone()
    return bool(by_asyncpg and row and row[0])


async def refuses(address: DatabaseAddress) -> bool:
    """Whether both drivers refuse to connect."""
    with pytest.raises((*REFUSALS, UnusableDatabaseError)):
        await connect(address, application_name="test", wait_s=0)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**address.libpq_options())
    return True


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_the_certificate_of_our_authority_is_accepted(
    by_address: DatabaseAddress, authorities: tuple[Authority, Authority], mode: SslMode
) -> None:
    ca = str(authorities[0].file) if mode != "require" else ""

    assert await uses_tls(replace(by_address, sslmode=mode, ca=ca))


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_the_certificate_of_another_authority_is_refused(
    by_address: DatabaseAddress, authorities: tuple[Authority, Authority], mode: SslMode
) -> None:
    assert await refuses(replace(by_address, sslmode=mode, ca=str(authorities[1].file)))


async def test_only_verify_full_refuses_another_name(
    by_name: DatabaseAddress, authorities: tuple[Authority, Authority]
) -> None:
    address = replace(by_name, ca=str(authorities[0].file))

    assert await uses_tls(replace(address, sslmode="verify-ca"))
    assert await refuses(replace(address, sslmode="verify-full"))


async def test_a_server_that_requires_tls_refuses_a_connection_without(by_address: DatabaseAddress) -> None:
    assert await refuses(by_address)


async def test_without_an_authority_file_the_systems_authorities_decide(by_address: DatabaseAddress) -> None:
    assert await refuses(replace(by_address, sslmode="verify-full"))
