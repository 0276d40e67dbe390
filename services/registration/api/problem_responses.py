"""How a refusal is answered over HTTP: status, stable type, and what is said in Indonesian and English."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from problems.problem import FieldError, Problem
from registration.domain.decide import Reason
from registration.domain.operation import DONE, Answer, OperationFault
from registration.intake.group_commit import OverloadedError, OverloadReason
from registration.requests.field_errors import Sentence


class Refusal(NamedTuple):
    """An answer; `pointer` where one field is at fault."""

    status: int
    title: Sentence
    pointer: str | None = None


BY_OUTCOME: Final[dict[str, Refusal]] = {
    Reason.DUPLICATE: Refusal(409, Sentence("NIK ini sudah terdaftar.", "This NIK is already registered.")),
    Reason.UNKNOWN: Refusal(404, Sentence("Peserta ini tidak ditemukan.", "There is no such participant.")),
    Reason.STALE: Refusal(
        412,
        Sentence(
            "Data peserta sudah berubah. Muat ulang dahulu.", "The participant has changed since: read again."
        ),
    ),
    Reason.WITHDRAWN: Refusal(
        409, Sentence("Peserta ini sudah mengundurkan diri.", "This participant has withdrawn.")
    ),
    Reason.MERGED: Refusal(
        409,
        Sentence(
            "Peserta ini sudah digabungkan dengan yang lain.", "This participant was merged into another."
        ),
    ),
    Reason.SAME_REGION: Refusal(
        409, Sentence("Peserta sudah tercatat di kelurahan ini.", "The participant is counted there already.")
    ),
    Reason.STEP_COMPLETED: Refusal(
        409, Sentence("Langkah ini sudah tercatat selesai.", "This step is completed already.")
    ),
    Reason.NOTHING_CORRECTED: Refusal(409, Sentence("Tidak ada yang berubah.", "This changes nothing.")),
    Reason.ERASED: Refusal(
        409,
        Sentence("Data pribadi peserta ini sudah dihapus.", "This participant's personal data were erased."),
    ),
    Reason.MERGE_WITH_ITSELF: Refusal(
        422,
        Sentence(
            "Peserta tidak dapat digabungkan dengan dirinya.", "A participant cannot be merged into itself."
        ),
        "/into",
    ),
    Reason.MERGE_UNKNOWN: Refusal(
        422,
        Sentence("Peserta tujuan tidak ditemukan.", "There is no such participant to merge into."),
        "/into",
    ),
    Reason.MERGE_NOT_REGISTERED: Refusal(
        409,
        Sentence("Peserta tujuan tidak terdaftar lagi.", "The participant to merge into is not registered."),
    ),
    OperationFault.KEY_REUSED: Refusal(
        422,
        Sentence(
            "Idempotency-Key ini sudah dipakai untuk isi lain.",
            "This Idempotency-Key was used for another body.",
        ),
    ),
    OperationFault.UNSTORABLE: Refusal(
        422, Sentence("Isian ini tidak dapat disimpan.", "This cannot be stored.")
    ),
    OperationFault.SCOPE_EXISTS: Refusal(
        409, Sentence("Kode ini sudah dipakai dengan nama lain.", "This id is taken under another name.")
    ),
}
OVERLOADED: Final = Sentence(
    "Sistem sedang sibuk. Silakan coba lagi.", "The system is busy. Please try again."
)
OUTCOME_UNKNOWN: Final = Sentence(
    "Hasilnya belum dapat dipastikan. Ulangi dengan kunci yang sama.",
    "The outcome could not be found out. Repeat the request with the same Idempotency-Key.",
)
LIMITED: Final = Sentence("Terlalu banyak percobaan. Tunggu sebentar.", "Too many attempts. Please wait.")
TOO_LARGE: Final = Sentence("Isi permintaan terlalu besar.", "The body is too large.")
NO_KEY: Final = Sentence("Kunci akses diperlukan.", "An access key is required.")
WRONG_KEY: Final = Sentence("Kunci akses ini tidak berlaku.", "This access key is not valid.")
ROLE_TOO_LOW: Final = Sentence("Kunci ini tidak berhak.", "This key may not do that.")
BAD_IDEMPOTENCY_KEY: Final = Sentence(
    "Idempotency-Key harus 1 sampai 200 karakter ASCII tanpa spasi.",
    "Idempotency-Key must be 1 to 200 ASCII characters without blanks.",
)
BAD_IF_MATCH: Final = Sentence("If-Match harus satu revisi.", "If-Match must be one revision.")


def refused(answer: Answer) -> Problem:
    """The problem of an answer that is not `done`."""
    assert answer.outcome != DONE, "a success is no problem"
    status, title, pointer = BY_OUTCOME[answer.outcome]
    errors = [] if pointer is None else [FieldError(pointer, answer.outcome, _text(title))]
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return Problem(status, answer.outcome, _text(title), errors=errors, headers=headers)


def overloaded(error: OverloadedError) -> Problem:
    """503, with when to come back."""
    unknown = error.reason is OverloadReason.OUTCOME_UNKNOWN
    return unavailable(error.retry_after_s, "outcome-unknown" if unknown else "overloaded")


def unavailable(retry_after_s: int, slug: str = "overloaded") -> Problem:
    """503 for whatever could not be done now."""
    title = OUTCOME_UNKNOWN if slug == "outcome-unknown" else OVERLOADED
    return Problem(503, slug, _text(title), headers={"Retry-After": str(retry_after_s)})


def limited(wait_s: float) -> Problem:
    """429, with when there is room again."""
    return Problem(429, "too-many-requests", _text(LIMITED), headers={"Retry-After": str(math.ceil(wait_s))})


def plain(status: int, slug: str, title: Sentence, headers: dict[str, str] | None = None) -> Problem:
    """A problem that needs no more than its title."""
    return Problem(status, slug, _text(title), headers=headers or {})


def _text(sentence: Sentence) -> dict[str, str]:
    return sentence._asdict()
