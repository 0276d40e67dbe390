import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.names import TextFault, fault, tidied


@given(st.text(max_size=20))
def test_what_is_accepted_can_be_stored_read_and_stays_accepted(text: str) -> None:
    if fault(text) is None:
        kept = tidied(text)
        assert kept
        assert "\0" not in kept
        assert kept == kept.strip()
        assert fault(kept) is None
        assert tidied(kept) == kept
        kept.encode()


@given(
    st.text(max_size=5),
    st.sampled_from("\0\x01\n\r\t\x7f\x85\u2028\u2029\u202e\u2067\ud800"),
    st.text(max_size=5),
)
def test_one_control_character_anywhere_spoils_a_name(before: str, control: str, after: str) -> None:
    assert fault(before + control + after) in (TextFault.CONTROL, TextFault.BLANK)


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "\u3000 ", "-", "…", "\u200b\u200b"])
def test_a_name_without_letter_or_digit_is_blank(text: str) -> None:
    assert fault(text) is TextFault.BLANK


@pytest.mark.parametrize(
    "text", ["Peserta Contoh", "Siti Nur'aini", "Warung 99", "Ünïcödé", "王小明", "M. Ali, S.E."]
)
def test_names_of_people_and_shops_are_accepted(text: str) -> None:
    assert fault(text) is None
    assert tidied(text) == text
