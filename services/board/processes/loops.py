"""The board's loops: records in, viewers out, the last cut into its file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from board.app_state import AppState
from board.metrics import AGE, COVERAGE, CUTS, DRIFT, STATE
from board.state.milestones import decode_crossing
from board.state.registration_rate import KEPT, decode_minute
from board.state.state_file import encode_saved, write
from cuts.freshness import FreshnessState
from cuts.reader import follow_cuts, follow_register_state, follow_table
from cuts.topic_log import KafkaAccess
from lifecycle.shutdown import StopSignal
from telemetry.health import Progress
from telemetry.logs import get

TICK_S: Final = 0.25
TICKS_PER_TELLING: Final = 4
PING_S: Final = 15.0
SAVE_S: Final = 5.0

log = get()


async def follow_cut_topic(board: AppState, kafka: KafkaAccess) -> None:
    """Take every cut, and tell the viewers of those that move something."""
    async for read in follow_cuts(kafka):
        applied = board.showing.cut(read.value, board.clock(), is_new=read.is_new)
        CUTS.labels(applied.reason.value).inc()
        if applied.state_changed:
            board.audience.moved()


async def show_register_states(board: AppState, kafka: KafkaAccess) -> None:
    """Take every register state; the next tick tells what it changed."""
    async for read in follow_register_state(kafka):
        board.showing.register_state(read.value, board.clock(), is_new=read.is_new)


async def show_minutes(board: AppState, kafka: KafkaAccess) -> None:
    """Take the growth per minute of the last two days, and go on."""
    async for read in follow_table(kafka, "region-minutes", decode_minute, board.wall() - KEPT):
        if read.value is not None:
            board.minutes.take(read.value)


async def show_milestones(board: AppState, kafka: KafkaAccess) -> None:
    """Take every milestone, and tell the viewers."""
    async for read in follow_table(kafka, "milestones", decode_crossing):
        if read.value is not None and board.milestones.take(read.value):
            board.audience.moved()


async def keep_time(board: AppState, stopping: StopSignal, progress: Progress) -> None:
    """Let numbers age; a change of state is told at once, the rest once a second."""
    told = board.audience.head.state
    ticks = 0
    pinged_s = board.clock()
    while not await stopping.wait(TICK_S):
        progress.beat()
        ticks += 1
        head = board.showing.head(board.clock())
        if head.state is not told or ticks % TICKS_PER_TELLING == 0:
            told = head.state
            board.audience.tick()
            _measure(board)
        if board.clock() - pinged_s >= PING_S:
            pinged_s = board.clock()
            board.audience.ping()


async def save(board: AppState, path: Path, stopping: StopSignal) -> None:
    """Keep the last cut in its file, also at the end."""
    saved: object = None
    stopped = False
    while not stopped:
        stopped = await stopping.wait(SAVE_S)
        head = board.audience.head
        if board.showing.ready and saved != (board.showing.serial, head):
            saved = (board.showing.serial, head)
            try:
                await asyncio.to_thread(write, path, encode_saved(board.showing, head))
            except OSError as error:
                log.warning("state file not written", error=type(error).__name__)


async def until_stopped(stopping: StopSignal, *endless: Callable[[], Awaitable[None]]) -> None:
    """Run endless readers until the stop; the first that fails ends all and is raised."""
    tasks = [asyncio.ensure_future(run()) for run in endless]
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    for task in tasks:
        if task.done():
            stopping.set()
        else:
            task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def _measure(board: AppState) -> None:
    view = board.showing.fresh.view(board.clock())
    for state in FreshnessState:
        STATE.labels(state.value).set(view.state is state)
    AGE.set(view.age_s)
    if view.coverage is not None:
        COVERAGE.set(view.coverage)
    newest = board.showing.fresh.newest
    if newest and newest.audit:
        DRIFT.set(newest.audit.drift)
