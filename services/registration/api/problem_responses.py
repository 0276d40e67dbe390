"""The problem details of each refusal: HTTP status, stable type, and title in Indonesian and English."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from localization.formats import duration
from problems.problem import FieldError, Problem
from registration.domain.decision import Reason
from registration.domain.idempotent_operation import DONE, Answer, OperationFault
from registration.intake.group_commit import OverloadedError, OverloadReason
from registration.requests.field_error_messages import BilingualText


class Refusal(NamedTuple):
    """The HTTP status and title of a refusal; `pointer` names the faulty JSON field, if there is one."""

    status: int
    title: BilingualText
    pointer: str | None = None


BY_OUTCOME: Final[dict[str, Refusal]] = {
    Reason.DUPLICATE: Refusal(
        409, BilingualText("NIK ini sudah terdaftar.", "This NIK is already registered.")
    ),
    Reason.UNKNOWN: Refusal(
        404, BilingualText("Peserta ini tidak ditemukan.", "There is no such participant.")
    ),
    Reason.STALE: Refusal(
        412,
        BilingualText(
            "Data peserta sudah berubah. Muat ulang dahulu.", "The participant has changed since: read again."
        ),
    ),
    Reason.WITHDRAWN: Refusal(
        409, BilingualText("Peserta ini sudah mengundurkan diri.", "This participant has withdrawn.")
    ),
    Reason.MERGED: Refusal(
        409,
        BilingualText(
            "Peserta ini sudah digabungkan dengan yang lain.", "This participant was merged into another."
        ),
    ),
    Reason.SAME_REGION: Refusal(
        409,
        BilingualText(
            "Peserta sudah tercatat di kelurahan ini.", "The participant is counted there already."
        ),
    ),
    Reason.STEP_COMPLETED: Refusal(
        409, BilingualText("Langkah ini sudah tercatat selesai.", "This step is completed already.")
    ),
    Reason.NOTHING_CORRECTED: Refusal(409, BilingualText("Tidak ada yang berubah.", "This changes nothing.")),
    Reason.MERGE_WITH_ITSELF: Refusal(
        422,
        BilingualText(
            "Peserta tidak dapat digabungkan dengan dirinya.", "A participant cannot be merged into itself."
        ),
        "/into",
    ),
    Reason.MERGE_UNKNOWN: Refusal(
        422,
        BilingualText("Peserta tujuan tidak ditemukan.", "There is no such participant to merge into."),
        "/into",
    ),
    Reason.MERGE_NOT_REGISTERED: Refusal(
        409,
        BilingualText(
            "Peserta tujuan tidak terdaftar lagi.", "The participant to merge into is not registered."
        ),
    ),
    OperationFault.KEY_REUSED: Refusal(
        422,
        BilingualText(
            "Idempotency-Key ini sudah dipakai untuk isi lain.",
            "This Idempotency-Key was used for another body.",
        ),
    ),
    OperationFault.UNSTORABLE: Refusal(
        422, BilingualText("Isian ini tidak dapat disimpan.", "This cannot be stored.")
    ),
    OperationFault.SCOPE_EXISTS: Refusal(
        409, BilingualText("Kode ini sudah dipakai dengan nama lain.", "This id is taken under another name.")
    ),
}
OVERLOADED: Final = BilingualText(
    "Sistem sedang sibuk. Silakan coba lagi.", "The system is busy. Please try again."
)
OUTCOME_UNKNOWN: Final = BilingualText(
    "Hasilnya belum dapat dipastikan. Ulangi dengan kunci yang sama.",
    "The outcome could not be found out. Repeat the request with the same Idempotency-Key.",
)
LIMITED: Final = BilingualText(
    "Terlalu banyak percobaan. Tunggu sebentar.", "Too many attempts. Please wait."
)
WAIT: Final = BilingualText("Coba lagi dalam {}.", "Try again in {}.")
MINUTES_SHOWN_FROM_S: Final = 60
NO_KEY: Final = BilingualText("Kunci akses diperlukan.", "An access key is required.")
WRONG_KEY: Final = BilingualText("Kunci akses ini tidak berlaku.", "This access key is not valid.")
ROLE_TOO_LOW: Final = BilingualText("Kunci ini tidak berhak.", "This key may not do that.")
BAD_IDEMPOTENCY_KEY: Final = BilingualText(
    "Idempotency-Key harus 1 sampai 200 karakter ASCII tanpa spasi.",
    "Idempotency-Key must be 1 to 200 ASCII characters without blanks.",
)
BAD_IF_MATCH: Final = BilingualText("If-Match harus satu revisi.", "If-Match must be one revision.")


def refusal_problem(answer: Answer) -> Problem:
    """Return the problem of an answer that is not `done`."""
    assert answer.outcome != DONE, "only a refusal has a problem"
    status, title, pointer = BY_OUTCOME[answer.outcome]
    errors = [] if pointer is None else [FieldError(pointer, answer.outcome, _text(title))]
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return Problem(status, answer.outcome, _text(title), errors=errors, headers=headers)


def overload_problem(error: OverloadedError) -> Problem:
    """Return the problem 503 of an overload, with Retry-After."""
    unknown = error.reason is OverloadReason.OUTCOME_UNKNOWN
    return unavailable_problem(error.retry_after_s, "outcome-unknown" if unknown else "overloaded")


def unavailable_problem(retry_after_s: int, slug: str = "overloaded") -> Problem:
    """Return a problem 503 with Retry-After."""
    title = OUTCOME_UNKNOWN if slug == "outcome-unknown" else OVERLOADED
    return Problem(503, slug, _text(title), headers={"Retry-After": str(retry_after_s)})


def rate_limit_problem(wait_s: float) -> Problem:
    """Return the problem 429 of an exhausted rate limit, with Retry-After."""
    retry_after_s = math.ceil(wait_s)
    # In minutes the wait is rounded up, because a shorter wait would be refused again.
    shown_s = retry_after_s if retry_after_s < MINUTES_SHOWN_FROM_S else math.ceil(retry_after_s / 60) * 60
    detail = {language: text.format(duration(shown_s, language)) for language, text in _text(WAIT).items()}
    headers = {"Retry-After": str(retry_after_s)}
    return Problem(429, "too-many-requests", _text(LIMITED), detail, headers=headers)


def problem(status: int, slug: str, title: BilingualText, headers: dict[str, str] | None = None) -> Problem:
    """Return a problem that has only a title."""
    return Problem(status, slug, _text(title), headers=headers or {})


def _text(text: BilingualText) -> dict[str, str]:
    return text._asdict()
