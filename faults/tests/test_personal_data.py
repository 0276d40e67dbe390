"""Invariant 7 holds for topics and files without personal data; a NIK, phone number or name violates it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.invariants.personal_data import check_personal_data
from faults.running_system.client_load import CANARY_NAME, CANARY_NIK, CANARY_PHONE
from faults.tests.evidence_samples import event, topic

PERSONAL_DATA = [
    CANARY_NAME,
    "Sembunyi",
    CANARY_NIK,
    CANARY_PHONE,
    "3199015504901234",
    "+628241234567890"[:14],
]


def test_events_and_logs_without_personal_data_pass(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(
        '{"event": "accepted", "id": "0192aaaa-3199-7001-8001-319901550490abcd"}'
    )

    assert check_personal_data({"participant-events": topic(event(0, 1))}, tmp_path).holds


@pytest.mark.parametrize("text", PERSONAL_DATA)
def test_personal_data_in_a_topic_is_a_violation(text: str, tmp_path: Path) -> None:
    result = check_personal_data({"milestones": topic(event(0, 1), f'{{"note": "{text}"}}')}, tmp_path)

    assert len(result.violations) == 1


@pytest.mark.parametrize("text", PERSONAL_DATA)
def test_personal_data_in_a_file_is_a_violation(text: str, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1.eml").write_text(f"Subject: {text}\n")

    result = check_personal_data({}, tmp_path)

    assert [text.partition(":")[0] for text in result.violations] == ["mail/1.eml"]


def test_an_uploaded_import_file_may_contain_personal_data(tmp_path: Path) -> None:
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports" / "people.csv").write_text(CANARY_NIK)

    assert not check_personal_data({}, tmp_path).violations


def test_without_any_text_the_invariant_does_not_hold(tmp_path: Path) -> None:
    assert not check_personal_data({}, tmp_path).holds
