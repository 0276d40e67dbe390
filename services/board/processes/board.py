"""Composes the board: reads the settings, builds its parts, follows the topics and serves HTTP."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from functools import partial

from board.app_state import AppState, make_app_state
from board.open_file_limit import raise_limit_for
from board.regions import load_regions
from board.settings import BoardSettings
from board.state import topic_followers
from board.state.counts import BoardState
from board.state.state_file import StateFileSaver, UnreadableStateFileError, read, restore
from board.stream.freshness_loop import tick_until_stopped
from board.stream.subscriber_updates import Subscriptions
from board.stream.viewer_connection import HandoverProtocol
from board.targets import InvalidTargetsError, load_targets
from board.web.app import make_app
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from lifecycle import gc_tuning
from lifecycle.http_server import serve
from lifecycle.stop_signal import StopSignal
from lifecycle.stop_signal import run as run_until_stopped
from lifecycle.task_group import run_group
from settings.contract_files import contract_path
from settings.loader import load
from telemetry.health import Health
from telemetry.logs import configure, get

log = get()


def run() -> None:
    """Run the board until it is stopped. Exits with 2 if a setting or the targets file is invalid."""
    settings, kafka = load(BoardSettings, KafkaSettings)
    configure("board", settings.log_level)
    try:
        app_state = build_app_state(settings)
    except InvalidTargetsError as error:
        print(f"BOARD_TARGETS_FILE: {error}", file=sys.stderr)  # noqa: T201 - invalid settings are printed, too
        raise SystemExit(2) from error
    run_until_stopped(partial(_run, settings, kafka, app_state), settings.stop_announced_s)


def build_app_state(settings: BoardSettings) -> AppState:
    """Build the board's state, with the last cut of the previous run if the state file holds one."""
    board_state = BoardState(load_regions(contract_path("regions.csv")), load_targets(settings.targets_file))
    content = read(settings.state_file)
    if content is not None:
        try:
            restore(board_state, content, time.monotonic())
            log.info("last cut restored", cut=board_state.cuts.id)
        except UnreadableStateFileError as error:
            log.warning("state file unreadable", reason=str(error))
    viewers_max = raise_limit_for(settings.viewers_max)
    return make_app_state(board_state, time.monotonic, lambda: datetime.now(UTC), viewers_max)


async def _run(
    settings: BoardSettings, kafka: KafkaSettings, app_state: AppState, stopping: StopSignal
) -> None:
    health = Health()
    board_state, subscriptions = app_state.board_state, app_state.subscriptions
    health.check("cut", lambda: board_state.ready)
    health.check("not stopping", lambda: not stopping.is_announced())
    health.dependency("kafka", partial(ask_broker, kafka))
    progress = health.progress("clock")
    app = make_app(app_state, health)
    saver = StateFileSaver(settings.state_file, board_state, lambda: subscriptions.head)
    clock, on_change = app_state.clock, subscriptions.on_change
    gc_tuning.freeze_startup_objects()

    await run_group(
        stopping,
        topic_followers.follow_region_counts(kafka, board_state, clock, on_change),
        topic_followers.follow_register_states(kafka, board_state, clock),
        topic_followers.follow_region_minutes(kafka, app_state.registration_rate),
        topic_followers.follow_register_days(kafka, app_state.day_growth),
        topic_followers.follow_milestones(kafka, board_state, app_state.milestones, on_change),
        _close_on_stop(subscriptions, stopping),
        tick_until_stopped(board_state, subscriptions, clock, stopping, progress),
        app_state.broadcaster.run(),
        health.watch_dependencies(),
        server=serve(app, settings.host, settings.port, stopping, http=HandoverProtocol),
        drain=saver.save_until_stopped(stopping),
    )


async def _close_on_stop(subscriptions: Subscriptions, stopping: StopSignal) -> None:
    await stopping.wait()
    subscriptions.close()
