import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.phone import LENGTH_MAX, PLAIN_MOBILE, e164, masked


@given(st.from_regex(r"\+62[0-9]{6,14}", fullmatch=True))
def test_the_quick_pattern_never_accepts_what_the_library_refuses(text: str) -> None:
    if PLAIN_MOBILE.fullmatch(text):
        assert phonenumbers.is_valid_number(phonenumbers.parse(text, None))
        assert (
            phonenumbers.format_number(phonenumbers.parse(text, None), phonenumbers.PhoneNumberFormat.E164)
            == text
        )


@given(st.text(max_size=LENGTH_MAX + 2))
def test_whatever_is_accepted_is_e164_and_stays_what_it_is(text: str) -> None:
    number = e164(text)

    if number is not None:
        assert number.startswith("+")
        assert number[1:].isdigit()
        assert e164(number) == number


@pytest.mark.parametrize("text", ["0812-3456-789", "+62 812 3456 789", "628123456789", "(0812) 3456789"])
def test_a_number_is_read_however_it_is_written_in_indonesia(text: str) -> None:
    assert e164(text) == "+628123456789"


@pytest.mark.parametrize(
    "text", ["", "08", "0812345", "bukan nomor", "+62 8999", "+1 000 000 0000", "0" * 40]
)
def test_a_number_that_cannot_exist_is_refused(text: str) -> None:
    assert e164(text) is None


def test_a_masked_number_shows_operator_and_three_digits() -> None:
    assert masked("+628123456789") == "+62812****789"
    assert masked("+62110") == "******"
