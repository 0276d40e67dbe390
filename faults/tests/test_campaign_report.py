"""The report counts each fault, keeps recoveries apart by kind, and claims no rate where something broke."""

from __future__ import annotations

import json

from faults.fault import Fault
from faults.invariant_result import Finding
from faults.campaign_report import as_json, as_markdown, complaints
from faults.campaign_result import Plan, Round, Verdict

PLAN = Plan(seconds=1, brokers=1, rate_per_s=1, import_rows=1, import_every_s=1, seed=7)


async def _nothing(*_: object) -> int:
    return 0


def _fault(kind: str, name: str) -> Fault:
    return Fault(kind, name, _nothing)


KILL, STOP = _fault("kill -9", "kill -9 relay"), _fault("SIGSTOP", "SIGSTOP worker")


def _verdict(*rounds: Round, violations: tuple[str, ...] = ()) -> Verdict:
    findings = [Finding(3, "counts are true", 300, [], list(violations))]
    return Verdict(PLAN, list(rounds), findings, 10, 60.0, ["wrong clocks"])


def test_a_pair_counts_for_both_kinds_and_its_recovery_for_neither() -> None:
    report = as_json(_verdict(Round((KILL,), 1, 2.0), Round((KILL, STOP), 1, 9.0), Round((KILL,), 1, 4.0)))

    assert report["faults"] == [
        _kind("SIGSTOP", 1, 0, None, None),
        _kind("kill -9", 3, 2, 3.0, 4.0),
        _kind("two at a time", 1, 1, 9.0, 9.0),
    ]
    assert report["tried"] == {"SIGSTOP worker": 1, "kill -9 relay": 3}
    assert report["kills"] == 3


def _kind(
    kind: str, times: int, kills: int, median: float | None, longest: float | None
) -> dict[str, object]:
    return {
        "kind": kind,
        "times": times,
        "kills": kills,
        "recovered_s_median": median,
        "recovered_s_max": longest,
        "not_recovered": 0,
    }


def test_a_round_that_never_recovered_is_told_and_is_still_json() -> None:
    verdict = _verdict(Round((KILL,), 1, None))

    assert json.loads(json.dumps(as_json(verdict), allow_nan=False))["faults"][0]["not_recovered"] == 1
    assert "| kill -9 | 1 | 1 | – | –, 1 not recovered |" in as_markdown(verdict)


def test_the_rate_below_is_three_by_n_and_only_where_nothing_broke() -> None:
    sound, broken = _verdict(), _verdict(violations=("31 is 2, the truth is 1",))

    assert as_json(sound)["invariants"][0]["failure_rate_below"] == 0.01
    assert "| 3 | counts are true | 300 | 0 | 1.0e-02 |" in as_markdown(sound)
    assert as_json(broken)["invariants"][0]["failure_rate_below"] is None
    assert complaints(broken) == ["3: 31 is 2, the truth is 1"]
