"""Builds the board from its settings: `python -m board serve`."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from functools import partial

import typer

from board.app_state import AppState
from board.open_file_limit import viewers_allowed
from board.processes import loops
from board.regions import load_regions
from board.settings import BoardSettings
from board.state.board_state import BoardState
from board.state.milestones import Milestones
from board.state.registration_rate import RegistrationRate
from board.state.state_file import UnreadableStateFileError, read, restore
from board.stream.broadcaster import Broadcaster
from board.stream.connection_handover import HandoverProtocol
from board.stream.subscriptions import Subscriptions
from board.targets import InvalidTargetsError, load_targets
from board.web.app import make_app
from lifecycle import gc_tuning
from lifecycle.http_server import serve as serve_http
from lifecycle.shutdown import StopSignal, run
from settings.contract_files import contract_path
from settings.kafka import KafkaSettings
from settings.loader import load
from telemetry.health import Health
from telemetry.logs import configure, get

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Shows the published counts.")
log = get()


@cli.callback()
def commands() -> None:
    """Shows the published counts."""


@cli.command()
def serve() -> None:
    """Serve the page, the JSON and the stream until stopped."""
    settings, kafka = load(BoardSettings, KafkaSettings)
    configure("board", settings.log_level)
    try:
        board = build(settings)
    except InvalidTargetsError as error:
        print(f"BOARD_TARGETS_FILE: {error}", file=sys.stderr)  # noqa: T201 - told like a wrong setting
        raise SystemExit(2) from error
    run(partial(_serve, settings, kafka, board))


def build(settings: BoardSettings) -> AppState:
    """The board as its last run left it."""
    showing = BoardState(load_regions(contract_path("regions.csv")), load_targets(settings.targets_file))
    content = read(settings.state_file)
    if content is not None:
        try:
            restore(showing, content, time.monotonic())
            log.info("last cut restored", cut=showing.cuts.id)
        except UnreadableStateFileError as error:
            log.warning("state file unreadable", reason=str(error))
    milestones = Milestones()
    audience = Subscriptions(showing, milestones, time.monotonic, viewers_allowed(settings.viewers_max))
    return AppState(
        showing=showing,
        audience=audience,
        delivery=Broadcaster(audience, time.monotonic),
        milestones=milestones,
        minutes=RegistrationRate(),
        clock=time.monotonic,
        wall=lambda: datetime.now(UTC),
    )


async def _serve(
    settings: BoardSettings, kafka: KafkaSettings, board: AppState, stopping: StopSignal
) -> None:
    health = Health()
    health.check("cut", lambda: board.showing.ready)
    progress = health.progress("clock")
    app = make_app(board, health)
    gc_tuning.freeze_startup_objects()

    async def end_streams() -> None:
        await stopping.wait()
        board.audience.close()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(end_streams())
        tasks.create_task(loops.keep_time(board, stopping, progress))
        tasks.create_task(loops.save(board, settings.state_file, stopping))
        tasks.create_task(
            loops.until_stopped(
                stopping,
                partial(loops.follow_cut_topic, board, kafka),
                partial(loops.show_register_states, board, kafka),
                partial(loops.show_minutes, board, kafka),
                partial(loops.show_milestones, board, kafka),
            )
        )
        tasks.create_task(board.delivery.run())
        tasks.create_task(serve_http(app, settings.host, settings.port, stopping, http=HandoverProtocol))


if __name__ == "__main__":
    cli()
