"""Invariant 7 holds where nothing personal lies outside the register, and breaks wherever a piece does."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.invariants.personal_data import check_secrecy
from faults.client_load import CANARY_NAME, CANARY_NIK, CANARY_PHONE
from faults.tests.evidence_samples import event, topic

PIECES = [CANARY_NAME, "Sembunyi", CANARY_NIK, CANARY_PHONE, "3199015504901234", "+628241234567890"[:14]]


def test_events_and_logs_without_personal_data_hold(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(
        '{"event": "accepted", "id": "0192aaaa-3199-7001-8001-319901550490abcd"}'
    )

    assert check_secrecy({"participant-events": topic(event(0, 1))}, tmp_path).holds


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_on_a_topic_breaks_it(piece: str, tmp_path: Path) -> None:
    finding = check_secrecy({"milestones": topic(event(0, 1), f'{{"note": "{piece}"}}')}, tmp_path)

    assert len(finding.violations) == 1


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_in_a_file_breaks_it(piece: str, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1.eml").write_text(f"Subject: {piece}\n")

    finding = check_secrecy({}, tmp_path)

    assert [text.partition(":")[0] for text in finding.violations] == ["mail/1.eml"]


def test_a_file_on_its_way_into_the_register_may_hold_it(tmp_path: Path) -> None:
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports" / "people.csv").write_text(CANARY_NIK)

    assert not check_secrecy({}, tmp_path).violations


def test_nothing_read_proves_nothing(tmp_path: Path) -> None:
    assert not check_secrecy({}, tmp_path).holds
