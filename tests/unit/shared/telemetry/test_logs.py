"""No personal data reaches a log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry.logs import redact

NIKS = st.from_regex(r"3199[0-9]{12}", fullmatch=True)
PHONES = st.from_regex(r"(\+62|0)8[1-9][0-9]{7,9}", fullmatch=True)


@given(st.one_of(NIKS, PHONES), st.sampled_from(["{}", "failed: ({}) exists", "a {} b", "'{}'"]))
def test_a_nik_or_phone_number_is_redacted_anywhere_in_a_value(personal: str, around: str) -> None:
    entry = redact(None, "info", {"event": around.format(personal), "reason": personal})

    assert personal not in str(entry)


def test_values_under_personal_keys_are_redacted() -> None:
    entry = redact(None, "info", {"event": "stored", "name": "Peserta Contoh", "records": 3})

    assert entry == {"event": "stored", "name": "[redacted]", "records": 3}
