"""The command line of the local stack: `python -m deploy.local up | status | logs | down | forget | …`."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.local import decoder_build, jars, kafka, one_shot_commands, postgres, process_status
from deploy.local.paths import ROOT
from deploy.local.port_allocation import PortTakenError
from deploy.local.process_definitions import PROCESSES
from deploy.local.stack import Stack, StackError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Kafka, PostgreSQL and all services on this machine, supervised, on loopback only.",
)
console = Console()
TOPICS: Final = "deploy.topics"
FAILURES: Final = (
    StackError,
    PortTakenError,
    kafka.BrokerError,
    postgres.ServerError,
    one_shot_commands.CommandError,
)


@app.command()
def up(
    port: Annotated[
        list[str] | None, typer.Option(help="Port of a process, for example board=8100; repeatable.")
    ] = None,
) -> None:
    """Set up what is missing, start the stack in the background and wait until it is ready."""
    stack = Stack.here()
    started = time.monotonic()
    try:
        with console.status("starting") as spinner:

            def say(text: str) -> None:
                spinner.update(text)
                console.print(f"[dim]{time.monotonic() - started:5.1f} s[/] {text}")

            started_now = stack.up(_ports(port or []), say)
            statuses = stack.wait_ready(lambda current: spinner.update(_waiting(current)))
    except FAILURES as error:
        console.print(f"[red]{error}[/]", highlight=False)
        raise typer.Exit(1) from error
    console.print(_table(statuses))
    took = f"ready after {time.monotonic() - started:.1f} s" if started_now else "was running already"
    console.print(f"{took}; keys in {stack.folder / 'keys.env'}, logs in {stack.supervisor.logs}")


@app.command()
def down() -> None:
    """Stop every process; stored data stays."""
    count = Stack.here().down()
    console.print(f"ended {count} processes" if count else "nothing was running")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show each process, its health and its address; exit 1 if one is not ready, 3 if none runs."""
    statuses = Stack.here().status()
    if as_json:
        print(json.dumps([asdict(status) for status in statuses]))
    elif statuses:
        console.print(_table(statuses))
    else:
        console.print("nothing is running (start it: make up)")
    if not statuses:
        raise typer.Exit(3)
    if any(status.health != "ready" for status in statuses):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Name of a process, such as relay.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of lines to show first.")] = 50,
) -> None:
    """Show the end of a process's log."""
    path = Stack.here().supervisor.logs / f"{name}.log"
    if not path.exists():
        console.print(
            f"no log of {name}; there are {', '.join(sorted(p.stem for p in path.parent.glob('*.log')))}"
        )
        raise typer.Exit(1)
    os.execvp("tail", ["tail", f"-n{lines}", *(["-F"] if follow else []), str(path)])


@app.command()
def forget(ask: Annotated[bool, typer.Option("--ask", help="Ask before removing.")] = False) -> None:
    """Stop every process and remove all stored data."""
    stack = Stack.here()
    if ask:
        typer.confirm(f"Remove everything stored in {stack.folder}?", abort=True)
    stack.forget()
    console.print(f"forgot what was stored in {stack.folder}")


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def exec(  # noqa: A001 - users know the word from docker compose
    package: Annotated[
        str, typer.Argument(help="registration, aggregator, notifier, board or deploy.topics.")
    ],
    arguments: Annotated[list[str] | None, typer.Argument(help="The command, such as: key create …")] = None,
) -> None:
    """Run a service's command with the stack's settings."""
    if package not in {TOPICS, *(process.package for process in PROCESSES.values() if process.is_service)}:
        console.print(f"no service is called {package}")
        raise typer.Exit(2)
    stack_config = Stack.here().stack_config()
    command = (arguments or [""])[0]
    settings = stack_config.kafka if package == TOPICS else stack_config.command_settings(package, command)
    environment = {**os.environ, **one_shot_commands.clean_environment(settings)}
    os.execve(sys.executable, [sys.executable, "-m", package, *(arguments or [])], environment)


@app.command("compile")
def compile_step() -> None:
    """Build the aggregator's compiled decoder; exit 2 if this machine has no C compiler."""
    if not decoder_build.can_compile():
        typer.echo("no C compiler with Python's headers: the aggregator counts in pure Python")
        raise typer.Exit(2)
    decoder_build.compile_step()


@app.command()
def fetch() -> None:
    """Fetch Kafka and build its class archive, which makes starts faster; does nothing the second time."""
    try:
        with Progress(console=console) as bar:
            task = bar.add_task("fetching Kafka's jars", total=None)
            kafka.fetch_jars(lambda done, total: bar.update(task, completed=done, total=total))
            bar.update(task, description="preparing a quick start", total=None)
            kafka.build_class_archive()
            bar.remove_task(task)
    except kafka.BrokerError as error:
        console.print(f"[red]{error}[/]", highlight=False)
        raise typer.Exit(1) from error


@app.command()
def lock() -> None:
    """Resolve and lock Kafka's jars again, from requirements/kafka.in into kafka.txt."""
    jars.write_lock()


def _ports(given: list[str]) -> dict[str, int]:
    pairs = [text.partition("=") for text in given]
    try:
        return {name: int(value) for name, _, value in pairs}
    except ValueError as error:
        raise typer.BadParameter("write a port as name=number, such as board=8100") from error


def _waiting(statuses: list[process_status.Status]) -> str:
    waiting = [status.name for status in statuses if status.health != "ready"]
    return f"waiting for {', '.join(waiting)}" if waiting else "ready"


def _table(statuses: list[process_status.Status]) -> Table:
    table = Table("process", "pid", "up for", "health", "address", "", box=None)
    for status in statuses:
        colour = "green" if status.health == "ready" else "red"
        table.add_row(
            status.name,
            str(status.pid or "-"),
            str(timedelta(seconds=status.uptime_s)),
            f"[{colour}]{status.health}[/]",
            status.url,
            f"[yellow]{status.detail}[/]" if "degraded" in status.detail else status.detail,
        )
    return table


if __name__ == "__main__":
    os.chdir(ROOT)
    app()
