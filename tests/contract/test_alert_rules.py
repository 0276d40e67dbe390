"""The alert rules fire as their tests expect, use metrics that exist, and link to the runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.contract_documents import ROOT
from tests.support.settings_and_metrics import metrics

FOLDER = ROOT / "deploy" / "prometheus"
WORDS = {"max", "sum", "by", "time", "or", "and", "absent", "offset", "vector", "m", "h", "increase", "rate"}
WORDS |= {"histogram_quantile"}
# Metrics that no service declares, because Prometheus itself creates them for each target.
BUILT_IN = {"up"}


def promtool(*arguments: str) -> str:
    """Run promtool and return its output; fail the test if promtool fails."""
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.needs("promtool")
def test_prometheus_accepts_the_settings_and_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


@pytest.mark.needs("promtool")
def test_each_alert_fires_when_it_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_each_alert_has_a_test_that_it_fires_and_one_that_it_does_not() -> None:
    document = yaml.safe_load((FOLDER / "alerts_test.yml").read_text("utf-8"))
    cases = [case for test in document["tests"] for case in test["alert_rule_test"]]

    names = {rule["alert"] for rule in alerts()}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_each_alert_has_a_summary_in_both_languages_and_a_runbook_heading() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE)
    for rule in alerts():
        annotations = rule["annotations"]
        assert annotations["summary_id"]
        assert annotations["summary_en"]
        page, _, heading = annotations["runbook"].partition("#")
        assert page == "docs/runbook.md"
        assert heading in headings, rule["alert"]


def test_each_alert_uses_only_metrics_that_the_services_declare() -> None:
    known = {metric.name for metric in metrics()} | BUILT_IN
    for rule in alerts():
        labels_cut = re.sub(r"\{[^}]*\}|by \([^)]*\)", "", rule["expr"])
        used = {name.removesuffix("_bucket") for name in re.findall(r"[a-z_]+", labels_cut)} - WORDS
        assert used, rule["alert"]
        assert used <= known, rule["alert"]


def test_every_process_of_the_compose_file_that_has_metrics_is_scraped() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    processes = {
        (name, service["environment"]["HEALTH_PORT"])
        for name, service in compose["services"].items()
        if "HEALTH_PORT" in service.get("environment", {})
    }
    settings = yaml.safe_load(Path(FOLDER / "prometheus.yml").read_text("utf-8"))
    scraped = {
        (name, found["port"])
        for job in settings["scrape_configs"]
        for found in job["dns_sd_configs"]
        for name in found["names"]
    }

    assert len(processes) == 7
    assert scraped == processes
    assert {job["job_name"] for job in settings["scrape_configs"]} == {name for name, _ in processes}
