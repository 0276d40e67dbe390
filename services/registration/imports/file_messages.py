"""The Indonesian and English sentences about a whole file: why it is refused or held, and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from registration.imports.file_faults import FileFault, FileNote, HoldReason, Note
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
    FileFault.SPREADSHEET_ENCRYPTED: BilingualText(
        "Berkas dilindungi kata sandi: simpan tanpa kata sandi.",
        "The file is protected by a password: save it without one.",
    ),
    FileFault.SPREADSHEET_TOO_LARGE: BilingualText(
        "Lembar ini terlalu besar: paling banyak 400.000 baris. Bagi menjadi beberapa berkas, atau simpan "
        "sebagai CSV.",
        "This sheet is too large: it may have 400,000 rows. Split it into several files, or save it as CSV.",
    ),
    FileFault.SPREADSHEET_UNREADABLE: BilingualText(
        "Berkas rusak atau bukan lembar kerja: simpan kembali sebagai .xlsx, .xls, .ods atau CSV.",
        "The file is damaged or no spreadsheet: save it again as .xlsx, .xls, .ods or CSV.",
    ),
    FileFault.SPREADSHEET_FORMULAS: BilingualText(
        "Terlalu banyak rumus tanpa hasil atau sel gabungan: buka dan simpan berkas dengan Excel atau "
        "LibreOffice.",
        "Too many formulas without a result or merged cells: open and save the file in Excel or LibreOffice.",
    ),
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
BY_NOTE: Final[Mapping[FileNote, BilingualText]] = {
    FileNote.SHEET_NOT_READ: BilingualText(
        "Hanya lembar pertama yang dibaca. Lembar lain di berkas ini tidak diimpor.",
        "Only the first sheet is read. The other sheets of this file are not imported.",
    ),
    FileNote.HIDDEN_ROWS: BilingualText(
        "Baris yang disembunyikan juga diimpor.", "Hidden rows are imported as well."
    ),
    FileNote.HIDDEN_COLUMNS: BilingualText(
        "Kolom yang disembunyikan juga dibaca.", "Hidden columns are read as well."
    ),
    FileNote.MERGED_CELLS: BilingualText(
        "Dari sel gabungan hanya sel pertama yang berisi. Baris lain dengan sel gabungan ditolak.",
        "Of merged cells only the first has the value. The other rows with merged cells are rejected.",
    ),
}


class NoteView(msgspec.Struct, frozen=True):
    """A note as responses have it: its code, what it is about, and its sentence in both languages."""

    code: str
    about: list[str]
    id: str
    en: str


def note_views(notes: Iterable[Note]) -> list[NoteView]:
    """Return the notes with their sentences."""
    return [NoteView(code.value, list(about), *BY_NOTE[code]) for code, about in notes]


def hold_message(fault: str | None) -> BilingualText:
    """Return the sentence about the `fault` of a held import."""
    assert fault is not None, "a held import has its reason as its fault"
    return BY_HOLD[HoldReason(fault)]
