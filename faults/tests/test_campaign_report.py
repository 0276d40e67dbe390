"""The report counts faults by kind, and states a failure rate only for invariants that held."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from faults.campaign_plan import CampaignPlan
from faults.campaign_report import as_json, as_markdown, violation_lines
from faults.campaign_result import CampaignResult, Round
from faults.fault import Fault
from faults.invariant_result import InvariantResult

PLAN = CampaignPlan(seconds=1, brokers=1, rate_per_s=1, import_rows=1, import_every_s=1, seed=7)


async def _nothing(*_: object) -> int:
    return 0


def _fault(kind: str, name: str) -> Fault:
    return Fault(kind, name, _nothing)


AT = datetime(2021, 10, 24, tzinfo=UTC)
KILL, STOP = _fault("kill -9", "kill -9 relay"), _fault("SIGSTOP", "SIGSTOP worker")


def _round(recovered_s: float | None, *faults: Fault) -> Round:
    return Round(faults, 1, recovered_s, AT, AT)


def _result(*rounds: Round, violations: tuple[str, ...] = ()) -> CampaignResult:
    results = [InvariantResult(3, "counts are correct", 300, [], list(violations))]
    return CampaignResult(PLAN, list(rounds), results, 10, 60.0, ["wrong clocks"])


def test_a_pair_counts_for_both_kinds_but_its_recovery_time_for_neither() -> None:
    report = as_json(_result(_round(2.0, KILL), _round(9.0, KILL, STOP), _round(4.0, KILL)))

    assert report["faults"] == [
        _kind("SIGSTOP", 1, 0, None, None),
        _kind("kill -9", 3, 2, 3.0, 4.0),
        _kind("two faults at once", 1, 1, 9.0, 9.0),
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


def test_a_round_without_recovery_is_reported_also_as_json() -> None:
    result = _result(_round(None, KILL))

    assert json.loads(json.dumps(as_json(result), allow_nan=False))["faults"][0]["not_recovered"] == 1
    assert "| kill -9 | 1 | 1 | – | –, 1 not recovered |" in as_markdown(result)


def test_the_failure_rate_is_below_3_by_n_only_without_violations() -> None:
    correct, violated = _result(), _result(violations=("region 31 is 2, must be 1",))

    assert as_json(correct)["invariants"][0]["failure_rate_below"] == 0.01
    assert "| 3 | counts are correct | 300 | 0 | 1.0e-02 |" in as_markdown(correct)
    assert as_json(violated)["invariants"][0]["failure_rate_below"] is None
    assert violation_lines(violated) == ["3: region 31 is 2, must be 1"]
