"""The letters, word for word, in both languages."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from notifier.channels.email_content import EmailContent
from notifier.i18n import Wording
from notifier.store.messages import Told
from tests.support.samples.milestones import REGIONS, attempt, official, told

GOLDEN = Path(__file__).with_name("golden")
FEST = {"id": "Jakpreneur Fest 2021", "en": "Jakpreneur Fest 2021"}


def letters(with_link: bool = True) -> EmailContent:
    link = (lambda message: f"https://notifier.example/ack/{str(message)[:8]}") if with_link else None
    return EmailContent(Wording(REGIONS, {"fest": FEST}), "https://board.example", link)


def many() -> tuple[Told, ...]:
    numbers = (uuid.UUID(int=number) for number in range(1, 10))
    big = {"count": 281_812, "value": 281_812}
    return (
        told(id=next(numbers), **big),
        told(id=next(numbers), rule="province-steps", threshold=210_000, percent=None, target=None, **big),
        told(
            id=next(numbers),
            region="31.71",
            threshold=14_957,
            percent=75,
            target=19_942,
            count=28_100,
            value=28_100,
        ),
        told(
            id=next(numbers),
            measure="step:P2",
            threshold=100_000,
            percent=None,
            target=None,
            count=176_891,
            value=176_891,
        ),
        told(
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
def test_a_letter_reads_word_for_word_as_agreed(language: str, case: str) -> None:
    alerts = many() if case == "several" else (told(),)

    letter = letters(case != "repeated").write(
        attempt(*alerts, repeated=case == "repeated"), official(language=language)
    )

    text = f"Subject: {letter.subject}\n\n{letter.body}"
    assert text == (GOLDEN / f"{case}.{language}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("alert", "subject"),
    [
        (told(), "DKI Jakarta mencapai target 200.000 peserta terdaftar"),
        (told(percent=75, threshold=150_000), "DKI Jakarta mencapai 75% target: 150.000 peserta terdaftar"),
        (told(percent=None, region="31.71.06"), "Kecamatan Menteng mencapai 200.000 peserta terdaftar"),
        (told(percent=None, region="31.99.01"), "31.99.01 mencapai 200.000 peserta terdaftar"),
        (
            told(percent=None, scope="agency:ppkukm", measure="step:P7", threshold=1_000),
            "DKI Jakarta mencapai 1.000 peserta selesai P7 (permodalan) (instansi ppkukm)",
        ),
        (
            told(percent=None, epoch="fest.2", epoch_name="fest", threshold=500),
            "DKI Jakarta bertambah 500 peserta terdaftar sejak Jakpreneur Fest 2021",
        ),
    ],
)
def test_the_subject_says_the_fact(alert: Told, subject: str) -> None:
    assert letters().write(attempt(alert), official()).subject == subject
