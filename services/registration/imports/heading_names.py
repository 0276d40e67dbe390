"""The headings that people give to the columns of a file, in Indonesian and English."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

NOT_A_WORD: Final = re.compile(r"[\W_]+")

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("nama", "nama lengkap", "nama peserta", "nama pemilik", "full name"),
    "nik": ("no nik", "nomor nik", "no ktp", "nomor ktp", "ktp", "no nik ktp", "nik ktp", "id number"),
    "region": (
        "kelurahan",
        "desa kelurahan",
        "kelurahan desa",
        "kode kelurahan",
        "kode wilayah",
        "wilayah",
        "region code",
    ),
    "consent": ("persetujuan", "kode persetujuan"),
    "phone": (
        "telepon",
        "no telepon",
        "nomor telepon",
        "no telp",
        "telp",
        "no hp",
        "nomor hp",
        "hp",
        "no handphone",
        "no wa",
        "whatsapp",
        "no whatsapp",
        "phone number",
        "mobile",
    ),
    "business_name": ("nama usaha", "usaha", "nama umkm", "nama bisnis", "merek", "business"),
    "business_category": ("bidang usaha", "jenis usaha", "kategori usaha", "kategori", "bidang", "category"),
    "agency": ("dinas", "instansi", "perangkat daerah", "kode dinas"),
    "campaign": ("kampanye", "kegiatan", "acara", "event"),
    "booth": ("stan", "stand", "gerai", "nomor stan", "no stan"),
    "occurred_at": ("waktu", "tanggal", "tanggal daftar", "tanggal pendaftaran", "waktu daftar", "date"),
    "steps": ("langkah", "tahap", "tahapan", "langkah selesai", "p1 p7"),
}
"""For each column, the other headings that mean it: in lower case, with blanks between the words."""

REPORT_HEADINGS: Final = ("line", "column", "reason", "sentence_id", "sentence_en")
"""The first headings of a report of rejected rows, which are not imported with a corrected report."""
IGNORED: Final = "-"
"""Stands among the columns for one that is not imported."""
UNNAMED: Final = ""
"""Stands among the columns for one without a heading."""

_BY_WORDS: Final[Mapping[str, str]] = {
    words: column for column, headings in HEADINGS.items() for words in (column.replace("_", " "), *headings)
}


def columns_of(headings: Sequence[str], ignored: Collection[str] = ()) -> list[str | None]:
    """Return the columns that the headings mean; None for each that is unknown.

    The headings in `ignored` and those of a report become IGNORED. Case and punctuation do not matter.
    """
    not_imported = {_words(heading) for heading in ignored}
    columns = [_column_of(_words(heading), not_imported) for heading in headings]
    if tuple(headings[: len(REPORT_HEADINGS)]) == REPORT_HEADINGS:
        columns[: len(REPORT_HEADINGS)] = [IGNORED] * len(REPORT_HEADINGS)
    return columns


def _column_of(words: str, ignored: Collection[str]) -> str | None:
    if not words:
        return UNNAMED
    return IGNORED if words in ignored else _BY_WORDS.get(words)


def _words(heading: str) -> str:
    return NOT_A_WORD.sub(" ", heading.casefold()).strip()
