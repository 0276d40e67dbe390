"""The simulator's commands: `people`, `fest`, `watch` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from simulator.cli import play_fest, play_watch, write_people
from simulator.load.session import NightOptions
from simulator.seed import participants

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Url = Annotated[str, typer.Option(help="Where the register answers.")]
BoardUrl = Annotated[str, typer.Option(help="Where the board answers.")]
KeysFile = Annotated[Path, typer.Option("--keys", help="File with BOOTH_KEY=, OFFICER_KEY= and ADMIN_KEY=.")]
Duration = Annotated[float | None, typer.Option(min=1, help="Seconds; without it until Ctrl-C.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same people.")]
REGISTER, BOARD, KEYS = "http://127.0.0.1:8001", "http://127.0.0.1:8000", Path(".local/keys.env")
LEDGERS: Final = Path(".local/ledger")


@app.command()
def people(
    out: Annotated[Path, typer.Option(help="The CSV file to write; - for standard output.")],
    count: Annotated[int, typer.Option(min=0, help="How many people.")] = participants.REGISTERED,
    seed: Seed = 7,
) -> None:
    """Write made-up participants as a CSV file for the import."""
    write_people(out, count, seed)


@app.command()
def fest(
    url: Url = REGISTER,
    rate: Annotated[float, typer.Option(min=0.1, help="Registrations a second, bursts included.")] = 200.0,
    duration: Duration = None,
    seed: Seed = 7,
    keys: KeysFile = KEYS,
    ledger: Annotated[Path, typer.Option(help="Folder of the ledgers, one file a run.")] = LEDGERS,
) -> None:
    """Play a Fest night against a register: people arrive whether or not it keeps up."""
    raise typer.Exit(play_fest(NightOptions(url, rate, duration, seed, keys, ledger)))


@app.command()
def watch(
    url: Url = REGISTER,
    board: BoardUrl = BOARD,
    every_s: Annotated[float, typer.Option(min=0.02, help="Seconds between two probes.")] = 0.25,
    duration: Duration = None,
    seed: Seed = 7,
    keys: KeysFile = KEYS,
    ledger: Annotated[Path, typer.Option(help="Folder of the ledgers, one file a run.")] = LEDGERS,
) -> None:
    """Measure how long a registration takes from its 201 to the board's stream."""
    raise typer.Exit(play_watch(NightOptions(url, 1 / every_s, duration, seed, keys, ledger), board))


@app.command()
def demo(
    duration: Duration = None,
    # One in twelve is somebody who comes again: 220 make 200 registrations a second.
    rate: Annotated[float, typer.Option(min=0.1, help="Arrivals a second, bursts included.")] = 220.0,
    fresh_people: Annotated[
        int, typer.Option(min=1, help="How many are imported first, unless they are there.")
    ] = participants.REGISTERED,
    seed: Seed = 7,
) -> None:
    """Start everything on this machine, fill the register, play a Fest night and prove the counts."""
    # Only this command needs the local stack.
    from simulator.demo import DemoOptions
    from simulator.demo import demo as run_demo

    raise typer.Exit(run_demo(DemoOptions(fresh_people, rate, duration, seed)))


if __name__ == "__main__":
    app()
