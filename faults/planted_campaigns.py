"""The negative controls: a short campaign for each planted bug must find it, or campaigns prove nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from faults.campaign import run
from faults.fault import Fault
from faults.invariant_checks import Say
from faults.kinds.process_faults import crash, kill, stop
from faults.kinds.store_faults import cut_at_commit, set_back, truncate
from faults.planted import bugs
from faults.planted.bugs import Planted
from faults.campaign_result import Plan, Verdict
from tests.support.commit_proxy import Cut

ATTEMPTS_MAX: Final = 3
ROUND_S_MAX: Final = 15.0
SETTLED_S_MAX: Final = 60.0
"""A slow machine must not look like a bug: what goes on by itself is waited for."""
ASLEEP_S: Final = 5.0
"""Longer than a lease (3 s)."""


@dataclass(frozen=True)
class Hunt:
    """The faults that bring one bug to light, and how many of them in a row."""

    bug: Planted
    script: tuple[Fault, ...]
    rounds: int
    is_planted: bool = True
    """Without the bug the same campaign must find nothing: else it would find bugs that are not there."""

    def plan(self, seed: int) -> Plan:
        """The campaign."""
        return Plan(
            seconds=120.0,
            brokers=1,
            rate_per_s=80.0,
            import_rows=2_000,
            import_every_s=5.0,
            seed=seed,
            rounds=self.rounds,
            script=self.script,
            planted=dict.fromkeys(self.bug.processes, self.bug.name) if self.is_planted else {},
            round_s_max=ROUND_S_MAX,
            settled_s_max=SETTLED_S_MAX,
        )


@dataclass(frozen=True)
class Hunted:
    """How the hunt for one bug ended: the last campaign's verdict, and how many there were."""

    hunt: Hunt
    verdict: Verdict
    attempts: int
    took_s: float

    @property
    def is_caught(self) -> bool:
        """Whether the invariant that the bug breaks was found broken."""
        return bool(self.verdict.finding(self.hunt.bug.invariant).violations)

    @property
    def is_right(self) -> bool:
        """Whether it found just what there was to find."""
        return self.is_caught == self.hunt.is_planted


def _crashes(service: str, point: str, passes: int) -> Fault:
    return Fault("crash point", f"crash at {point}:{passes}", crash(service, point, passes))


def _sleeps(name: str) -> Fault:
    return Fault("SIGSTOP", f"SIGSTOP {name}", stop(name, ASLEEP_S))


HUNTS: Final = (
    Hunt(bugs.TOLD_BEFORE_COMMIT, (_crashes("api", "api.before_commit", 20),), 3),
    Hunt(
        bugs.KEYLESS_RETRY,
        (Fault("ambiguous commit", f"wire cut at COMMIT: {Cut.AFTER.value}", cut_at_commit(Cut.AFTER)),),
        2,
    ),
    Hunt(bugs.PLAIN_SEQUENCE, (_crashes("api", "api.before_commit", 20),), 1),
    Hunt(bugs.POSITION_OUTSIDE, (_crashes("worker", "worker.between_statements", 10),), 2),
    Hunt(bugs.STORED_POSITION, (Fault("events sent again", "relay set back", set_back),), 1),
    Hunt(bugs.PAST_GAPS, (Fault("topic truncated", "topic of events truncated", truncate),), 1),
    Hunt(
        bugs.NO_UNIQUE_LATCH,
        (
            Fault("kill -9", "kill -9 notifier", kill("notifier")),
            _crashes("notifier", "notifier.after_latch", 1),
        ),
        2,
    ),
    Hunt(bugs.TERM_IGNORED, (_sleeps("publisher"), _sleeps("publisher-2")), 4),
)


def chosen(name: str, *, planted: bool = True) -> list[Hunt]:
    """The hunt for the bug of this name; `all` of them."""
    return [replace(one, is_planted=planted) for one in HUNTS if name in ("all", one.bug.name)]


async def hunt(one: Hunt, folder: Path, say: Say) -> Hunted:
    """Campaign after campaign until the bug is caught, or there were ATTEMPTS_MAX."""
    took_s = 0.0
    for attempt in range(1, ATTEMPTS_MAX + 1 if one.is_planted else 2):
        planted = f"planted in {', '.join(one.bug.processes)}" if one.is_planted else "not planted"
        say(f"{one.bug.name}, {planted}, attempt {attempt}")
        # Campaigns differ by seed alone; each has a world of its own.
        world = Path(tempfile.mkdtemp(prefix=f"{one.bug.name}-", dir=folder))
        world.chmod(0o755)
        verdict = await run(one.plan(seed=attempt), world / "world", say)
        took_s += verdict.took_s
        hunted = Hunted(one, verdict, attempt, took_s)
        if hunted.is_caught:
            break
    return hunted


def as_markdown(hunted: Iterable[Hunted]) -> str:
    """A table of the bugs: the faults, the invariant that was found broken, and its first violation."""
    lines = ["| planted bug | faults | invariant broken | seen | took |", "| --- | --- | --- | --- | --- |"]
    for one in hunted:
        finding = one.verdict.finding(one.hunt.bug.invariant)
        times = f"{len(finding.violations)} times" if one.is_caught else "not broken"
        broken = f"{finding.number}: {times}" if one.is_right else f"**{finding.number}: {times}**"
        seen = finding.violations[0] if finding.violations else ""
        lines.append(
            f"| {one.hunt.bug.name} | {_faults(one)} | {broken} | {seen} | "
            f"{one.took_s:.0f} s{'' if one.attempts == 1 else f', {one.attempts} campaigns'} |"
        )
    return "\n".join(lines)


def as_json(hunted: Iterable[Hunted]) -> list[dict[str, object]]:
    """The same for a program."""
    return [
        {
            "bug": one.hunt.bug.name,
            "planted": one.hunt.is_planted,
            "caught": one.is_caught,
            "invariant": one.hunt.bug.invariant,
            "violations": len(one.verdict.finding(one.hunt.bug.invariant).violations),
            "also_broken": [
                each.number
                for each in one.verdict.findings
                if each.violations and each.number != one.hunt.bug.invariant
            ],
            "rounds": len(one.verdict.rounds),
            "campaigns": one.attempts,
            "took_s": round(one.took_s),
        }
        for one in hunted
    ]


def _faults(one: Hunted) -> str:
    return "; ".join(f"{name} × {count}" for name, count in _counted([r.name for r in one.verdict.rounds]))


def _counted(names: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, names.count(name)) for name in dict.fromkeys(names)]
