"""What is told of a field that is not valid, in Indonesian and English, by stable code. Never the value."""

from __future__ import annotations

from typing import Final, NamedTuple

from pydantic_core import PydanticCustomError

from problems.problem import invalid


class Sentence(NamedTuple):
    """One thing said, in both languages."""

    id: str
    en: str


BY_CODE: Final[dict[str, Sentence]] = {
    "nik_digits": Sentence("NIK harus 16 angka.", "A NIK has 16 digits."),
    "nik_date": Sentence(
        "Tanggal lahir di dalam NIK tidak mungkin.", "The date of birth within the NIK is impossible."
    ),
    "phone": Sentence("Nomor telepon ini tidak ada.", "This phone number cannot exist."),
    "blank": Sentence("Tidak boleh kosong.", "This must not be blank."),
    "control_characters": Sentence(
        "Mengandung karakter yang tidak diizinkan.", "This contains characters that are not allowed."
    ),
    "region_unknown": Sentence("Kelurahan ini tidak ada.", "There is no such kelurahan."),
    "region_not_kelurahan": Sentence(
        "Harus kelurahan, bukan wilayah di atasnya.", "This must be a kelurahan, not a region above it."
    ),
    "campaign_unknown": Sentence("Kampanye ini tidak dikenal.", "This campaign is not known."),
    "agency_unknown": Sentence("Dinas ini tidak dikenal.", "This agency is not known."),
    "consent_unknown": Sentence(
        "Teks persetujuan ini tidak diterbitkan.", "This consent text was not published."
    ),
    "in_the_future": Sentence(
        "Lebih dari 10 menit di masa depan.", "This is more than 10 minutes in the future."
    ),
    "too_long_ago": Sentence("Terlalu lama berlalu.", "This is too long ago."),
    "nothing_given": Sentence("Tidak ada yang dibetulkan.", "Nothing to correct was given."),
}


def error(code: str) -> PydanticCustomError:
    """The error for a validator to raise."""
    sentence = BY_CODE[code]
    return invalid(code, id=sentence.id, en=sentence.en)
