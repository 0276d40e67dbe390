"""Synthetic people have unique NIKs of a region that does not exist, and valid mobile numbers."""

from __future__ import annotations

from datetime import date

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.seed.synthetic_people import NIKS, person

INDEXES = st.integers(0, NIKS - 1)


@given(INDEXES, INDEXES, st.integers(0, 99))
def test_two_people_of_one_seed_never_share_a_nik(index: int, other: int, seed: int) -> None:
    assert (person(index, seed).nik == person(other, seed).nik) == (index == other)


@given(INDEXES, st.integers(0, 99))
def test_a_nik_has_the_region_that_does_not_exist_and_a_real_date(index: int, seed: int) -> None:
    nik = person(index, seed).nik

    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    assert len(nik) == 16
    assert nik.startswith("3199")
    assert nik[12:] != "0000"
    date(1900 + year if year >= 50 else 2000 + year, month, day - 40 if day > 40 else day)


@given(INDEXES)
def test_a_phone_is_a_valid_indonesian_mobile(index: int) -> None:
    number = phonenumbers.parse(person(index, 7).phone)

    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE


def test_the_same_index_and_seed_give_the_same_person_and_half_are_women() -> None:
    people = [person(index, 7) for index in range(2000)]

    assert people == [person(index, 7) for index in range(2000)]
    assert 900 < sum(int(resident.nik[6:8]) > 40 for resident in people) < 1100


def test_an_index_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="numbered"):
        person(NIKS, 7)
