"""The form's sentences: which field is wrong, and what to do. They speak of registrations, not requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from problems.problem import FieldError, Problem
from registration.domain import nik
from registration.requests.field_error_messages import BY_CODE
from registration.requests.request_models import NAME_LENGTH_MAX

LABELS: Final = {
    "name": "Nama lengkap",
    "nik": "NIK",
    "phone": "Nomor telepon",
    "region": "Kelurahan tempat usaha",
    "business_name": "Nama usaha",
    "category": "Bidang usaha",
    "consent": "Saya setuju data saya dipakai seperti di atas",
}
CATEGORIES: Final = {
    "kuliner": "Kuliner",
    "fesyen": "Fesyen",
    "kerajinan": "Kerajinan",
    "jasa": "Jasa",
    "lainnya": "Lainnya",
}
# By JSON pointer: the form's names of those fields that have another name in the JSON body.
FIELDS: Final = {"/business/name": "business_name", "/business/category": "category"}

PHONE: Final = BY_CODE["phone"].id
BUSINESS_NAME: Final = "Tulis nama usaha, atau kosongkan juga bidang usaha."
REGION_CANDIDATES: Final = "Pilih kelurahan yang dimaksud di bawah ini, atau tulis kembali."
REGION_UNKNOWN: Final = (
    "Kelurahan ini tidak ada di Jakarta. Tulis nama kelurahan tempat usaha, misalnya Cideng."
)
TOO_LONG: Final = f"Paling banyak {NAME_LENGTH_MAX} huruf."
SENTENCES: Final[Mapping[tuple[str, str], str]] = {
    ("name", "missing"): "Tulis nama lengkap seperti di KTP.",
    ("name", "string_too_long"): TOO_LONG,
    ("nik", "missing"): "Tulis 16 angka NIK di KTP.",
    ("phone", "string_too_long"): PHONE,
    ("region", "missing"): "Tulis kelurahan tempat usaha.",
    ("business_name", "string_too_short"): BUSINESS_NAME,
    ("business_name", "string_too_long"): TOO_LONG,
    ("category", "literal_error"): "Pilih bidang usaha.",
    ("consent", "missing"): "Beri tanda centang jika Anda setuju. Tanpa persetujuan, data tidak disimpan.",
    ("consent", "consent_unknown"): "Teks persetujuan sudah berubah. Baca lagi, lalu beri tanda centang.",
}
"""By field and code of the fault, where the form says more than the API."""

TITLES: Final[Mapping[str, str]] = {
    "invalid": "Ada isian yang perlu diperbaiki.",
    "outcome-unknown": "Hasil pendaftaran belum dapat dipastikan.",
}
"""By the problem's slug, where the form has another title than the API."""
ADVICE: Final[Mapping[str, tuple[str, ...]]] = {
    "duplicate-participant": (
        "Pendaftaran yang ada tetap tersimpan dan tidak berubah.",
        "Untuk menambah nomor telepon, memperbaiki data, atau kembali setelah mengundurkan diri, datanglah "
        "dengan KTP ke petugas loket atau pendamping di kecamatan.",
        "Jika NIK salah tulis, perbaiki di bawah.",
    ),
    "too-many-requests": (
        "Isian Anda masih ada di bawah. Tekan Daftar lagi setelah waktu itu.",
        "Di lokasi acara, mintalah kode QR pendaftaran kepada petugas.",
    ),
    "overloaded": ("Isian Anda masih ada di bawah. Tekan Daftar sekali lagi.",),
    "internal": (
        "Isian Anda masih ada di bawah. Tekan Daftar sekali lagi. Anda tidak akan terdaftar dua kali.",
    ),
    "outcome-unknown": ("Tekan Daftar sekali lagi. Anda tidak akan terdaftar dua kali.",),
}
"""What to do, in paragraphs, by the problem's slug."""


def title(problem: Problem) -> str:
    """Return what went wrong."""
    return TITLES.get(problem.slug, problem.title["id"])


def advice(problem: Problem) -> list[str]:
    """Return paragraphs that say what to do; none if the sentences beside the fields say it."""
    detail = [problem.detail["id"]] if problem.detail is not None else []
    return [*detail, *ADVICE.get(problem.slug, ())]


def field_sentences(problem: Problem, fields: Mapping[str, str], candidates: int) -> dict[str, str]:
    """Return the sentence beside each invalid field, in the order of the form.

    `candidates` is the number of kelurahan that the text in the field `region` may mean.
    """
    errors = {FIELDS.get(error.pointer, error.pointer.removeprefix("/")): error for error in problem.errors}
    names = [name for name in LABELS if name in errors] + [name for name in errors if name not in LABELS]
    return {name: _sentence(name, errors[name], fields[name], candidates) for name in names}


def _sentence(name: str, error: FieldError, text: str, candidates: int) -> str:
    if name == "region" and error.code != "missing":
        return REGION_CANDIDATES if candidates else REGION_UNKNOWN
    if error.code == nik.NikFault.DIGITS:
        digits = sum(map(str.isdigit, text))
        return (
            f"{error.text['id']} Yang ditulis {digits} angka." if digits != nik.DIGITS else error.text["id"]
        )
    return SENTENCES.get((name, error.code), error.text["id"])
