"""`/v1/imports`: a CSV file comes in as the body, and is imported beside the API."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from problems.problem import FieldError, Problem
from registration.api import problem_responses
from registration.api.authentication import Authenticator, idempotency_key
from registration.api.body_limit import too_large
from registration.api.openapi import KEYED, problems
from registration.auth.api_keys import Role
from registration.domain import names
from registration.imports.csv_reader import FileFault, UnusableFileError
from registration.imports.queue import ImportQueue
from registration.imports.spool import UploadTooLargeError
from registration.imports.store import ImportState, ImportStatus
from registration.requests.field_errors import Sentence

KEPT_LISTED_MAX: Final = 1_000
NAME_LENGTH_MAX: Final = 200
DEFAULT_NAME: Final = "upload.csv"

ImportId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="From the answer to the upload.")]
FileName = Annotated[
    str, Query(max_length=NAME_LENGTH_MAX, description="What the file is called, to be shown.")
]

UNKNOWN: Final = Sentence("Impor ini tidak ditemukan.", "There is no such import.")
UNUSABLE: Final = Sentence("Berkas ini tidak dapat diimpor.", "This file cannot be imported.")
UNDONE: Final = Sentence("Impor berkas ini sudah dibatalkan.", "The import of this file was undone.")
BY_FAULT: Final[dict[FileFault, Sentence]] = {
    FileFault.EMPTY: Sentence("Berkas kosong.", "The file is empty."),
    FileFault.NOT_UTF8: Sentence("Berkas bukan UTF-8.", "The file is not UTF-8."),
    FileFault.COLUMN_UNKNOWN: Sentence("Ada kolom yang tidak dikenal.", "A column is not known."),
    FileFault.COLUMN_TWICE: Sentence("Kolom ini ada dua kali.", "This column is there twice."),
    FileFault.COLUMN_MISSING: Sentence("Kolom ini tidak ada.", "This column is missing."),
}
CSV_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def imports_router(imports: ImportQueue, callers: Authenticator) -> APIRouter:
    """The endpoints of imports; all need an officer's key."""
    router = APIRouter(prefix="/v1/imports", tags=["imports"])
    _add_upload(router, imports, callers)
    _add_status(router, imports, callers)
    _add_rejected(router, imports, callers)
    _add_undo(router, imports, callers)
    return router


def _add_upload(router: APIRouter, imports: ImportQueue, callers: Authenticator) -> None:
    @router.post(
        "",
        status_code=202,
        responses=problems(400, 401, 403, 409, 413, 422, 503) | {200: {"description": "Imported before"}},
        openapi_extra=CSV_BODY | KEYED,
    )
    async def upload(request: Request, name: FileName = DEFAULT_NAME) -> Response:
        """Import the CSV file that the body is; 200 where this very file was imported before.

        The file's own digest makes a second sending of it harmless, whatever the Idempotency-Key.
        """
        caller = await callers.at_least(Role.OFFICER, request)
        idempotency_key(request.headers.get("idempotency-key"))
        try:
            status = await imports.receive(request.stream(), _shown_name(name), caller.id)
        except UploadTooLargeError:
            raise too_large() from None
        except UnusableFileError as error:
            raise _unusable(error) from None
        if status.state in (ImportState.UNDOING, ImportState.UNDONE):
            raise problem_responses.plain(409, "import-undone", UNDONE)
        headers = {"Location": f"/v1/imports/{status.id}"}
        return _json(status, 202 if status.state is ImportState.RUNNING else 200, headers)


def _add_status(router: APIRouter, imports: ImportQueue, callers: Authenticator) -> None:
    @router.get("/{import_id}", responses=problems(401, 403, 404, 422, 503), openapi_extra=KEYED)
    async def status_of(request: Request, import_id: ImportId) -> Response:
        """How far an import is; of one taken back also whom that left, as somebody changed them since."""
        await callers.at_least(Role.OFFICER, request)
        return await _status(imports, import_id)


def _add_rejected(router: APIRouter, imports: ImportQueue, callers: Authenticator) -> None:
    @router.get(
        "/{import_id}/rejected",
        responses=problems(401, 403, 404, 422, 503) | {200: {"content": {"text/csv": {}}}},
        openapi_extra=KEYED,
    )
    async def rejected(request: Request, import_id: ImportId) -> Response:
        """The rejected rows as CSV: row (the header is 1), column, reason. Never a value."""
        await callers.at_least(Role.OFFICER, request)
        await _known(imports, import_id)
        headers = {"Content-Disposition": f'attachment; filename="rejected-{import_id[:12]}.csv"'}
        return StreamingResponse(
            report(imports.rejections(import_id)), media_type="text/csv", headers=headers
        )


def _add_undo(router: APIRouter, imports: ImportQueue, callers: Authenticator) -> None:
    @router.post(
        "/{import_id}/undo",
        status_code=202,
        responses=problems(400, 401, 403, 404, 422, 503) | {200: {"description": "Undone before"}},
        openapi_extra=KEYED,
    )
    async def undo(request: Request, import_id: ImportId) -> Response:
        """Withdraw everybody this import registered, but for those whom somebody changed since."""
        await callers.at_least(Role.OFFICER, request)
        idempotency_key(request.headers.get("idempotency-key"))
        await _known(imports, import_id)
        begun = await imports.undo(import_id)
        return await _status(imports, import_id, 202 if begun else 200)


async def _status(imports: ImportQueue, import_id: str, code: int = 200) -> Response:
    status = await _known(imports, import_id)
    if status.state not in (ImportState.UNDOING, ImportState.UNDONE):
        return _json(status, code)
    count, listed = await imports.kept_participants(import_id, KEPT_LISTED_MAX)
    return _json(status, code, kept={"count": count, "participants": listed})


async def _known(imports: ImportQueue, import_id: str) -> ImportStatus:
    status = await imports.status(import_id)
    if status is None:
        raise problem_responses.plain(404, "import-not-found", UNKNOWN)
    return status


def _json(status: ImportStatus, code: int, headers: dict[str, str] | None = None, **more: object) -> Response:
    body = msgspec.to_builtins(status) | more
    del body["caller"]
    return Response(msgspec.json.encode(body), code, headers, "application/json")


def _unusable(error: UnusableFileError) -> Problem:
    sentence = BY_FAULT[error.fault]
    pointer = f"/{error.column}" if error.column else ""
    fault = FieldError(pointer, error.fault.value, sentence._asdict())
    return Problem(422, "unusable-file", UNUSABLE._asdict(), errors=[fault])


def _shown_name(name: str) -> str:
    return DEFAULT_NAME if names.fault(name) is not None else names.normalize(name)


async def report(rejections: AsyncIterator[tuple[int, str, str]]) -> AsyncIterator[str]:
    """The report of rejected rows, as lines of CSV."""
    yield _line("row", "column", "reason")
    async for row, column, reason in rejections:
        yield _line(row, column, reason)


def _line(*cells: object) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
