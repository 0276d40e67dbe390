"""A secret that everybody can know or guess is refused, and no message contains it."""

from __future__ import annotations

import json

import pytest

from kafka.settings import KafkaSettings
from notifier.settings import NotifierSettings
from registration.settings import RegisterSettings, SecretSettings
from settings.loader import Settings, load

KEY = "ZGV2ZWxvcG1lbnQtb25seS1ub3QtZm9yLXBlb3BsZSE="
PUBLISHED = [
    (RegisterSettings, "REGISTRATION_DATABASE_PASSWORD", "development-only"),
    (SecretSettings, "REGISTRATION_SECRET_KEY", KEY),
    (NotifierSettings, "NOTIFIER_LINK_SECRET", "development-only-not-for-officials"),
    (NotifierSettings, "NOTIFIER_WEBHOOKS", json.dumps({"a": {"url": "http://a", "secret": f"whsec_{KEY}"}})),
    (KafkaSettings, "KAFKA_SASL_PASSWORD", "development-only"),
]


@pytest.mark.parametrize(("settings", "name", "value"), PUBLISHED, ids=[name for _, name, _ in PUBLISHED])
def test_a_published_value_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: type[Settings],
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit):
        load(settings)

    message = capsys.readouterr().err
    assert f"{name}: Value error, this value is public" in message
    assert value not in message


def test_a_secret_of_fewer_than_16_characters_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGISTRATION_DATABASE_PASSWORD", "fifteen-letters")

    with pytest.raises(SystemExit):
        load(RegisterSettings)

    message = capsys.readouterr().err
    assert "REGISTRATION_DATABASE_PASSWORD: Value error, must have at least 16 characters" in message
    assert "fifteen" not in message
