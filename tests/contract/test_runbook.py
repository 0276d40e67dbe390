"""Every command and every metric that the runbook names exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.contract_documents import ROOT
from tests.support.settings_and_metrics import metrics

TEXT = (ROOT / "docs" / "runbook.md").read_text("utf-8")
QUOTED = re.compile(r"`([^`]+)`")
METRIC = re.compile(r"[a-z]+(?:_[a-z]+)+")
PLACEHOLDERS = {"ID", "NAME", "P", "S", "…"}
FIELDS = {"audit_outcome"}
"""Words of this form that are fields of a record."""
POSTGRESQL = {
    "application_name",
    "pg_rewind",
    "pg_stat_replication",
    "remote_apply",
    "synchronous_commit",
    "synchronous_standby_names",
}
"""Words of this form that are settings, views, columns and programs of PostgreSQL."""


def commands() -> list[str]:
    """Return the operator commands of the runbook, without programs that read their output."""
    return sorted(
        {text.partition("|")[0].strip() for text in QUOTED.findall(TEXT) if text.startswith("./run ")}
    )


def split(command: str) -> tuple[str, list[str], list[str]]:
    """Return the package, the subcommands and the options of a command."""
    _, package, *words = shlex.split(command)
    subcommands = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    return package, subcommands, [word for word in words if word.startswith("--")]


@pytest.mark.parametrize("command", commands())
def test_each_command_exists_with_its_options(command: str) -> None:
    package, subcommands, options = split(command)

    done = subprocess.run(
        [sys.executable, "-m", package, *subcommands, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PATH": ""},
    )

    assert done.returncode == 0, done.stderr
    for option in options:
        assert option in done.stdout


def test_no_command_of_a_service_bypasses_the_front_door() -> None:
    assert "python -m" not in TEXT
    assert len(commands()) > 10


def named_metrics() -> Iterator[str]:
    for text in QUOTED.findall(TEXT):
        name = re.sub(r"\{.*\}.*", "", text)
        if METRIC.fullmatch(name):
            yield name


def test_each_metric_exists() -> None:
    assert set(named_metrics()) - FIELDS - POSTGRESQL <= {metric.name for metric in metrics()}
    assert len(set(named_metrics())) > 4
