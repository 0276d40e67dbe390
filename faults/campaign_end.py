"""The end of a campaign: waits until all work is done, reads the stored data, and checks every invariant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from faults.campaign_plan import CampaignPlan
from faults.campaign_result import Round
from faults.invariant_result import InvariantResult
from faults.invariants.alerts import check_alerts
from faults.invariants.counts import ExpectedCounts, check_counts
from faults.invariants.delivery_time import check_delivery_time
from faults.invariants.disk_writes import check_stored_volume
from faults.invariants.event_topic import check_topic
from faults.invariants.personal_data import check_personal_data
from faults.invariants.published_figures import Published, check_published_figures
from faults.invariants.recovery_time import RECOVERED_S_MAX, check_recovery_time
from faults.invariants.register import check_register
from faults.invariants.stream import check_stream
from faults.observation.arrivals import first_arrivals
from faults.observation.disk_writes_reader import count_records, read_stored_volume
from faults.observation.evidence import count_undelivered, read_database, read_topics
from faults.observation.page_reader import PageReader
from faults.observation.recovery_probe import RecoveryProbe
from faults.observation.stream_viewer import StreamViewer
from faults.running_system.client_load import ClientLoad
from faults.running_system.system_under_test import SystemUnderTest
from simulator.load.expected_state import expected_state
from simulator.load.ledger import read
from simulator.verify.delivery_check import deliveries

ShowProgress = Callable[[str], None]
IDLE_CHECKS: Final = 5


@dataclass(frozen=True)
class Observers:
    """The probe, the readers and the load, which observed the system while faults were injected."""

    probe: RecoveryProbe
    viewer: StreamViewer
    pages: PageReader
    load: ClientLoad
    log_start: int
    """The position of PostgreSQL's log before the load."""


async def check_invariants(
    system: SystemUnderTest,
    observers: Observers,
    plan: CampaignPlan,
    rounds: Sequence[Round],
    show_progress: ShowProgress,
) -> tuple[list[InvariantResult], int]:
    """Check the ten invariants; return their results and the number of events in the register."""
    load, probe, viewer = observers.load, observers.probe, observers.viewer
    last_s = await probe.time_to_recovery(RECOVERED_S_MAX)
    show_progress("settling: retrying unanswered requests, waiting for imports, counts and deliveries")
    await load.stop()
    retried = await load.settle()
    unfinished = await load.unfinished_imports(plan.settled_s_max)
    all_counted = await probe.all_counted(plan.settled_s_max)
    await _wait_until_delivered(system, plan.settled_s_max)
    show_progress("reading pages, register, topics, receipts and logs")
    # The pages are read before the topics, which then have every minute that a page shows.
    pages = await observers.pages.pages_at_end()
    database = await read_database(system)
    topics = await read_topics(system)
    expected = ExpectedCounts(database.values)
    expected_register = expected_state(read(load.session.path))
    counts, cuts = check_counts(database, expected, topics["region-counts"])
    mail, calls = system.stack.folder / "mail", system.stack.folder / "webhooks" / "calls.jsonl"
    arrived = deliveries(mail, calls)
    _, foreign = await count_records(system)
    volume = await read_stored_volume(system, len(database.events), cuts.full_pauses_s, observers.log_start)
    published = Published(observers.pages.samples, pages, arrived, foreign)
    results = [
        check_register(expected_register, retried, database, load.imported, unfinished, system.outsiders),
        check_topic(database, topics["participant-events"], system.removed),
        counts,
        check_alerts(database, expected.final, cuts.highest, arrived, system.receiver.redirected),
        check_stream(viewer.messages, viewer.connections, expected),
        check_recovery_time(rounds, last_s, all_counted),
        check_personal_data(topics, system.stack.folder),
        check_published_figures(database, topics, expected, cuts, published),
        check_delivery_time(database.alerts, first_arrivals(mail, calls), rounds),
        check_stored_volume(volume),
    ]
    return results, len(database.events)


async def _wait_until_delivered(system: SystemUnderTest, wait_s: float) -> None:
    """Wait until every message is delivered and no new message appears, but at most `wait_s`."""
    ends_at = time.monotonic() + wait_s
    idle = 0
    while idle < IDLE_CHECKS and time.monotonic() < ends_at:
        idle = idle + 1 if not await count_undelivered(system) else 0
        await asyncio.sleep(1)
