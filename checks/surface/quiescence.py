"""Tells from the topics when all that was accepted is counted, published, audited and evaluated."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from checks.surface.record_normalization import Record
from checks.surface.running_system import until
from checks.surface.topic_reader import Journal

WAIT_S_MAX: Final = 60.0
STATE, CUTS, MINUTES, MILESTONES = "register-state", "region-counts", "region-minutes", "milestones"
Cell = tuple[str, str]


async def state_since(journal: Journal, since: datetime) -> dict[str, Any]:
    """The register's newest state, read after `since`."""

    async def state() -> dict[str, Any] | None:
        await journal.refresh()
        newest: dict[str, Any] | None = journal.newest(STATE)
        return newest if newest and datetime.fromisoformat(newest["time"]) > since else None

    found: dict[str, Any] | None = await until(state, WAIT_S_MAX, name=f"a state after {since}")
    assert found is not None
    return found


async def counted(journal: Journal, since: datetime, milestones: int) -> None:
    """Wait until all that was accepted before `since` is in a cut, and as many milestones are published."""

    async def it_is_counted() -> bool:
        await journal.refresh()
        _check_counted(journal, since)
        found = len(journal.records(MILESTONES))
        assert found == milestones, f"{found} of {milestones} milestones"
        return True

    await until(it_is_counted, WAIT_S_MAX)


async def at_rest(journal: Journal, since: datetime) -> None:
    """Wait until each topic shows all that was accepted before `since`: nothing more is to come."""

    async def everything_is_shown() -> bool:
        await journal.refresh()
        _check_counted(journal, since)
        _check_last_cut(journal)
        return True

    await until(everything_is_shown, WAIT_S_MAX, every_s=0.2)


def _check_counted(journal: Journal, since: datetime) -> None:
    state, cut = journal.newest(STATE), journal.newest(CUTS)
    assert state, "no state"
    assert cut, "no cut"
    assert datetime.fromisoformat(state["time"]) > since, "an old state"
    assert state["relay_alive"], "no relay"
    assert state["last_sequence"] == state["published"] == cut["positions"], f"{state} and {cut}"


def _check_last_cut(journal: Journal) -> None:
    """The last cut has a full, a heart-beat after it, an audit without drift, and all its minutes."""
    state, cut = journal.newest(STATE), journal.newest(CUTS)
    full = next(one for record in reversed(journal.records(CUTS)) if (one := record.json())["kind"] == "full")
    assert cut["kind"] == "change", "a full last"
    assert cut["cut"] == cut["base"] == full["cut"], "no heart-beat after a full"
    assert state["audit"], "no audit"
    assert state["audit"]["cut"] == f"{cut['term']}.{cut['cut']}", "an audit of an older cut"
    assert state["audit"]["drift"] == 0, f"drift: {state['audit']}"
    registered = {
        (scope, region): count for scope, region, measure, count in full["rows"] if measure == "registered"
    }
    assert _without_zeros(registered) == _without_zeros(growth(journal.records(MINUTES))), "minutes to come"


def growth(records: list[Record]) -> dict[Cell, int]:
    """How much each region of each scope grew over all minutes, by the newest record of each."""
    grown: dict[Cell, int] = {}
    for record in {record.key: record for record in records}.values():
        value = record.json()
        for region, count in value["rows"] if value else ():
            grown[value["scope"], region] = grown.get((value["scope"], region), 0) + count
    return grown


def _without_zeros(counts: dict[Cell, int]) -> dict[Cell, int]:
    return {cell: count for cell, count in counts.items() if count}
