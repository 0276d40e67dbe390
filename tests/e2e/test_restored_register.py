"""The relay refuses to publish from a register that is older than its topic, until `recover` is run."""

from __future__ import annotations

import aiohttp
import asyncpg
import pytest

from deploy.local.one_shot_commands import CommandError
from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

LOST_PER_PARTITION = 2

# Simulates the restore of an older backup: removes the newest events of each partition with their
# participants and idempotency keys, and lowers `published`.
RESTORE = """
create temp table gone as
  select e.partition, e.sequence, e.participant_id
    from event e join partition p using (partition)
   where e.sequence > p.last_sequence - {lost};
delete from idempotency where participant_id in (select participant_id from gone);
delete from event e using gone g where e.partition = g.partition and e.sequence = g.sequence;
delete from participant where id in (select participant_id from gone);
update partition set last_sequence = greatest(last_sequence - {lost}, 0),
                     published = greatest(last_sequence - {lost}, 0);
"""


async def test_an_older_register_is_refused_until_recover_makes_the_count_correct(
    running_stack: Stack, database: Databases, clients: RegistrationClients, http: aiohttp.ClientSession
) -> None:
    async with BoardObserver(running_stack, database) as observer:
        async with clients:
            await until(lambda: len(clients.accepted) > 150)
        await observer.wait_for_exactly(clients.accepted)

    for process in ("api", "relay", "audit"):
        running_stack.kill(process)
    options = {**database.admin.asyncpg_options(), "server_settings": {"search_path": "registration"}}
    connection = await asyncpg.connect(**options)
    await connection.execute(RESTORE.format(lost=LOST_PER_PARTITION))
    await connection.close()
    await running_stack.start("api", "audit")
    await running_stack.start("relay", wait=False)
    async with http.get(f"{running_stack.url('api')}/health/ready") as response:
        assert response.status == 200

    await until(lambda: _relay_is_refused(http, running_stack), deadline_s=60)
    async with RegistrationClients(
        [running_stack.url("api")], running_stack.keys["booth"], first=5_000
    ) as later:
        await until(lambda: len(later.accepted) > 30)
    await running_stack.command("registration", "recover", "--yes")

    async with BoardObserver(running_stack, database) as observer:
        kept = range(await observer.registered())
        assert len(clients.accepted) - 12 * LOST_PER_PARTITION + len(later.accepted) == len(kept)
        await until(lambda: _total_is(observer, len(kept)), deadline_s=60, every_s=0.3)
        drifted = [violation for violation in observer.violations if "drift" in violation]
        assert not drifted, "counts of the former epoch were compared with the register"
    # Use a new observer, because an older one would report that the restore has lowered the total.
    async with BoardObserver(running_stack, database) as observer:
        await observer.wait_for_exactly(kept)


async def test_while_no_relay_runs_a_recovery_keeps_the_former_count(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await until(lambda: len(clients.accepted) > 150)
    await observer.wait_for_exactly(clients.accepted)
    running_stack.kill("relay")

    with pytest.raises(CommandError, match="Waiting for a relay: none runs"):
        await running_stack.command("registration", "recover", "--yes", "--wait-s", "8")
    running_stack.kill("publisher")
    await running_stack.start("publisher", "relay")

    # The observer reports every total below an earlier one.
    await observer.wait_for_exactly(clients.accepted, 60)


async def _relay_is_refused(http: aiohttp.ClientSession, stack: Stack) -> bool:
    """Return whether the relay is not ready and its metric `relay_refused` is 1."""
    try:
        async with http.get(f"{stack.url('relay')}/health/ready") as response:
            ready = response.status == 200
        async with http.get(f"{stack.url('relay')}/metrics") as response:
            lines = (await response.text()).splitlines()
    except aiohttp.ClientError:  # the relay is starting
        return False
    return not ready and any(line.startswith("relay_refused") and line.endswith(" 1.0") for line in lines)


async def _total_is(observer: BoardObserver, expected: int) -> bool:
    return await observer.total() == expected
