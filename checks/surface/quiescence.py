"""Waits until the topics show that all accepted operations are counted, published, audited and evaluated."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from checks.surface.record_normalization import Record
from checks.surface.running_system import until
from checks.surface.topic_reader import TopicReader

WAIT_S_MAX: Final = 90.0
"""Longer than a minute, because growth is published at the end of each minute."""
STATE, CUTS, MINUTES, MILESTONES = "register-state", "region-counts", "region-minutes", "milestones"
Cell = tuple[str, str]


async def state_since(topics: TopicReader, since: datetime) -> dict[str, Any]:
    """Wait for the first register state that the audit read after `since`, and return it."""

    async def state() -> dict[str, Any] | None:
        await topics.refresh()
        newest: dict[str, Any] | None = topics.newest(STATE)
        return newest if newest and datetime.fromisoformat(newest["time"]) > since else None

    found: dict[str, Any] | None = await until(state, WAIT_S_MAX, name=f"a register state after {since}")
    assert found is not None
    return found


async def wait_counted(topics: TopicReader, since: datetime, milestones: int) -> None:
    """Wait until a cut includes all operations before `since`, and `milestones` milestones are published."""

    async def is_counted() -> bool:
        await topics.refresh()
        _check_counted(topics, since)
        found = sum(record.key != "rules" for record in topics.records(MILESTONES))
        assert found == milestones, f"{found} of {milestones} milestones"
        return True

    await until(is_counted, WAIT_S_MAX)


async def wait_quiescent(topics: TopicReader, since: datetime) -> None:
    """Wait until every topic includes all operations before `since`, so that no further change follows."""

    async def is_quiescent() -> bool:
        await topics.refresh()
        _check_counted(topics, since)
        _check_last_cut(topics)
        return True

    await until(is_quiescent, WAIT_S_MAX, every_s=0.2)


def _check_counted(topics: TopicReader, since: datetime) -> None:
    state, cut = topics.newest(STATE), topics.newest(CUTS)
    assert state, "no register state"
    assert cut, "no cut"
    assert datetime.fromisoformat(state["time"]) > since, "an old register state"
    assert state["relay_alive"], "the relay is not alive"
    assert state["last_sequence"] == state["published"] == cut["positions"], f"{state} and {cut}"


def _check_last_cut(topics: TopicReader) -> None:
    """Check that the last cut has a full record, then a heartbeat, an audit without drift, all minutes."""
    state, cut = topics.newest(STATE), topics.newest(CUTS)
    full = next(
        value for record in reversed(topics.records(CUTS)) if (value := record.json())["kind"] == "full"
    )
    assert cut["kind"] == "change", "the last record is a full"
    assert cut["cut"] == cut["base"] == full["cut"], "no heartbeat after the full"
    assert state["audit"], "no audit"
    assert state["audit"]["cut"] == f"{cut['term']}.{cut['cut']}", "an audit of an older cut"
    assert state["audit"]["drift"] == 0, f"drift: {state['audit']}"
    live = _live(full["rows"])
    assert _without_zeros(live) == _without_zeros(growth(topics.records(MINUTES))), "minutes are missing"


def _live(rows: list[tuple[str, str, str, int]]) -> dict[Cell, int]:
    """Return the live participants by scope and region: the registered without the stock."""
    live: dict[Cell, int] = {}
    for scope, region, measure, count in rows:
        signed = {"registered": count, "stock": -count}.get(measure, 0)
        live[scope, region] = live.get((scope, region), 0) + signed
    return live


def growth(records: list[Record]) -> dict[Cell, int]:
    """Return the sum over all minutes by scope and region, from the newest record of each record key."""
    sums: dict[Cell, int] = {}
    for record in {record.key: record for record in records}.values():
        value = record.json()
        for region, count in value["rows"] if value else ():
            sums[value["scope"], region] = sums.get((value["scope"], region), 0) + count
    return sums


def _without_zeros(counts: dict[Cell, int]) -> dict[Cell, int]:
    return {cell: count for cell, count in counts.items() if count}
