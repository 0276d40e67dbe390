import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.phone import LENGTH_MAX, PLAIN_MOBILE, e164, mask


@given(st.from_regex(r"\+62[0-9]{6,14}", fullmatch=True))
def test_the_fast_path_accepts_only_what_the_library_accepts(text: str) -> None:
    if PLAIN_MOBILE.fullmatch(text):
        assert phonenumbers.is_valid_number(phonenumbers.parse(text, None))
        assert (
            phonenumbers.format_number(phonenumbers.parse(text, None), phonenumbers.PhoneNumberFormat.E164)
            == text
        )


@given(st.text(max_size=LENGTH_MAX + 2))
def test_a_parsed_number_is_e164_and_parses_to_itself(text: str) -> None:
    number = e164(text)

    if number is not None:
        assert number.startswith("+")
        assert number[1:].isdigit()
        assert e164(number) == number


@pytest.mark.parametrize("text", ["0812-3456-789", "+62 812 3456 789", "628123456789", "(0812) 3456789"])
def test_indonesian_spellings_of_a_number_parse_to_the_same_e164(text: str) -> None:
    assert e164(text) == "+628123456789"


@pytest.mark.parametrize(
    "text", ["", "08", "0812345", "bukan nomor", "+62 8999", "+1 000 000 0000", "0" * 40]
)
def test_an_invalid_number_is_rejected(text: str) -> None:
    assert e164(text) is None


def test_a_masked_number_shows_operator_and_three_digits() -> None:
    assert mask("+628123456789") == "+62812****789"
    assert mask("+62110") == "******"
