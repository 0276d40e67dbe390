"""An installation in containers has secrets of its own, which the services accept and which never change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.secret_volumes import SERVERS, VOLUMES, create_secrets
from notifier.settings import NotifierSettings
from registration.settings import RegisterSettings, SecretSettings
from settings.loader import load
from tests.support.contract_documents import ROOT

AUTHORITY = {"authority/authority.key", "authority/authority.pem"}
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.glob("*/*")}


def test_the_secrets_of_two_installations_differ_and_a_second_start_changes_none(tmp_path: Path) -> None:
    for name in ("one", "two", "one"):
        before = contents(tmp_path / name)
        for volume in VOLUMES:
            (tmp_path / name / volume).mkdir(parents=True, exist_ok=True)
        create_secrets(tmp_path / name, NOW)
        assert before == {} or before == contents(tmp_path / name)

    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    listed = {f"{volume}/{name}" for volume in VOLUMES for name in VOLUMES[volume]}
    assert one.keys() == two.keys() == listed | SERVERS.keys() | AUTHORITY
    assert not set(one.values()) & set(two.values())


def test_the_services_accept_the_created_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for volume in VOLUMES:
        (tmp_path / volume).mkdir()
    create_secrets(tmp_path, NOW)
    for service in ("REGISTRATION", "NOTIFIER"):
        for name, value in (("HOSTS", "db:5432"), ("NAME", "n"), ("USER", "u"), ("SSLMODE", "disable")):
            monkeypatch.setenv(f"{service}_DATABASE_{name}", value)
    monkeypatch.setenv("NOTIFIER_RULES_FILE", "rules.yaml")
    monkeypatch.setenv("NOTIFIER_TARGETS_FILE", "targets.yaml")

    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "registration-api"))
    register, secrets = load(RegisterSettings, SecretSettings)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "notifier"))
    notifier = load(NotifierSettings)

    assert (
        register.database.password
        == (tmp_path / "registration-api/registration_database_password").read_text()
    )
    assert len(secrets.secret) == 32
    webhook = notifier.webhooks["control-room"].secret.get_secret_value()
    assert webhook == (tmp_path / "webhooks" / "webhook_secret").read_text()
    assert json.loads((tmp_path / "notifier" / "notifier_webhooks").read_text())["control-room"]["url"]


def test_the_compose_file_holds_no_default_of_a_secret() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")

    assert "development-only" not in text
    for line in text.splitlines():
        assert not ("PASSWORD" in line and ":-" in line), line
