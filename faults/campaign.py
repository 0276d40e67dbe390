"""Runs a campaign: starts the system and its load, injects faults in rounds, checks the invariants."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from faults.campaign_end import Observers, ShowProgress, check_invariants
from faults.campaign_plan import CampaignPlan
from faults.campaign_result import CampaignResult, Round
from faults.fault import Fault
from faults.fault_schedule import schedule
from faults.kinds.disk_and_maintenance_faults import operator_faults
from faults.kinds.fail_over_faults import fail_over_faults
from faults.kinds.network_faults import network_faults
from faults.kinds.notifier_faults import notifier_faults
from faults.kinds.outage_faults import outage_faults
from faults.kinds.process_faults import process_faults
from faults.kinds.store_faults import store_faults
from faults.kinds.topic_faults import topic_faults
from faults.observation.disk_writes_reader import log_position
from faults.observation.page_reader import PageReader
from faults.observation.recovery_probe import RecoveryProbe
from faults.observation.stream_viewer import StreamViewer
from faults.running_system.client_load import ClientLoad, run_load
from faults.running_system.system_under_test import SystemUnderTest, start_system
from tests.support.background_task import background_task
from tests.support.process_clock import LIBRARY


async def run_campaign(plan: CampaignPlan, folder: Path, show_progress: ShowProgress) -> CampaignResult:
    """Start the system, inject faults until the plan's time is over, and check the invariants."""
    began_at = time.monotonic()
    async with start_system(folder, plan.brokers, plan.planted, plan.long_outage_s) as system:
        started_s = time.monotonic() - began_at
        show_progress(
            f"started in {started_s:.0f} s: {plan.brokers} broker(s), PostgreSQL, {', '.join(system.names)}"
        )
        log_start = await log_position(system)
        probe, viewer, pages = RecoveryProbe(system), StreamViewer(system), PageReader(system)
        async with (
            background_task(probe.run()),
            background_task(viewer.run()),
            background_task(pages.run()),
            run_load(system, plan.rate_per_s, plan.import_rows, plan.import_every_s) as load,
        ):
            rounds = await _inject_faults(system, plan, probe, load, show_progress)
            observers = Observers(probe, viewer, pages, load, log_start)
            invariants, events = await check_invariants(system, observers, plan, rounds, show_progress)
            not_tried = list(_not_tried(system))
    return CampaignResult(plan, rounds, invariants, events, time.monotonic() - began_at, not_tried)


def _not_tried(system: SystemUnderTest) -> Iterator[str]:
    if system.disk is None:
        yield "a full disk, because this machine does not allow mounting a filesystem"
    if LIBRARY is None:
        yield "wrong clocks, because libfaketime is not installed"
    if len(system.cluster.brokers) == 1:
        yield "moved leaders, because there is one broker"
    else:
        yield (
            "restoring an older copy of Kafka, which the short campaign does: "
            "running clients survive it only with one broker"
        )


async def _inject_faults(
    system: SystemUnderTest,
    plan: CampaignPlan,
    probe: RecoveryProbe,
    load: ClientLoad,
    show_progress: ShowProgress,
) -> list[Round]:
    ends_at = time.monotonic() + plan.seconds
    rounds: list[Round] = []
    scheduled = schedule(plan, _possible_faults(system), random.Random(plan.seed))
    rng = random.Random(plan.seed + 1)
    while time.monotonic() < ends_at and len(rounds) < (plan.rounds_max or 1_000_000):
        rounds.append(await _run_round(system, next(scheduled), probe, plan, rng))
        last = rounds[-1]
        kills = sum(fault_round.kills for fault_round in rounds)
        recovered = "not recovered" if last.recovered_s is None else f"recovered in {last.recovered_s:.1f} s"
        for text in last.failed:
            show_progress(f"     {text}")
        show_progress(
            f"{len(rounds):3}  {last.name}: {recovered}; "
            f"{kills} kills, {load.answered:,} requests, {len(load.imported)} imports"
        )
    return rounds


def _possible_faults(system: SystemUnderTest) -> list[Fault]:
    """Return every fault that this system and this machine allow."""
    return [
        *process_faults(system.names),
        *store_faults(len(system.cluster.brokers)),
        *network_faults(),
        *notifier_faults(),
        *outage_faults(),
        *topic_faults(),
        *operator_faults(system),
        *fail_over_faults(system.names),
    ]


async def _run_round(
    system: SystemUnderTest,
    faults: tuple[Fault, ...],
    probe: RecoveryProbe,
    plan: CampaignPlan,
    rng: random.Random,
) -> Round:
    began_at = datetime.now(UTC)
    results = await asyncio.gather(*(fault.inject(system, rng) for fault in faults), return_exceptions=True)
    # A fault that could not be injected is reported at the end; the campaign continues.
    failed = [f"{type(error).__name__}: {error}" for error in results if isinstance(error, Exception)]
    kills = sum(killed for killed in results if isinstance(killed, int))
    recovered_s = await probe.time_to_recovery(plan.round_s_max)
    return Round(faults, kills, recovered_s, began_at, datetime.now(UTC), tuple(failed))
