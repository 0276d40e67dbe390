"""The Indonesian and English sentence about a row's fault, by its code. No sentence contains a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from problems.validation_messages import BY_TYPE, DEFAULT
from registration.domain.decision import Reason
from registration.imports.row_validation import RowFault
from registration.requests.field_error_messages import BY_CODE, BilingualText

BY_REASON: Final[Mapping[str, BilingualText]] = {
    **{code: BilingualText(text["id"], text["en"]) for code, text in BY_TYPE.items()},
    **BY_CODE,
    RowFault.UNREADABLE: BilingualText(
        "Tanda kutip tidak ditutup atau diikuti teks lain, atau baris terlalu panjang.",
        "A quotation mark is not closed or is followed by text, or the line is too long.",
    ),
    RowFault.CELLS: BilingualText(
        "Jumlah sel tidak sama dengan jumlah judul kolom.",
        "The row has more or fewer cells than the heading.",
    ),
    RowFault.NO_HEADING: BilingualText(
        "Ada isi di kolom tanpa judul.", "There is a value in a column without a heading."
    ),
    RowFault.NOT_UTF8: BilingualText(
        "Ada huruf yang rusak: simpan kembali sebagai UTF-8.", "A letter is damaged: save the file as UTF-8."
    ),
    RowFault.DUPLICATE: BilingualText(
        "NIK ini sudah ada di baris sebelumnya.", "An earlier row of this file has the same NIK."
    ),
    RowFault.UNSTORABLE: BilingualText(
        "Baris ini tidak dapat disimpan.", "The database could not store this row."
    ),
    RowFault.DIFFERS: BilingualText(
        "Data di register berbeda dan tidak diubah: betulkan lewat petugas.",
        "The register has another value, which stays: an officer corrects the person.",
    ),
    "region_ambiguous": BilingualText(
        "Beberapa kelurahan bernama sama: tambahkan kecamatan atau kota.",
        "Several kelurahan have this name: add the kecamatan or city.",
    ),
    "cell_merged": BilingualText(
        "Sel ini digabung dengan sel lain: pisahkan dan isi setiap baris.",
        "This cell is merged with another: separate them and fill in each row.",
    ),
    "formula_without_value": BilingualText(
        "Rumus di sel ini belum dihitung: buka dan simpan berkas dengan Excel atau LibreOffice.",
        "The formula in this cell was not computed: open and save the file in Excel or LibreOffice.",
    ),
    Reason.MERGED: BilingualText(
        "Data orang ini sudah digabung dengan data lain.", "This person was merged with another."
    ),
}


def reason_message(reason: str) -> BilingualText:
    """Return the sentence about a fault."""
    return BY_REASON.get(reason) or BilingualText(DEFAULT["id"], DEFAULT["en"])
