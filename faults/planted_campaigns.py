"""The negative controls of the campaign: for each planted bug, a short campaign that must find it."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import asyncpg

from faults.campaign import run_campaign
from faults.campaign_end import ShowProgress
from faults.campaign_plan import CampaignPlan
from faults.campaign_result import CampaignResult
from faults.fault import Fault
from faults.kinds.fail_over_faults import fail_over_synchronously
from faults.kinds.notifier_faults import hang_receiver, rise_and_fall_unseen
from faults.kinds.outage_faults import recover_without_relay, workers_away
from faults.kinds.process_faults import clocks_ahead, crash, kill, suspend
from faults.kinds.store_faults import cut_at_commit, rewind_relay, truncate_topic
from faults.kinds.topic_faults import quarantine_events
from faults.planted import bugs, figure_bugs
from faults.planted.bug import PlantedBug
from faults.running_system.system_under_test import SystemUnderTest
from tests.support.commit_proxy import CommitCut
from tests.support.deadlines import until

ATTEMPTS_MAX: Final = 3
ROUND_S_MAX: Final = 15.0
SETTLED_S_MAX: Final = 60.0
"""Long enough that a slow machine is not mistaken for a bug."""
SUSPENDED_S: Final = 5.0
"""Longer than a lease (3 s)."""
QUARANTINED_S: Final = 90.0
"""Longer than the age of an audit that the page may show."""
WORKERS_AWAY_S: Final = 45.0
"""The relay inspects a stalled partition after 10 s, and again 20 s later."""
MINUTE_S_MAX: Final = 90.0
MINUTES: Final = "select count(*) from aggregator.kept_minute where scope = 'all' and published"


@dataclass(frozen=True)
class PlantedCampaign:
    """A short campaign: the bug that it must find, the faults that expose the bug, the number of rounds."""

    bug: PlantedBug
    script: tuple[Fault, ...]
    rounds: int
    is_planted: bool = True
    """If False, the campaign runs without the bug and must find no violation."""

    def plan(self, seed: int) -> CampaignPlan:
        """Return the plan of one attempt."""
        return CampaignPlan(
            seconds=120.0,
            brokers=1,
            rate_per_s=80.0,
            import_rows=2_000,
            import_every_s=5.0,
            seed=seed,
            rounds_max=self.rounds,
            script=self.script,
            planted=dict.fromkeys(self.bug.processes, self.bug.name) if self.is_planted else {},
            round_s_max=ROUND_S_MAX,
            settled_s_max=SETTLED_S_MAX,
        )


@dataclass(frozen=True)
class PlantedCampaignResult:
    """The result of the last attempt, with the number of attempts and the time that they took together."""

    campaign: PlantedCampaign
    result: CampaignResult
    attempts: int
    took_s: float

    @property
    def is_found(self) -> bool:
        """Whether the invariant that the bug breaks was violated."""
        return bool(self.result.invariant(self.campaign.bug.invariant).violations)

    @property
    def is_as_expected(self) -> bool:
        """Whether the planted bug was found; without the bug, whether the invariant held."""
        return self.is_found == self.campaign.is_planted


def _crashes(service: str, point: str, passes: int) -> Fault:
    return Fault("crash at failpoint", f"crash at {point}:{passes}", crash(service, point, passes))


def _suspends(name: str) -> Fault:
    return Fault("SIGSTOP", f"SIGSTOP {name}", suspend(name, SUSPENDED_S))


async def _wait_for_minute(system: SystemUnderTest, _: random.Random) -> int:
    """Break nothing, but wait until the next minute is published."""
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        before = await connection.fetchval(MINUTES)

        async def is_published() -> bool:
            return bool(await connection.fetchval(MINUTES) > before)

        await until(is_published, MINUTE_S_MAX, name="the next minute is published")
    finally:
        await connection.close()
    return 0


MINUTE: Final = Fault("no fault", "no fault for a minute", _wait_for_minute)
CAMPAIGNS: Final = (
    PlantedCampaign(bugs.ANSWERED_BEFORE_COMMIT, (_crashes("api", "api.before_commit", 20),), 3),
    PlantedCampaign(
        bugs.KEYLESS_RETRY,
        (
            Fault(
                "ambiguous commit",
                f"connection cut at COMMIT: {CommitCut.AFTER.value}",
                cut_at_commit(CommitCut.AFTER),
            ),
        ),
        2,
    ),
    PlantedCampaign(bugs.PLAIN_SEQUENCE, (_crashes("api", "api.before_commit", 20),), 1),
    PlantedCampaign(bugs.POSITION_OUTSIDE, (_crashes("worker", "worker.between_statements", 10),), 2),
    PlantedCampaign(bugs.STORED_POSITION, (Fault("events sent again", "relay rewound", rewind_relay),), 1),
    PlantedCampaign(bugs.PAST_GAPS, (Fault("topic truncated", "event topic truncated", truncate_topic),), 1),
    PlantedCampaign(
        bugs.NO_UNIQUE_LATCH,
        (
            Fault("kill -9", "kill -9 notifier", kill("notifier")),
            _crashes("notifier", "notifier.after_latch", 1),
        ),
        2,
    ),
    PlantedCampaign(bugs.TERM_IGNORED, (_suspends("publisher"), _suspends("publisher-2")), 4),
    PlantedCampaign(
        bugs.UNREPLICATED_EVENTS,
        (Fault("fail-over", "fail-over to a synchronous standby", fail_over_synchronously),),
        1,
    ),
    PlantedCampaign(
        figure_bugs.EMPTY_EPOCH,
        (Fault("recovery", "recovery while no relay runs", recover_without_relay),),
        1,
    ),
    PlantedCampaign(
        figure_bugs.NEWEST_CUT_ONLY,
        (Fault("notifier away", "notifier away while a count rises and falls", rise_and_fall_unseen),),
        1,
    ),
    PlantedCampaign(
        figure_bugs.WEBHOOKS_FIRST,
        (Fault("receiver hangs", "receiver hangs for 20 s", hang_receiver, frozenset({"receiver"})),),
        1,
    ),
    PlantedCampaign(
        figure_bugs.SILENT_AUDIT,
        (Fault("quarantine", "1,200 events quarantined", quarantine_events(QUARANTINED_S)),),
        1,
    ),
    PlantedCampaign(
        figure_bugs.COPIED_BACKLOG,
        (Fault("workers away", "workers away for 45 s", workers_away(WORKERS_AWAY_S)),),
        1,
    ),
    PlantedCampaign(figure_bugs.WRONG_MINUTES, (MINUTE,), 1),
    PlantedCampaign(
        figure_bugs.OWN_CLOCK,
        (MINUTE, Fault("clock ahead", "clocks of publisher three days ahead", clocks_ahead("publisher"))),
        2,
    ),
    PlantedCampaign(figure_bugs.FREQUENT_FULLS, (Fault("kill -9", "kill -9 worker", kill("worker")),), 3),
)


def select(name: str, *, planted: bool = True) -> list[PlantedCampaign]:
    """Return the campaign of the bug `name`, or all if it is `all`. With planted=False they plant no bug."""
    return [
        replace(campaign, is_planted=planted) for campaign in CAMPAIGNS if name in ("all", campaign.bug.name)
    ]


async def run_planted(
    campaign: PlantedCampaign, folder: Path, show_progress: ShowProgress
) -> PlantedCampaignResult:
    """Run the campaign until it finds the bug, each time with another seed, at most ATTEMPTS_MAX times.

    If no bug is planted, run it once.
    """
    took_s = 0.0
    bug = campaign.bug
    for attempt in range(1, ATTEMPTS_MAX + 1 if campaign.is_planted else 2):
        planted = f"planted in {', '.join(bug.processes)}" if campaign.is_planted else "not planted"
        show_progress(f"{bug.name}, {planted}, attempt {attempt}")
        attempt_folder = Path(tempfile.mkdtemp(prefix=f"{bug.name}-", dir=folder))
        attempt_folder.chmod(0o755)
        result = await run_campaign(campaign.plan(seed=attempt), attempt_folder / "system", show_progress)
        took_s += result.took_s
        planted_result = PlantedCampaignResult(campaign, result, attempt, took_s)
        if planted_result.is_found:
            break
    return planted_result


def as_markdown(results: Iterable[PlantedCampaignResult]) -> str:
    """Format a table of the bugs: the faults, the violated invariant, and its first violation."""
    lines = [
        "| planted bug | faults | violated invariant | first violation | duration |",
        "| --- | --- | --- | --- | --- |",
    ]
    for planted in results:
        invariant = planted.result.invariant(planted.campaign.bug.invariant)
        times = f"{len(invariant.violations)} times" if planted.is_found else "not violated"
        violated = f"{invariant.number}: {times}"
        if not planted.is_as_expected:
            violated = f"**{violated}**"
        first = invariant.violations[0] if invariant.violations else ""
        campaigns = "" if planted.attempts == 1 else f", {planted.attempts} campaigns"
        lines.append(
            f"| {planted.campaign.bug.name} | {_faults(planted)} | {violated} | {first} | "
            f"{planted.took_s:.0f} s{campaigns} |"
        )
    return "\n".join(lines)


def as_json(results: Iterable[PlantedCampaignResult]) -> list[dict[str, object]]:
    """Format the same table as JSON."""
    return [
        {
            "bug": planted.campaign.bug.name,
            "planted": planted.campaign.is_planted,
            "caught": planted.is_found,
            "invariant": planted.campaign.bug.invariant,
            "violations": len(planted.result.invariant(planted.campaign.bug.invariant).violations),
            "also_broken": [
                other.number
                for other in planted.result.invariants
                if other.violations and other.number != planted.campaign.bug.invariant
            ],
            "rounds": len(planted.result.rounds),
            "campaigns": planted.attempts,
            "took_s": round(planted.took_s),
        }
        for planted in results
    ]


def _faults(planted: PlantedCampaignResult) -> str:
    times = Counter(fault_round.name for fault_round in planted.result.rounds)
    return "; ".join(f"{name} × {count}" for name, count in times.items())
