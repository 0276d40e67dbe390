"""The commands print every error in settings and rules, and exit with 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from database.address import DatabaseAddress

ROOT = Path(__file__).resolve().parents[4]


def notifier(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "notifier", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_missing_or_invalid_setting_is_reported_at_once() -> None:
    completed = notifier(
        "run", NOTIFIER_PORT="none", NOTIFIER_WEBHOOKS='{"a":{"url":"http://a","secret":"short"}}'
    )

    assert completed.returncode == 2
    for name in (
        "NOTIFIER_DATABASE_HOSTS",
        "NOTIFIER_RULES_FILE",
        "NOTIFIER_TARGETS_FILE",
        "NOTIFIER_PORT",
        "NOTIFIER_WEBHOOKS",
        "KAFKA_BOOTSTRAP_SERVERS",
    ):
        assert name in completed.stderr
    assert "short" not in completed.stderr


def test_a_webhook_in_the_rules_without_settings_is_reported() -> None:
    config = ROOT / "deploy" / "local" / "config"

    completed = notifier(
        "run",
        **DatabaseAddress((("127.0.0.1", 1),), "none", "notifier", "a-password-of-a-test").environment(
            "notifier"
        ),
        NOTIFIER_RULES_FILE=str(config / "rules.yaml"),
        NOTIFIER_TARGETS_FILE=str(config / "targets.yaml"),
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
    )

    assert completed.returncode == 2
    assert "control-room has no address in NOTIFIER_WEBHOOKS" in completed.stderr


def test_rules_check_reports_a_valid_file_or_every_error(tmp_path: Path) -> None:
    right = notifier("rules", "check", str(ROOT / "deploy" / "local" / "config" / "rules.yaml"))
    (tmp_path / "rules.yaml").write_text("rules: [{id: a, regions: ['31'], at: [0]}, {id: b}]")
    (tmp_path / "targets.yaml").write_text("[]")

    wrong = notifier("rules", "check", str(tmp_path / "rules.yaml"))

    assert (right.returncode, wrong.returncode) == (0, 2)
    assert "valid" in right.stdout
    assert "rules[0].at[0]" in wrong.stderr
    assert "rules[1]" in wrong.stderr
