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


@pytest.mark.parametrize(
    "text",
    [
        "0812345678 Ani",
        "0812 3456 7XXX",
        "0812345678O0",
        "0812345678/9",
        "081234567890 / 081298765432",
        "081234567890, 081298765432",
        "021-1234567 ext 5",
        "8,12E+10",
        "31.71.01.1001",
        "3171011001",
        "3199014101900000",
    ],
)
def test_a_text_that_is_not_exactly_one_number_is_rejected(text: str) -> None:
    assert e164(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "81234567890.0",
        "081234567890.00",
        "6281234567890.0",
        "'081234567890",
        '="081234567890"',
        "+62 (0)812 3456 7890",
    ],
)
def test_what_spreadsheets_add_to_a_number_is_removed(text: str) -> None:
    assert e164(text) == "+6281234567890"


@given(st.from_regex(r"[+(]?[0-9]{1,3}[-0-9a-z .()/]{5,16}", fullmatch=True))
def test_the_written_digits_are_kept(text: str) -> None:
    number = e164(text)

    if number is not None:
        written = "".join(filter(str.isdigit, text.removesuffix(".0")))
        assert written.lstrip("0").removeprefix("62").lstrip("0") in number


def test_a_masked_number_shows_operator_and_three_digits() -> None:
    assert mask("+628123456789") == "+62812****789"
    assert mask("+62110") == "******"
