"""An older register comes back from a backup: nothing is mixed up, and one command makes all true again."""

from __future__ import annotations

import aiohttp
import asyncpg
import pytest

from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

LOST_PER_PARTITION = 2

# What a restore of a backup taken some events earlier leaves: the newest events of each partition are gone,
# with the participants and keys that came with them, and `published` is what it was then.
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


@pytest.mark.timeout(240)
async def test_an_older_register_is_refused_while_intake_goes_on_and_recover_makes_the_count_true(
    counting: Stack, database: Databases, crowd: Crowd, http: aiohttp.ClientSession
) -> None:
    async with Witness(counting, database) as witness:
        async with crowd:
            await until(lambda: len(crowd.accepted) > 150)
        await witness.sees_exactly(crowd.accepted)

    for process in ("api", "relay", "audit"):
        counting.kill(process)
    connection = await asyncpg.connect(database.registration)
    await connection.execute(RESTORE.format(lost=LOST_PER_PARTITION))
    await connection.close()
    await counting.start("api", "audit")
    await counting.start("relay", wait=False)
    async with http.get(f"{counting.url('api')}/health/ready") as answer:
        assert answer.status == 200

    await until(lambda: _says_refused(http, counting), deadline_s=20)
    async with Crowd([counting.url("api")], counting.keys["booth"], first=5_000) as later:
        await until(lambda: len(later.accepted) > 30)
    await counting.command("registration", "recover", "--yes")

    async with Witness(counting, database) as witness:
        kept = range(await witness.registered())
        assert len(crowd.accepted) - 12 * LOST_PER_PARTITION + len(later.accepted) == len(kept)
        await until(lambda: _total_is(witness, len(kept)), deadline_s=60, every_s=0.3)
        drifted = [violation for violation in witness.violations if "drift" in violation]
        assert not drifted, "counts of the former epoch were compared with the register"
    # Another one, who has not seen the higher, lost number: the one time a total goes down.
    async with Witness(counting, database) as witness:
        await witness.sees_exactly(kept)


async def _says_refused(http: aiohttp.ClientSession, stack: Stack) -> bool:
    """The relay is not ready, and its metric says why."""
    try:
        async with http.get(f"{stack.url('relay')}/health/ready") as answer:
            ready = answer.status == 200
        async with http.get(f"{stack.url('relay')}/metrics") as answer:
            lines = (await answer.text()).splitlines()
    except aiohttp.ClientConnectorError:  # it is starting
        return False
    return not ready and any(line.startswith("relay_refused") and line.endswith(" 1.0") for line in lines)


async def _total_is(witness: Witness, expected: int) -> bool:
    return await witness.total() == expected
