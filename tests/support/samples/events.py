"""Sample events for the aggregator's tests, and a simple, slow count to compare the results with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import TypeVar

import msgspec
from hypothesis import strategies as st

from aggregator.domain.event import BadEvent, Change, Event, OffsetEvent, QuarantineReason, Standing

K = TypeVar("K")

PARTITION = 3
REGIONS = ["31.71.01.1001", "31.71.01.1002", "31.74.04.1002", "31.74", "99.01.01.1001", ""]


def standing(
    region: str = "31.71.01.1001", agency: str | None = None, campaign: str | None = None, *steps: str
) -> Standing:
    return Standing(region, agency, campaign, steps)  # type: ignore[arg-type]  # steps are given as plain text


def event(sequence: int, after: Standing | None, before: Standing | None = None) -> Event:
    """Return an event of partition 3."""
    return Event(PARTITION, sequence, Change(before, after))


def with_offsets(*events: Event | BadEvent) -> list[OffsetEvent]:
    """Return the events with the offsets 100, 101, 102 …"""
    return [(100 + index, event) for index, event in enumerate(events)]


def in_order(events: list[Event]) -> list[OffsetEvent]:
    """Return the events with the sequences 1, 2, 3 … and the offsets 100, 101, 102 …"""
    return with_offsets(
        *[msgspec.structs.replace(event, sequence=number) for number, event in enumerate(events, 1)]
    )


standings = st.builds(
    Standing,
    region=st.sampled_from(REGIONS),
    agency=st.sampled_from([None, "ppkukm"]),
    campaign=st.sampled_from([None, "fest-2021"]),
    steps=st.sampled_from([(), ("P2",), ("P2", "P7")]),
    stock=st.booleans(),
)
good_events = st.builds(
    event,
    sequence=st.integers(1, 4),
    after=st.none() | standings,
    before=st.none() | standings,
)
bad_events = st.builds(
    BadEvent,
    partition=st.just(PARTITION),
    sequence=st.integers(1, 4),
    reason=st.just(QuarantineReason.MALFORMED),
)
batches = st.lists(good_events | bad_events, max_size=8).map(lambda events: with_offsets(*events))


def count_one_by_one(
    position: int, events: Iterable[OffsetEvent]
) -> tuple[int, Counter[tuple[str, str, str]], list[int]]:
    """Count one event at a time; return position, tallies and quarantined sequences."""
    tallies: Counter[tuple[str, str, str]] = Counter()
    quarantined = []
    for _, event in events:
        if event.sequence != position + 1:
            continue
        position += 1
        if isinstance(event, BadEvent):
            quarantined.append(event.sequence)
            continue
        for number, standing in ((1, event.data.after), (-1, event.data.before)):
            if standing is None:
                continue
            stock = ("stock",) if standing.stock else ()
            measures = ("registered", *stock, *(f"step:{step}" for step in standing.steps))
            for scope, region, measure in product(scopes(standing), regions(standing.region), measures):
                tallies[scope, region, measure] += number
    return position, nonzero(tallies), quarantined


def nonzero(counter: Counter[K]) -> Counter[K]:
    """Drop the keys whose count is zero."""
    return Counter({key: number for key, number in counter.items() if number})


def scopes(standing: Standing) -> list[str]:
    """List the scopes in which a standing counts."""
    scopes = ["all"]
    if standing.agency:
        scopes.append("agency:" + standing.agency)
    if standing.campaign:
        scopes.append("campaign:" + standing.campaign)
    return scopes


def regions(code: str) -> list[str]:
    """List a kelurahan and its ancestors; for a code of another form, list 31 and 31.00."""
    parts = code.split(".")
    if parts[0] != "31" or [len(part) for part in parts] != [2, 2, 2, 4]:
        return ["31", "31.00"]
    return [".".join(parts[:depth]) for depth in range(1, 5)]
