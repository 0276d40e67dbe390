"""Tests the alert e-mails word for word, in both languages."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from notifier.channels.email_content import EmailContent
from notifier.domain.alert_evidence import AlertEvidence
from notifier.i18n import Wording
from tests.support.samples.milestones import REGIONS, attempt, evidence, official

GOLDEN = Path(__file__).with_name("golden")
FEST = {"id": "Jakpreneur Fest 2021", "en": "Jakpreneur Fest 2021"}


def email_content(with_link: bool = True) -> EmailContent:
    link = (lambda message: f"https://notifier.example/ack/{str(message)[:8]}") if with_link else None
    return EmailContent(Wording(REGIONS, {"fest": FEST}), "https://board.example", link)


def several_alerts() -> tuple[AlertEvidence, ...]:
    numbers = (uuid.UUID(int=number) for number in range(1, 10))
    counts = {"count": 281_812, "value": 281_812}
    return (
        evidence(id=next(numbers), **counts),
        evidence(
            id=next(numbers), rule="province-steps", threshold=210_000, percent=None, target=None, **counts
        ),
        evidence(
            id=next(numbers),
            region="31.71",
            threshold=14_957,
            percent=75,
            target=19_942,
            count=28_100,
            value=28_100,
        ),
        evidence(
            id=next(numbers),
            measure="step:P2",
            threshold=100_000,
            percent=None,
            target=None,
            count=176_891,
            value=176_891,
        ),
        evidence(
            id=next(numbers),
            scope="campaign:fest-2021",
            region="31.71.06.1003",
            threshold=500,
            percent=None,
            target=None,
            epoch="fest",
            epoch_name="fest",
            count=900,
            value=512,
        ),
    )


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("case", ["single", "several", "repeated"])
def test_an_email_equals_its_golden_text(language: str, case: str) -> None:
    alerts = several_alerts() if case == "several" else (evidence(),)

    email = email_content(case != "repeated").compose(
        attempt(*alerts, repeated=case == "repeated"), official(language=language)
    )

    text = f"Subject: {email.subject}\n\n{email.body}"
    assert text == (GOLDEN / f"{case}.{language}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("alert", "subject"),
    [
        (evidence(), "DKI Jakarta mencapai target 200.000 peserta terdaftar"),
        (
            evidence(percent=75, threshold=150_000),
            "DKI Jakarta mencapai 75% target: 150.000 peserta terdaftar",
        ),
        (evidence(percent=None, region="31.71.06"), "Kecamatan Menteng mencapai 200.000 peserta terdaftar"),
        (evidence(percent=None, region="31.99.01"), "31.99.01 mencapai 200.000 peserta terdaftar"),
        (
            evidence(percent=None, scope="agency:ppkukm", measure="step:P7", threshold=1_000),
            "DKI Jakarta mencapai 1.000 peserta selesai P7 (permodalan) (instansi ppkukm)",
        ),
        (
            evidence(percent=None, epoch="fest.2", epoch_name="fest", threshold=500),
            "DKI Jakarta bertambah 500 peserta terdaftar sejak Jakpreneur Fest 2021",
        ),
    ],
)
def test_the_subject_states_the_fact(alert: AlertEvidence, subject: str) -> None:
    assert email_content().compose(attempt(alert), official()).subject == subject


@pytest.mark.parametrize(
    ("language", "same_count", "as_of"),
    [("en", "in the same count", "As of"), ("id", "pada hitungan yang sama", "Data per")],
)
def test_a_letter_about_several_cuts_dates_each_alert(language: str, same_count: str, as_of: str) -> None:
    alerts = (evidence(id=uuid.UUID(int=1), cut="7.1"), evidence(id=uuid.UUID(int=2), threshold=1, cut="7.2"))

    body = email_content().compose(attempt(*alerts), official(language=language)).body

    assert same_count not in body
    assert body.count(as_of) == 2
    assert "7.1\n" in body
    assert "7.2\n" in body
