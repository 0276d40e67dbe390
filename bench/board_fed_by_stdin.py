"""A board's process without Kafka: each line on its input is a cut, so that rivals can be fed alike.

Run as `python -m bench.board_fed_by_stdin PORT VIEWERS_MAX FOLDER`; everything behind the reading of cuts is
the service's own. A line holds the number of the cut: the first is shown whole, the others as changes.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from board.app_state import AppState
from board.processes.board import build_app_state
from board.settings import BoardSettings
from board.stream.connection_handover import HandoverProtocol
from board.stream.freshness_ticker import tick_until_stopped
from board.web.app import make_app
from cuts.records import CutRecord, RegisterState, Row
from deploy.local.paths import ROOT
from lifecycle import gc_tuning
from lifecycle.http_server import serve
from lifecycle.shutdown import StopSignal, run
from telemetry.health import Health
from telemetry.logs import configure

START: Final = datetime(2021, 10, 24, 12, 0, tzinfo=UTC)
TARGETS: Final = ROOT / "deploy" / "local" / "config" / "targets.yaml"
DEPTH: Final = "city"


def empty_board(folder: Path, viewers_max: int) -> AppState:
    """A board without a cut."""
    settings = BoardSettings(
        targets_file=TARGETS, state_file=folder / "board-state.json", viewers_max=viewers_max
    )
    return build_app_state(settings)


def feed(app_state: AppState, cut: int) -> None:
    """Show a cut in which the province and every city has moved."""
    codes = [region.code for region in app_state.board_state.regions if region.level in ("province", DEPTH)]
    rows: tuple[Row, ...] = tuple(("all", code, "registered", 1_000 + cut) for code in codes)
    moment = START + timedelta(seconds=cut)
    state = RegisterState(time=moment, term=1, last_sequence=(cut,), published=(cut,))
    app_state.board_state.apply_register_state(state, app_state.clock(), is_new=True)
    record = CutRecord(
        cut=cut,
        term=1,
        kind="full" if cut == 1 else "change",
        base=None if cut == 1 else cut - 1,
        as_of=moment,
        positions=(cut,),
        rows=rows,
    )
    app_state.board_state.apply_cut(record, app_state.clock(), is_new=True)
    app_state.subscriptions.on_change()


async def _serve(port: int, app_state: AppState, stopping: StopSignal) -> None:
    health = Health()
    progress = health.progress("clock")
    app = make_app(app_state, health)
    gc_tuning.freeze_startup_objects()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_feed(app_state, stopping))
        tasks.create_task(
            tick_until_stopped(
                app_state.board_state, app_state.subscriptions, app_state.clock, stopping, progress
            )
        )
        tasks.create_task(app_state.broadcaster.run())
        tasks.create_task(serve(app, "127.0.0.1", port, stopping, http=HandoverProtocol))


async def _feed(app_state: AppState, stopping: StopSignal) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        feed(app_state, int(line.split()[0]))
    app_state.subscriptions.close()
    stopping.set()


if __name__ == "__main__":
    configure("board", "WARNING")
    watched = empty_board(Path(sys.argv[3]), int(sys.argv[2]))
    run(lambda stopping: _serve(int(sys.argv[1]), watched, stopping))
