"""Simulates a Fest night with synthetic people: `people`, `fest`, `watch` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from simulator.cli.commands import play_fest, play_watch, write_people
from simulator.load.load_setup import LoadOptions
from simulator.seed import rows_matching_published_totals

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Url = Annotated[str, typer.Option(help="Base URL of the register.")]
BoardUrl = Annotated[str, typer.Option(help="Base URL of the board.")]
KeysFile = Annotated[Path, typer.Option("--keys", help="File with BOOTH_KEY=, OFFICER_KEY= and ADMIN_KEY=.")]
Duration = Annotated[float | None, typer.Option(min=1, help="Seconds to run; default: until Ctrl-C.")]
Seed = Annotated[int, typer.Option(help="The same seed generates the same people.")]
REGISTER, BOARD, KEYS = "http://127.0.0.1:8001", "http://127.0.0.1:8000", Path(".local/keys.env")
LEDGERS: Final = Path(".local/ledger")


@app.command()
def people(
    out: Annotated[Path, typer.Option(help="CSV file to write; - for standard output.")],
    count: Annotated[
        int, typer.Option(min=0, help="How many people.")
    ] = rows_matching_published_totals.REGISTERED,
    seed: Seed = 7,
) -> None:
    """Write synthetic participants as a CSV file for the import."""
    write_people(out, count, seed)


@app.command()
def fest(
    url: Url = REGISTER,
    rate: Annotated[float, typer.Option(min=0.1, help="Registrations per second, bursts included.")] = 200.0,
    duration: Duration = None,
    seed: Seed = 7,
    keys: KeysFile = KEYS,
    ledger: Annotated[Path, typer.Option(help="Folder of the ledgers, one file per run.")] = LEDGERS,
) -> None:
    """Simulate a Fest night against a register; arrivals never wait for responses."""
    raise typer.Exit(play_fest(LoadOptions(url, rate, duration, seed, keys, ledger)))


@app.command()
def watch(
    url: Url = REGISTER,
    board: BoardUrl = BOARD,
    every_s: Annotated[float, typer.Option(min=0.02, help="Seconds between two probes.")] = 0.25,
    duration: Duration = None,
    seed: Seed = 7,
    keys: KeysFile = KEYS,
    ledger: Annotated[Path, typer.Option(help="Folder of the ledgers, one file per run.")] = LEDGERS,
) -> None:
    """Measure the latency of a registration from its response 201 to the board's stream."""
    raise typer.Exit(play_watch(LoadOptions(url, 1 / every_s, duration, seed, keys, ledger), board))


@app.command()
def demo(
    duration: Duration = None,
    # One arrival in twelve is not a new registration, so 220 arrivals give about 200 registrations a second.
    rate: Annotated[float, typer.Option(min=0.1, help="Arrivals per second, bursts included.")] = 220.0,
    fresh_people: Annotated[
        int, typer.Option(min=1, help="People to import first, unless this was done before.")
    ] = rows_matching_published_totals.REGISTERED,
    seed: Seed = 7,
) -> None:
    """Start the system on this machine, fill the register, simulate a Fest night and verify the counts."""
    # Only this command needs the local stack.
    from simulator.demo import DemoOptions
    from simulator.demo import demo as run_demo

    raise typer.Exit(run_demo(DemoOptions(fresh_people, rate, duration, seed)))
