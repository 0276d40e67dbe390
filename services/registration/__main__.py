"""The command line of the register: `python -m registration --help`."""

from __future__ import annotations

import typer

from registration.cli import api_keys, venue_codes
from registration.cli.campaigns_and_agencies import agencies, campaigns
from registration.cli.erasure import erase
from registration.cli.imports import confirm_import, import_csv, undo_import
from registration.cli.migrations import migrate
from registration.cli.recovery_after_restore import recover
from registration.processes import api as api_process
from registration.processes import audit as audit_process
from registration.processes import relay as relay_process

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The register of participants.")


@app.command()
def api() -> None:
    """Serve the HTTP API and commit the registrations and changes that it accepts."""
    api_process.main()


@app.command()
def relay() -> None:
    """Publish the register's events to the topic, in sequence order."""
    relay_process.main()


@app.command()
def audit() -> None:
    """Compare the published counts with the register, and publish the register's state."""
    audit_process.main()


app.command("recover")(recover)
app.command("import")(import_csv)
app.command("confirm")(confirm_import)
app.command("undo")(undo_import)
app.command("migrate")(migrate)
app.command("erase")(erase)
app.add_typer(api_keys.app, name="key")
app.add_typer(venue_codes.app, name="venue")
app.add_typer(campaigns, name="campaign")
app.add_typer(agencies, name="agency")


if __name__ == "__main__":
    app(prog_name="registration")
