import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.names import TextFault, fault, normalize


@given(st.text(max_size=20))
def test_a_valid_name_stays_valid_when_normalised_and_can_be_encoded(text: str) -> None:
    if fault(text) is None:
        name = normalize(text)
        assert name
        assert "\0" not in name
        assert name == name.strip()
        assert fault(name) is None
        assert normalize(name) == name
        name.encode()


@given(
    st.text(max_size=5),
    st.sampled_from("\0\x01\n\r\t\x7f\x85\u2028\u2029\u202e\u2067\ud800"),
    st.text(max_size=5),
)
def test_a_control_character_anywhere_makes_a_name_invalid(before: str, control: str, after: str) -> None:
    assert fault(before + control + after) in (TextFault.CONTROL, TextFault.BLANK)


@pytest.mark.parametrize(
    "text", ["", " ", "\u00a0", "\u3000 ", "-", "…", "\u200b\u200b", "0", "2021", "\u3164"]
)
def test_a_name_without_a_visible_letter_is_blank(text: str) -> None:
    assert fault(text) is TextFault.BLANK


@pytest.mark.parametrize(
    "text",
    ["#N/A", "#REF!", "#NAME?", "#DIV/0!", " #value! ", "Err:502", "NULL", "nan", "None", "\u200bNaN", "N/A"],
)
def test_errors_and_placeholders_of_programs_are_no_names(text: str) -> None:
    assert fault(text) is TextFault.PLACEHOLDER


def test_a_lost_letter_is_refused() -> None:
    assert fault("Ren\ufffd") is TextFault.REPLACEMENT


def test_invisible_characters_are_removed() -> None:
    assert normalize("\ufeffSiti\u200b \u00adAminah\u2060") == "Siti Aminah"


@pytest.mark.parametrize("text", ["#JagaJakarta", "Nana", "Nullah", "Naan Corner"])
def test_names_that_only_resemble_a_placeholder_are_valid(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    "text", ["Peserta Contoh", "Siti Nur'aini", "Warung 99", "Ünïcödé", "王小明", "M. Ali, S.E."]
)
def test_usual_names_of_people_and_businesses_are_valid_and_unchanged(text: str) -> None:
    assert fault(text) is None
    assert normalize(text) == text
