"""Settings come from the environment or secret files, and all invalid settings are reported at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kafka.settings import KafkaSettings
from settings.loader import Settings, load


class ShopSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")

    port: int = 8001
    url: str
    workers: int = Field(default=1, ge=1)


class StallSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="STALL_")

    shelves: dict[str, str]


def test_a_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "postgresql://here")

    settings = load(ShopSettings)

    assert (settings.url, settings.port) == ("postgresql://here", 8001)


def test_a_setting_is_read_from_a_secret_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop_url").write_text("postgresql://secret\n")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

    settings = load(ShopSettings)

    assert settings.url == "postgresql://secret"


def test_all_invalid_settings_of_all_classes_are_reported_in_one_message_without_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOP_PORT", "no-port")
    monkeypatch.setenv("SHOP_WORKERS", "0")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "s3cret no address")

    with pytest.raises(SystemExit) as ended:
        load(ShopSettings, KafkaSettings)

    message = capsys.readouterr().err
    assert ended.value.code == 2
    for name in ("SHOP_PORT", "SHOP_URL", "SHOP_WORKERS", "KAFKA_BOOTSTRAP_SERVERS"):
        assert name in message
    assert "s3cret" not in message
    assert "no-port" not in message


def test_sasl_without_credentials_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")

    with pytest.raises(SystemExit):
        load(KafkaSettings)

    assert "KAFKA_SASL_USERNAME" in capsys.readouterr().err


def test_topics_carry_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092,127.0.0.2:9092")
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", "test7.")

    kafka = load(KafkaSettings)

    assert kafka.topic("region-counts") == "test7.region-counts"
    assert kafka.client_options()["bootstrap_servers"] == "127.0.0.1:9092,127.0.0.2:9092"


def test_a_secrets_dir_that_does_not_exist_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "nowhere"))

    with pytest.raises(SystemExit) as ended:
        load(ShopSettings)

    assert ended.value.code == 2
    assert f"SECRETS_DIR: {tmp_path / 'nowhere'} is no directory" in capsys.readouterr().err


def test_a_secret_file_that_is_no_json_is_reported_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "stall_shelves").write_text('{"a": "s3cret')
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

    with pytest.raises(SystemExit):
        load(StallSettings)

    message = capsys.readouterr().err
    assert "shelves" in message
    assert "s3cret" not in message


def test_a_secret_file_that_is_no_text_is_named_and_nothing_of_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop_url").write_bytes(b"\xff\xfes3cret")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

    with pytest.raises(SystemExit) as ended:
        load(ShopSettings)

    message = capsys.readouterr().err
    assert ended.value.code == 2
    assert 'field "url"' in message
    assert "no UTF-8 text" in message
    assert "s3cret" not in message
