"""The Indonesian and English sentences about a whole file: why it is refused or held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from registration.imports.file_faults import FileFault, HoldReason
from registration.imports.heading_names import HEADINGS
from registration.requests.field_error_messages import BilingualText

KNOWN_COLUMNS: Final = ", ".join(HEADINGS)
AS_TEXT: Final = BilingualText(
    "Ekspor kembali dari data asli: ubah format kolom menjadi Teks sebelum mengisi atau membuka "
    "berkas (Excel: Data > Dari Teks/CSV > jenis kolom Teks). Jika berkas ini benar, konfirmasikan.",
    "Export the file again from the original data: set the column's format to Text before you fill in or "
    "open the file (Excel: Data > From Text/CSV > column type Text). If the file is right, confirm it.",
)

BY_FAULT: Final[Mapping[FileFault, BilingualText]] = {
    FileFault.EMPTY: BilingualText("Berkas kosong.", "The file is empty."),
    FileFault.COLUMN_UNKNOWN: BilingualText(
        f"Kolom ini tidak dikenal. Yang dikenal: {KNOWN_COLUMNS}.",
        f"This column is not known. These are: {KNOWN_COLUMNS}.",
    ),
    FileFault.COLUMN_TWICE: BilingualText("Kolom ini ada dua kali.", "This column is there twice."),
    FileFault.COLUMN_MISSING: BilingualText("Kolom ini tidak ada.", "This column is missing."),
}
BY_HOLD: Final[Mapping[HoldReason, BilingualText]] = {
    HoldReason.LAST_DIGITS_LOST: BilingualText(
        "Hampir semua NIK di berkas ini berakhir dengan 0: Excel hanya menyimpan 15 angka dan mengganti "
        f"angka terakhir NIK dengan 0. {AS_TEXT.id}",
        "Nearly all NIKs in this file end in 0: Excel keeps only 15 digits and replaces the last digit of a "
        f"NIK by 0. {AS_TEXT.en}",
    ),
    HoldReason.SCIENTIFIC_NOTATION: BilingualText(
        "Berkas ini berisi angka seperti 3,19935E+15: Excel telah menyingkat NIK atau nomor telepon. "
        f"{AS_TEXT.id}",
        "This file contains numbers such as 3.19935E+15: Excel has shortened NIKs or phone numbers. "
        f"{AS_TEXT.en}",
    ),
}


def hold_message(fault: str | None) -> BilingualText:
    """Return the sentence about the `fault` of a held import."""
    assert fault is not None, "a held import has its reason as its fault"
    return BY_HOLD[HoldReason(fault)]
