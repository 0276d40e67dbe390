"""Follows the board's five topics and applies every record to the state that is shown."""

from __future__ import annotations

from collections.abc import Callable

from board.metrics import CUTS
from board.state.counts import BoardState
from board.state.day_growth import DayGrowth, decode_day
from board.state.milestones import Milestones, decode_milestone
from board.state.next_threshold import MilestoneRules
from board.state.registration_rate import RegistrationRate, decode_minute
from cuts.topic_readers import follow_cuts, follow_register_state, follow_table
from kafka.settings import KafkaSettings


async def follow_region_counts(
    kafka: KafkaSettings, board_state: BoardState, clock: Callable[[], float], on_change: Callable[[], None]
) -> None:
    """Apply every record of region-counts, without end. Call `on_change` after each visible change."""
    async for record in follow_cuts(kafka):
        applied = board_state.apply_cut(record.value, clock(), is_new=record.is_new)
        CUTS.labels(applied.reason.value).inc()
        if applied.state_changed:
            on_change()


async def follow_register_states(
    kafka: KafkaSettings, board_state: BoardState, clock: Callable[[], float]
) -> None:
    """Apply every record of register-state, without end.

    Viewers get the resulting freshness from the freshness loop, so no `on_change` is needed.
    """
    async for record in follow_register_state(kafka):
        board_state.apply_register_state(record.value, clock(), is_new=record.is_new)


async def follow_region_minutes(kafka: KafkaSettings, registration_rate: RegistrationRate) -> None:
    """Add every record of region-minutes, which holds two days, without end."""
    async for record in follow_table(kafka, "region-minutes", decode_minute):
        if record.value is not None:
            registration_rate.add(record.value)


async def follow_register_days(kafka: KafkaSettings, day_growth: DayGrowth) -> None:
    """Add every record of register-days, without end."""
    async for record in follow_table(kafka, "register-days", decode_day):
        if record.value is not None:
            day_growth.add(record.value)


async def follow_milestones(
    kafka: KafkaSettings, board_state: BoardState, milestones: Milestones, on_change: Callable[[], None]
) -> None:
    """Apply every record of the topic milestones, without end. Call `on_change` for each new crossing."""
    async for record in follow_table(kafka, "milestones", decode_milestone):
        if isinstance(record.value, MilestoneRules):
            board_state.rules = record.value
        elif record.value is not None and milestones.add(record.value):
            on_change()
