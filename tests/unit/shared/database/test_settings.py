"""The settings of a database are validated at the start, and no text reveals the password."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_settings import SettingsConfigDict

from database.address import DatabaseAddress
from database.settings import DatabaseSettings
from settings.loader import load

AWKWARD = "p/a+s=s@w%o:r d?#&\"'\\"
PASSWORD = AWKWARD + "-of-a-test"


class ShopSettings(DatabaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")


def settings(**changed: str) -> dict[str, str]:
    """Return valid settings, with some values replaced; names are without their prefix."""
    address = DatabaseAddress((("127.0.0.1", 5432),), "shop", "shop", PASSWORD)
    return address.environment("shop") | {f"SHOP_DATABASE_{name}": value for name, value in changed.items()}


def loaded(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> DatabaseAddress:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load(ShopSettings).database


@given(name=st.text("/+=@%: a", min_size=1), user=st.text("/+=@%: b", min_size=1))
def test_the_settings_of_an_address_give_the_same_address(name: str, user: str) -> None:
    address = DatabaseAddress((("db-1", 5432), ("::1", 6432)), name, user, PASSWORD, "require")

    with pytest.MonkeyPatch.context() as monkeypatch:
        assert loaded(monkeypatch, address.environment("shop")) == address


def test_the_password_is_read_from_a_secret_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop_database_password").write_text(PASSWORD + "\n")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

    address = loaded(monkeypatch, settings(PASSWORD=""))

    assert address.password == PASSWORD


def test_the_default_is_tls_with_a_verified_name(monkeypatch: pytest.MonkeyPatch) -> None:
    options = loaded(monkeypatch, settings(SSLMODE="")).asyncpg_options()

    assert options["ssl"].check_hostname


def test_neither_the_text_of_an_address_nor_that_of_the_settings_contains_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = loaded(monkeypatch, settings())

    text = repr(address) + str(address) + repr(load(ShopSettings))

    assert not reveals(text, PASSWORD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOSTS", "db"),
        ("HOSTS", "db:5432,"),
        ("HOSTS", "db:0"),
        ("HOSTS", "db:65536"),
        ("HOSTS", "::1:5432"),
        ("HOSTS", "/var/run/postgresql:5432"),
        ("HOSTS", f"postgresql://shop:{PASSWORD}@db:5432/shop"),
        ("NAME", ""),
        ("NAME", "n" * 64),
        ("USER", ""),
        ("PASSWORD", ""),
        ("SSLMODE", "prefer"),
        ("CA", "/etc/hostname"),
    ],
)
def test_an_invalid_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        loaded(monkeypatch, settings(**{name: value}))

    message = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"SHOP_DATABASE_{name}" in message
    assert not reveals(message, PASSWORD)


@pytest.mark.parametrize("content", ["", "no certificate", None])
def test_a_file_of_authorities_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(SystemExit):
        loaded(monkeypatch, settings(SSLMODE="verify-full", CA=str(path)))

    assert "SHOP_DATABASE_CA" in capsys.readouterr().err


def reveals(text: str, password: str) -> bool:
    """Whether the text contains four successive characters of the password."""
    return any(password[start : start + 4] in text for start in range(len(password) - 3))
