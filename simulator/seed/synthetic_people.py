"""Generates synthetic people, who do not exist; the same index and seed always give the same person.

A NIK consists of the issuing region 31.99, which does not exist, a kecamatan number, the date of birth (for
women with 40 added to the day) and a serial number from 0001. A phone number starts with +62 and a prefix
from 0824 to 0827. These prefixes are valid for mobile numbers, but no known operator uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd
from typing import Final

FIRST_BIRTH: Final = date(1950, 1, 1)
BIRTH_DAYS: Final = (date(2003, 12, 31) - FIRST_BIRTH).days + 1
DISTRICTS: Final = 80
SERIALS: Final = 9_999
NIKS: Final = DISTRICTS * BIRTH_DAYS * 2 * SERIALS
"""The number of different people: for a given seed, all indexes below NIKS have different NIKs."""

# Because the stride shares no factor with NIKS, it reaches every NIK once before it repeats a NIK.
_NIK_STRIDE: Final = 7_368_787_213
_SEED_STRIDE: Final = 1_000_003
assert gcd(_NIK_STRIDE, NIKS) == 1, "the stride must reach every NIK"

_PREFIXES: Final = ("824", "825", "826", "827")
_OPENINGS: Final = (
    "Wira", "Sastra", "Kirana", "Lingga", "Darma", "Surya", "Nara", "Candra", "Bima", "Arya", "Maya", "Ratna",
    "Jaya", "Tirta", "Kusuma", "Laras", "Puspa", "Satya", "Indra", "Gita", "Cahya", "Mega", "Rangga", "Sekar",
)  # fmt: skip
_ENDINGS: Final = (
    "wati", "sena", "ningrum", "dana", "putra", "rini", "loka", "nata", "santi", "warman", "dewi", "jaya",
    "karta", "yanti", "negara", "praba", "lestari", "guna", "murti", "asih",
)  # fmt: skip
_TRADES: Final = {
    "kuliner": ("Warung", "Dapur", "Kedai", "Katering"),
    "fesyen": ("Butik", "Konveksi", "Batik", "Penjahit"),
    "kerajinan": ("Kriya", "Anyaman", "Ukir", "Rajut"),
    "jasa": ("Bengkel", "Salon", "Binatu", "Percetakan"),
    "lainnya": ("Toko", "Kios", "Usaha", "Tani"),
}
CATEGORIES: Final = tuple(_TRADES)


@dataclass(frozen=True, slots=True)
class Person:
    """The personal and business data of a registration form."""

    name: str
    nik: str
    phone: str
    business_name: str
    category: str


def person(index: int, seed: int) -> Person:
    """Return the person with an index from 0 to NIKS - 1.

    Two people with the same seed never have the same NIK.
    """
    if not 0 <= index < NIKS:
        raise ValueError(f"people are numbered from 0 to {NIKS - 1:,}")
    bits = _mixed(index, seed)
    bits, first = divmod(bits, len(_OPENINGS))
    bits, middle = divmod(bits, len(_ENDINGS))
    bits, last = divmod(bits, len(_OPENINGS))
    bits, end = divmod(bits, len(_ENDINGS))
    bits, kind = divmod(bits, len(CATEGORIES))
    category = CATEGORIES[kind]
    trade = _TRADES[category][bits % 4]
    family = _OPENINGS[last] + _ENDINGS[end]
    return Person(
        name=f"{_OPENINGS[first]}{_ENDINGS[middle]} {family}",
        nik=_nik((index * _NIK_STRIDE + seed * _SEED_STRIDE) % NIKS),
        phone=f"+62{_PREFIXES[bits % 4]}{bits // 4 % 100_000_000:08d}",
        business_name=f"{trade} {_OPENINGS[first]}{index % 1000}",
        category=category,
    )


def _nik(number: int) -> str:
    number, serial = divmod(number, SERIALS)
    number, woman = divmod(number, 2)
    district, days = divmod(number, BIRTH_DAYS)
    birth = FIRST_BIRTH + timedelta(days=days)
    day = birth.day + 40 * woman
    return f"3199{district + 1:02d}{day:02d}{birth.month:02d}{birth.year % 100:02d}{serial + 1:04d}"


def _mixed(index: int, seed: int) -> int:
    """Return a pseudo-random 64-bit number, by the finalizer of SplitMix64 (Steele et al., 2014)."""
    word = (index * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03 + 1) & 0xFFFF_FFFF_FFFF_FFFF
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFF_FFFF_FFFF_FFFF
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & 0xFFFF_FFFF_FFFF_FFFF
    return word ^ (word >> 31)
