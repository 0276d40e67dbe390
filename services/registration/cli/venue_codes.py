"""Creates, lists and revokes codes of venues (`registration venue`)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import msgspec
import typer
from pydantic import ValidationError

from localization.formats import dated_moment
from registration.auth.venue_codes import VenueCode, create_venue_code, revoke_venue_code, usable_venue_codes
from registration.cli.command_runner import CommandRefusedError, run_on_register
from registration.qr_code import qr_svg, qr_terminal
from registration.regions import Regions
from registration.requests.request_models import VenueCodeBody, Vocabulary
from registration.settings import ApiSettings
from settings.loader import load

app = typer.Typer(no_args_is_help=True, help="Codes of venues.")

CREATED_BY: Final = "command"


@app.command("create")
def create(
    venue: Annotated[str, typer.Argument(help="The venue's name, which the form shows")],
    valid_h: Annotated[int, typer.Option("--hours", help="Hours of validity, 24 at most")] = 12,
    valid_from: Annotated[
        str | None, typer.Option("--from", help="ISO 8601 with a UTC offset; without it, now")
    ] = None,
    qr: Annotated[Path | None, typer.Option(help="SVG file to write the QR code to")] = None,
) -> None:
    """Create the code of a venue, and print its link and its QR code.

    People who open the form by them share a limit of their own instead of the limit of their address.
    """
    given = {"venue": venue, "valid_h": valid_h} | ({"valid_from": valid_from} if valid_from else {})
    run_on_register(create_code, given, load(ApiSettings).form_url, qr)


@app.command("list")
def list_codes() -> None:
    """Print the codes that are valid now or later."""
    run_on_register(listed_codes, load(ApiSettings).form_url)


@app.command("revoke")
def revoke(code: str) -> None:
    """Revoke a code. The form stays open without the code, within the limit of each address."""
    run_on_register(revoke_code, code)


async def create_code(
    pool: asyncpg.Pool[Any], given: dict[str, Any], form_url: str, qr_file: Path | None
) -> str:
    """Create a code and return its link, its validity and its QR code as text.

    Raises CommandRefusedError if a field of `VenueCodeBody` is not valid.
    """
    now = datetime.now(UTC)
    try:
        body = VenueCodeBody.model_validate_json(
            msgspec.json.encode(given), context=Vocabulary(Regions(()), (), (), (), now)
        )
    except ValidationError as error:
        fields = ", ".join(str(fault["loc"][0]) for fault in error.errors(include_input=False))
        raise CommandRefusedError(f"not valid: {fields}") from None
    created = await create_venue_code(pool, body.venue, body.valid_from or now, body.valid_h, CREATED_BY)
    link = form_url + created.path
    lines = [_line(created, form_url), qr_terminal(link)]
    if qr_file is not None:
        try:
            await asyncio.to_thread(qr_file.write_bytes, qr_svg(link))
        except OSError as error:
            lines.append(f"the QR code was not written to a file: {error}")
    return "\n".join(lines)


async def listed_codes(pool: asyncpg.Pool[Any], form_url: str) -> str:
    """Return a line for each code that is valid now or later."""
    codes = await usable_venue_codes(pool)
    return "\n".join(_line(code, form_url) for code in codes) or "there is no valid code"


async def revoke_code(pool: asyncpg.Pool[Any], code: str) -> str:
    """Revoke a code and return a message. Raises CommandRefusedError if there is nothing to revoke."""
    if not await revoke_venue_code(pool, code):
        raise CommandRefusedError("there is no such code, or it was revoked already")
    return f"{code} is revoked; API processes refuse it within seconds"


def _line(code: VenueCode, form_url: str) -> str:
    begin, end = (dated_moment(time, "en") for time in (code.valid_from, code.valid_until))
    return f"{code.venue}: {form_url}{code.path} from {begin} until {end}"
