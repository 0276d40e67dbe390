"""The page's texts in Indonesian and English, and each language's formats of numbers, shares and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from board.regions import UNPLACED
from board.state.registration_rate import JAKARTA

LANGUAGES: Final = ("id", "en")
DASH: Final = "–"

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "id": {
        "title": "Jakpreneur: hitungan langsung",
        "live_count": "hitungan langsung",
        "skip": "Langsung ke angka",
        "registered_in": "Peserta terdaftar di {}",
        "of_target": "{percent} dari target {target}",
        "above": "melampaui target dengan {}",
        "below": "kurang {} peserta lagi",
        "no_target": "belum ada target",
        "today": "Hari ini",
        "pace": "Laju 15 menit",
        "per_minute": "{} per menit",
        "towards": "Menuju {}",
        "about": "sekitar {}",
        "unknown_eta": "belum dapat diperkirakan",
        "last_hour": "Pendaftar per menit, satu jam terakhir",
        "regions": "Menurut wilayah",
        "region": "Wilayah",
        "count": "Peserta",
        "share": "Capaian target",
        "target": "Target",
        "line": "garis: 100 %",
        "milestones": "Tonggak capaian terbaru",
        "no_milestones": "Belum ada tonggak yang tercapai.",
        "reached": "{region} mencapai {threshold} {measure}",
        "retracted": "dibatalkan",
        "registered": "peserta terdaftar",
        "step": "peserta selesai {}",
        "proof": "Bukti hitungan",
        "coverage": "Cakupan",
        "coverage_note": "bagian peristiwa diterima yang sudah terhitung",
        "drift": "Selisih audit",
        "checked": "diperiksa {}",
        "unchecked": "belum diperiksa",
        "cut": "Potongan data",
        "per": "per {}",
        "live": "Langsung",
        "catching_up": "Mengejar",
        "stale": "Basi",
        "live_note": "Angka mengikuti pendaftaran.",
        "catching_up_note": "Ada pendaftaran yang belum terhitung.",
        "stale_note": "Angka terakhir yang diterima; belum ada kabar baru.",
        "waiting": "Menunggu angka pertama",
        "language": "English",
    },
    "en": {
        "title": "Jakpreneur: live count",
        "live_count": "live count",
        "skip": "Skip to the numbers",
        "registered_in": "Participants registered in {}",
        "of_target": "{percent} of the target of {target}",
        "above": "{} above the target",
        "below": "{} to go",
        "no_target": "no target set",
        "today": "Today",
        "pace": "Pace, 15 minutes",
        "per_minute": "{} a minute",
        "towards": "Towards {}",
        "about": "about {}",
        "unknown_eta": "cannot be told yet",
        "last_hour": "Registrations per minute, last hour",
        "regions": "By region",
        "region": "Region",
        "count": "Participants",
        "share": "Share of target",
        "target": "Target",
        "line": "line: 100%",
        "milestones": "Latest milestones",
        "no_milestones": "No milestone has been reached yet.",
        "reached": "{region} reached {threshold} {measure}",
        "retracted": "retracted",
        "registered": "registered participants",
        "step": "participants through {}",
        "proof": "Proof of the count",
        "coverage": "Coverage",
        "coverage_note": "share of accepted events that is counted",
        "drift": "Audit drift",
        "checked": "checked {}",
        "unchecked": "not checked yet",
        "cut": "Cut",
        "per": "as of {}",
        "live": "Live",
        "catching_up": "Catching up",
        "stale": "Stale",
        "live_note": "The numbers follow registration.",
        "catching_up_note": "Some registrations are not counted yet.",
        "stale_note": "The last numbers received; nothing newer has been heard.",
        "waiting": "Waiting for the first numbers",
        "language": "Bahasa Indonesia",
    },
}

ENGLISH_NAMES: Final[Mapping[str, str]] = {
    "31.01": "Thousand Islands",
    "31.71": "Central Jakarta",
    "31.72": "North Jakarta",
    "31.73": "West Jakarta",
    "31.74": "South Jakarta",
    "31.75": "East Jakarta",
    UNPLACED: "Areas not yet known",
}

_MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def number(value: int, language: str) -> str:
    """Return a number as text: 281.812 in Indonesian, 281,812 in English."""
    return f"{value:,}".replace(",", ".") if language == "id" else f"{value:,}"


def signed(value: int, language: str) -> str:
    """Return a number with its sign as text: +1.840 in Indonesian, +1,840 in English."""
    return ("+" if value >= 0 else "−") + number(abs(value), language)


def share(part: float, whole: float, places: int, language: str) -> str:
    """Return `part` ÷ `whole` in percent as text, truncated to `places` decimals.

    The share is not rounded, because rounding up would turn 99,96 % into 100 %. If `part` is negative or
    `whole` is 0, the share is 0 %.
    """
    # Binary fractions can be slightly too low: 0.57 * 100 is below 57 and would be truncated to 56. The 1e-9
    # compensates for this.
    scaled = int(max(part, 0) * 100 * 10**places / whole + 1e-9) if whole else 0
    digits, rest = divmod(scaled, 10**places)
    decimals = f"{rest:0{places}d}".rstrip("0")
    text = number(digits, language) + (("," if language == "id" else ".") + decimals if decimals else "")
    return f"{text} %" if language == "id" else f"{text}%"


def date_of(time: datetime, language: str) -> str:
    """Return the date in Jakarta as text: 24 Oktober 2021, or 24 October 2021."""
    local = time.astimezone(JAKARTA)
    return f"{local.day} {_MONTHS[language][local.month - 1]} {local.year}"


def clock_of(time: datetime, language: str, *, seconds: bool = True) -> str:
    """Return the time of day in Jakarta as text: 19.05.01 WIB in Indonesian, 19:05:01 WIB in English."""
    local = time.astimezone(JAKARTA)
    text = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return (text.replace(":", ".") if language == "id" else text) + " WIB"


def moment(time: datetime, now: datetime, language: str) -> str:
    """Return the time of day without seconds. If its date is not the date of `now`, the date comes first."""
    clock = clock_of(time, language, seconds=False)
    same_day = time.astimezone(JAKARTA).date() == now.astimezone(JAKARTA).date()
    return clock if same_day else f"{date_of(time, language)}, {clock}"
