"""The Indonesian and English messages for invalid fields, by stable code. No message contains a value."""

from __future__ import annotations

from typing import Final, NamedTuple

from pydantic_core import PydanticCustomError

from problems.problem import invalid


class BilingualText(NamedTuple):
    """The same text in Indonesian and in English."""

    id: str
    en: str


BY_CODE: Final[dict[str, BilingualText]] = {
    "nik_digits": BilingualText("NIK harus 16 angka.", "A NIK has 16 digits."),
    "nik_date": BilingualText(
        "Tanggal lahir di dalam NIK tidak mungkin.", "The date of birth within the NIK is impossible."
    ),
    "nik_filler": BilingualText(
        "Ini deretan angka pengisi, bukan NIK.", "This is a series of filler digits, not a NIK."
    ),
    "nik_province": BilingualText(
        "NIK diawali kode provinsi yang tidak ada.", "The NIK begins with the code of no province."
    ),
    "phone": BilingualText(
        "Tulis satu nomor lengkap dengan kode area, tanpa huruf.",
        "Write one whole number with its area code, without letters.",
    ),
    "blank": BilingualText("Tidak boleh kosong.", "This must not be blank."),
    "placeholder": BilingualText(
        "Ini pesan kesalahan atau pengganti isian kosong, bukan nama.",
        "This is an error message or a mark for an empty cell, not a name.",
    ),
    "replacement_character": BilingualText(
        "Sebuah huruf hilang (\N{REPLACEMENT CHARACTER}): tulis kembali.",
        "A letter was lost (\N{REPLACEMENT CHARACTER}): write it again.",
    ),
    "occurred_at_format": BilingualText(
        "Tulis tanggal dan jam dengan zona waktu, misalnya 2021-10-21T19:30:00+07:00.",
        "Write date and time with a UTC offset, for example 2021-10-21T19:30:00+07:00.",
    ),
    "control_characters": BilingualText(
        "Mengandung karakter yang tidak diizinkan.", "This contains characters that are not allowed."
    ),
    "region_unknown": BilingualText("Kelurahan ini tidak ada.", "There is no such kelurahan."),
    "region_not_kelurahan": BilingualText(
        "Harus kelurahan, bukan wilayah di atasnya.", "This must be a kelurahan, not a region above it."
    ),
    "campaign_unknown": BilingualText("Kampanye ini tidak dikenal.", "This campaign is not known."),
    "agency_unknown": BilingualText("Dinas ini tidak dikenal.", "This agency is not known."),
    "consent_unknown": BilingualText(
        "Teks persetujuan ini tidak diterbitkan.", "This consent text was not published."
    ),
    "in_the_future": BilingualText(
        "Lebih dari 10 menit di masa depan.", "This is more than 10 minutes in the future."
    ),
    "too_long_ago": BilingualText("Terlalu lama berlalu.", "This is too long ago."),
    "too_far_ahead": BilingualText("Lebih dari setahun lagi.", "This is more than a year ahead."),
    "nothing_given": BilingualText("Tidak ada yang dibetulkan.", "Nothing to correct was given."),
}


def field_error(code: str) -> PydanticCustomError:
    """Create the error that a pydantic validator raises. `code` is a key of `BY_CODE`."""
    text = BY_CODE[code]
    return invalid(code, id=text.id, en=text.en)
