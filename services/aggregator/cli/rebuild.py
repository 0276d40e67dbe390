"""The command `rebuild`."""

from __future__ import annotations

import typer

from aggregator.cli.options import refuse
from aggregator.processes.startup import load_settings
from lifecycle.command import run_command

app = typer.Typer()


@app.command()
def rebuild() -> None:
    """Count the whole topic again, then replace the live counts. Published cuts never go back."""
    from aggregator.decoding.decoder_selection import CompiledDecoderMissingError
    from aggregator.processes.rebuild import run_rebuild
    from aggregator.rebuild.shadow_set import RebuildImpossibleError, RebuildSupersededError

    settings, kafka = load_settings("aggregator-rebuild")
    try:
        events = run_command(run_rebuild(settings, kafka))
    except (CompiledDecoderMissingError, RebuildImpossibleError, RebuildSupersededError) as error:
        refuse(f"not rebuilt: {error}")
    typer.echo(f"rebuilt from {events} events")
