"""The endpoints under `/v1/imports`: upload a file, read the status and rejected rows, undo an import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from problems.body_limit import too_large_problem
from problems.openapi import Responses
from problems.problem import FieldError, Problem
from registration.api import problem_responses
from registration.api.authentication import Authenticator
from registration.api.import_view import ImportView, KeptParticipants, import_view
from registration.api.openapi import (
    IDEMPOTENT,
    JSON,
    KEY_REQUIRED,
    error_responses,
    json_response,
    response_headers,
)
from registration.api.operation_submission import idempotency_key
from registration.auth.callers import Role
from registration.domain import names
from registration.imports.file_faults import UnusableFileError
from registration.imports.file_messages import BY_FAULT
from registration.imports.preview import Preview
from registration.imports.queue import ImportQueue
from registration.imports.row_validation import CountsAs
from registration.imports.store import WAITING, ImportState, ImportStatus
from registration.imports.upload import UploadTooLargeError
from registration.requests.field_error_messages import BilingualText

KEPT_LISTED_MAX: Final = 1_000
NAME_LENGTH_MAX: Final = 200
IGNORED_MAX: Final = 100
DEFAULT_NAME: Final = "upload.csv"

ImportId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="From the answer to the upload.")]
FileName = Annotated[
    str, Query(max_length=NAME_LENGTH_MAX, description="What the file is called, to be shown.")
]
CountsAsQuery = Annotated[
    CountsAs,
    Query(
        description="`stock`: the file is the baseline. `live`: its participants count as registered today."
    ),
]

IgnoredHeadings = Annotated[
    Sequence[str],
    Query(
        max_length=IGNORED_MAX,
        description="Headings of columns that are not imported; repeat the parameter for each of them.",
    ),
]
DryRun = Annotated[bool, Query(description="Only say what an import would do.")]

UNKNOWN: Final = BilingualText("Impor ini tidak ditemukan.", "There is no such import.")
UNUSABLE: Final = BilingualText("Berkas ini tidak dapat diimpor.", "This file cannot be imported.")
UNDONE: Final = BilingualText("Impor berkas ini sudah dibatalkan.", "The import of this file was undone.")
MEDIA_TYPES: Final = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/octet-stream",
)
CSV_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES
        },
    }
}


UPLOAD_RESPONSES: Final = error_responses(400, 401, 403, 409, 413, 422, 503) | {
    200: json_response("Imported before, or what an import would do", ImportView, Preview),
    202: json_response("Accepted; the import goes on", ImportView) | response_headers("Location"),
}


def imports_router(imports: ImportQueue, authenticator: Authenticator) -> APIRouter:
    """Create the router. Every endpoint requires the API key of an officer or an admin."""
    router = APIRouter(prefix="/v1/imports", tags=["imports"])
    _add_upload(router, imports, authenticator)
    _add_status(router, imports, authenticator)
    _add_rejected(router, imports, authenticator)
    _add_confirmation(router, imports, authenticator)
    _add_undo(router, imports, authenticator)
    return router


def _add_upload(router: APIRouter, imports: ImportQueue, authenticator: Authenticator) -> None:
    @router.post(
        "",
        status_code=202,
        responses=UPLOAD_RESPONSES,
        openapi_extra=CSV_BODY | KEY_REQUIRED | IDEMPOTENT,
    )
    async def upload(
        request: Request,
        name: FileName = DEFAULT_NAME,
        ignore: IgnoredHeadings = (),
        counts_as: CountsAsQuery = CountsAs.STOCK,
        dry_run: DryRun = False,
    ) -> Response:
        """Import the CSV file or spreadsheet in the body.

        The response is 200 if the same file was imported before. With `dry_run`, nothing is written: the
        response says what was detected, how many rows would be accepted, and why others would not.

        A file whose numbers a spreadsheet program has probably changed is held: nothing of it is written
        before it is confirmed. A file is recognized by its digest, so sending it again is harmless, whatever
        the Idempotency-Key and `counts_as`.
        """
        caller = await authenticator.require_role(Role.OFFICER, request)
        idempotency_key(request.headers.get("idempotency-key"))
        try:
            if dry_run:
                preview = await imports.preview(request.stream(), ignore)
                return Response(msgspec.json.encode(preview), 200, media_type=JSON)
            status = await imports.receive(request.stream(), _file_name(name), caller.id, ignore, counts_as)
        except UploadTooLargeError:
            raise too_large_problem() from None
        except UnusableFileError as error:
            raise _unusable_file_problem(error) from None
        if status.state in (ImportState.UNDOING, ImportState.UNDONE):
            raise problem_responses.problem(409, "import-undone", UNDONE)
        headers = {"Location": f"/v1/imports/{status.id}"}
        return _json_response(import_view(status), 202 if status.state in WAITING else 200, headers)


def _add_status(router: APIRouter, imports: ImportQueue, authenticator: Authenticator) -> None:
    @router.get(
        "/{import_id}",
        responses=error_responses(401, 403, 404, 422, 503) | {200: json_response("The import", ImportView)},
        openapi_extra=KEY_REQUIRED,
    )
    async def status_of(request: Request, import_id: ImportId) -> Response:
        """The status of an import. If it is undone, also the participants kept because they have changed."""
        await authenticator.require_role(Role.OFFICER, request)
        return await _status_response(imports, import_id)


def _add_rejected(router: APIRouter, imports: ImportQueue, authenticator: Authenticator) -> None:
    @router.get(
        "/{import_id}/rejected",
        response_class=StreamingResponse,
        responses=error_responses(401, 403, 404, 422, 503) | {200: {"content": {"text/csv": {}}}},
        openapi_extra=KEY_REQUIRED,
    )
    async def rejected(request: Request, import_id: ImportId) -> Response:
        """The rejected and differing rows in the form of the file, with line, columns, reasons and sentences.

        The report has the cells of the file only for the uploader and for admins, until they are deleted.
        Corrected, it can be imported.
        """
        caller = await authenticator.require_role(Role.OFFICER, request)
        status = await _find(imports, import_id)
        has_cells = caller.role is Role.ADMIN or caller.id == status.caller
        headers = {"Content-Disposition": f'attachment; filename="rejected-{import_id[:12]}.csv"'}
        report = imports.rejection_report(import_id, has_cells=has_cells)
        return StreamingResponse(report, media_type="text/csv", headers=headers)


def _add_confirmation(router: APIRouter, imports: ImportQueue, authenticator: Authenticator) -> None:
    @router.post(
        "/{import_id}/confirm",
        status_code=202,
        responses=_accepted_or("Not held"),
        openapi_extra=KEY_REQUIRED | IDEMPOTENT,
    )
    async def confirm(request: Request, import_id: ImportId) -> Response:
        """Import a held file as it is. If the import is not held, nothing changes and the response is 200."""
        caller = await authenticator.require_role(Role.OFFICER, request)
        idempotency_key(request.headers.get("idempotency-key"))
        await _find(imports, import_id)
        confirmed = await imports.confirm(import_id, caller.id)
        return await _status_response(imports, import_id, 202 if confirmed else 200)


def _add_undo(router: APIRouter, imports: ImportQueue, authenticator: Authenticator) -> None:
    @router.post(
        "/{import_id}/undo",
        status_code=202,
        responses=_accepted_or("Undone before"),
        openapi_extra=KEY_REQUIRED | IDEMPOTENT,
    )
    async def undo(request: Request, import_id: ImportId) -> Response:
        """Withdraw every participant that this import registered, except those who have changed since."""
        await authenticator.require_role(Role.OFFICER, request)
        idempotency_key(request.headers.get("idempotency-key"))
        await _find(imports, import_id)
        begun = await imports.undo(import_id)
        return await _status_response(imports, import_id, 202 if begun else 200)


def _accepted_or(ended: str) -> Responses:
    """Return the responses of an endpoint that answers 202, or 200 with the description `ended`."""
    return error_responses(400, 401, 403, 404, 422, 503) | {
        200: json_response(ended, ImportView),
        202: json_response("Accepted; the import goes on", ImportView),
    }


async def _status_response(imports: ImportQueue, import_id: str, code: int = 200) -> Response:
    status = await _find(imports, import_id)
    if status.state not in (ImportState.UNDOING, ImportState.UNDONE):
        return _json_response(import_view(status), code)
    kept = KeptParticipants(*await imports.kept_participants(import_id, KEPT_LISTED_MAX))
    return _json_response(import_view(status, kept), code)


async def _find(imports: ImportQueue, import_id: str) -> ImportStatus:
    status = await imports.status(import_id)
    if status is None:
        raise problem_responses.problem(404, "import-not-found", UNKNOWN)
    return status


def _json_response(view: ImportView, code: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(view), code, headers, JSON)


def _unusable_file_problem(error: UnusableFileError) -> Problem:
    text = BY_FAULT[error.fault]
    faults = [FieldError(f"/{column}", error.fault.value, text._asdict()) for column in error.columns]
    if not faults:
        faults = [FieldError("", error.fault.value, text._asdict())]
    return Problem(422, "unusable-file", UNUSABLE._asdict(), errors=faults)


def _file_name(name: str) -> str:
    return DEFAULT_NAME if names.fault(name) is not None else names.normalize(name)
