import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.cipher import Cipher, WrongKeyError, secret_from_text

ONE, OTHER = Cipher(b"1" * 32), Cipher(b"2" * 32)


@given(st.text(), st.binary(max_size=8))
def test_a_sealed_value_opens_only_with_its_key_and_associated_data_and_unaltered(
    text: str, associated_data: bytes
) -> None:
    sealed = ONE.seal(text, associated_data)

    assert ONE.open(sealed, associated_data) == text
    with pytest.raises(WrongKeyError):
        ONE.open(sealed, associated_data + b"x")
    with pytest.raises(WrongKeyError):
        OTHER.open(sealed, associated_data)
    with pytest.raises(WrongKeyError):
        ONE.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), associated_data)


def test_sealing_a_text_twice_gives_different_values() -> None:
    assert ONE.seal("3199014101900000", b"nik") != ONE.seal("3199014101900000", b"nik")


@given(st.lists(st.binary(max_size=3), max_size=3), st.lists(st.binary(max_size=3), max_size=3))
def test_requests_have_equal_fingerprints_only_if_all_parts_are_equal(
    one: list[bytes], other: list[bytes]
) -> None:
    assert (ONE.body_hmac(*one) == ONE.body_hmac(*other)) == (one == other)


def test_the_fingerprint_of_a_nik_is_stable_and_depends_on_key_and_purpose() -> None:
    assert ONE.nik_hmac("3199014101900000") == Cipher(b"1" * 32).nik_hmac("3199014101900000")
    assert ONE.nik_hmac("3199014101900000") != OTHER.nik_hmac("3199014101900000")
    assert ONE.nik_hmac("3199014101900000") != ONE.body_hmac(b"3199014101900000")
    assert ONE.key_id != OTHER.key_id


def test_the_fingerprint_of_a_file_does_not_depend_on_its_blocks() -> None:
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
