import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.cipher import Cipher, WrongKeyError, secret_from_text

ONE, OTHER = Cipher(b"1" * 32), Cipher(b"2" * 32)


@given(st.text(), st.binary(max_size=8))
def test_what_is_sealed_opens_in_its_place_alone(text: str, place: bytes) -> None:
    sealed = ONE.seal(text, place)

    assert ONE.open(sealed, place) == text
    with pytest.raises(WrongKeyError):
        ONE.open(sealed, place + b"x")
    with pytest.raises(WrongKeyError):
        OTHER.open(sealed, place)
    with pytest.raises(WrongKeyError):
        ONE.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), place)


def test_the_same_text_sealed_twice_looks_different() -> None:
    assert ONE.seal("3199014101900000", b"nik") != ONE.seal("3199014101900000", b"nik")


@given(st.lists(st.binary(max_size=3), max_size=3), st.lists(st.binary(max_size=3), max_size=3))
def test_two_requests_have_one_fingerprint_only_if_all_their_parts_are_equal(
    one: list[bytes], other: list[bytes]
) -> None:
    assert (ONE.body_hmac(*one) == ONE.body_hmac(*other)) == (one == other)


def test_a_nik_has_one_fingerprint_under_a_key_and_another_under_another() -> None:
    assert ONE.nik_hmac("3199014101900000") == Cipher(b"1" * 32).nik_hmac("3199014101900000")
    assert ONE.nik_hmac("3199014101900000") != OTHER.nik_hmac("3199014101900000")
    assert ONE.nik_hmac("3199014101900000") != ONE.body_hmac(b"3199014101900000")
    assert ONE.key_id != OTHER.key_id


def test_a_file_has_the_same_fingerprint_however_it_is_cut() -> None:
    whole, pieces = ONE.file_hmac(), ONE.file_hmac()
    whole.update(b"name,nik")
    for piece in (b"name", b",nik"):
        pieces.update(piece)

    assert whole.hexdigest() == pieces.hexdigest()


def test_a_secret_is_32_bytes_in_base64() -> None:
    assert secret_from_text(base64.b64encode(b"s" * 32).decode()) == b"s" * 32
    for wrong in ("", "not base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(ValueError, match="must be"):
            secret_from_text(wrong)
