"""The headings that people give to the columns of a file, in Indonesian and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

_BY_WORDS: Final[Mapping[str, str]] = {
    words: column for column, headings in HEADINGS.items() for words in (column.replace("_", " "), *headings)
}


def column_of(heading: str) -> str | None:
    """Return the column that a heading means; None if it is unknown. Case and punctuation do not matter."""
    return _BY_WORDS.get(NOT_A_WORD.sub(" ", heading.casefold()).strip())
