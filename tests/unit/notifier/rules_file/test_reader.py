"""The rules file is checked strictly, and every error is reported with its path."""

# ruff: noqa: E501 - one error per line reads as a table

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from localization.region_names import load_region_names
from notifier.domain.alerts import Channel
from notifier.domain.rules import At, Every, PercentOfTarget
from notifier.rules_file.reader import InvalidRulesError, Rules, load_rules
from settings.contract_files import contract_path
from tests.support.samples.milestones import REGIONS

TARGETS = '- {region: "31", value: 200000, by: 2022-12-31}'
RULE = 'rules: [{id: province, regions: ["31"], at: [10, 20]}]'


def load(folder: Path, rules: str, targets: str = TARGETS) -> Rules:
    (folder / "rules.yaml").write_text(textwrap.dedent(rules), encoding="utf-8")
    (folder / "targets.yaml").write_text(textwrap.dedent(targets), encoding="utf-8")
    return load_rules(folder / "rules.yaml", folder / "targets.yaml", REGIONS)


def errors_of(folder: Path, rules: str, targets: str = TARGETS) -> list[str]:
    with pytest.raises(InvalidRulesError) as caught:
        load(folder, rules, targets)
    return list(caught.value.errors)


def test_the_local_rules_are_valid() -> None:
    config = Path(__file__).parents[4] / "deploy" / "local" / "config"

    rules = load_rules(
        config / "rules.yaml", config / "targets.yaml", load_region_names(contract_path("regions.csv"))
    )

    cities = {region: value for (_, region, _), value in rules.targets.items() if region != "31"}
    assert sum(cities.values()) == rules.targets["all", "31", "registered"] == 200_000
    assert len(cities) == 6


def test_the_channels_of_an_official_follow_each_other_in_their_order(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        RULE
        + """
officials:
  - id: governor
    role: {id: Gubernur, en: Governor}
    address: governor@example.org
    fallbacks: [{webhook: duty-phone}, {address: aide@example.org}]
    within: ["31"]
""",
    )

    _, second, third = rules.recipients
    assert (second.id, second.channel, second.endpoint) == (
        "official:governor/webhook:duty-phone",
        Channel.WEBHOOK,
        "duty-phone",
    )
    assert (third.id, third.channel, third.address) == (
        "official:governor/3",
        Channel.EMAIL,
        "aide@example.org",
    )
    assert [rules.next_recipient(recipient.id) for recipient in rules.recipients] == [second, third, None]
    assert [recipient.receives("31", "province") for recipient in rules.recipients] == [True, False, False]


def test_each_kind_of_threshold_is_read(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        """
        epochs: [{name: fest, title: {id: Fest, en: Fest}, opens: 2021-10-24T00:00:00+07:00}]
        rules:
          - {id: a, regions: ["31"], at: [10, 20], rearm_margin: 5}
          - {id: b, level: city, every: 1000, above: 5000, epoch: fest}
          - {id: c, regions: ["31"], percent_of_target: [50, 100]}
        """,
    )

    assert [rule.thresholds for rule in rules.rules] == [
        At((10, 20)),
        Every(1000, 5000),
        PercentOfTarget((50, 100)),
    ]
    assert [rule.epoch for rule in rules.rules] == ["ever", "fest", "ever"]
    assert rules.targets == {("all", "31", "registered"): 200_000}


def test_recipients_are_read_with_their_channel(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        RULE
        + """
        officials:
          - {id: governor, role: {id: Gubernur, en: Governor}, address: g@example.org, language: en, regions: ["31"]}
        webhooks:
          - {id: room, within: ["31"]}
        """.replace("\n        ", "\n"),
    )

    assert [(recipient.id, recipient.channel) for recipient in rules.recipients] == [
        ("official:governor", Channel.EMAIL),
        ("webhook:room", Channel.WEBHOOK),
    ]


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ("rules: [{id: a, regions: ['31']}]", "rules[0]: needs exactly one of at, every and percent_of_target"),
        ("rules: [{id: a, at: [1]}]", "rules[0]: needs either level or regions"),
        ("rules: [{id: a, level: city, regions: ['31'], at: [1]}]", "rules[0]: needs either level or regions"),
        ("rules: [{id: a, regions: ['31'], at: [2, 1]}]", "rules[0]: must be in ascending order without repeats"),
        ("rules: [{id: a, regions: ['31'], every: 10}]", "rules[0].every: Input should be greater than or equal to 50"),
        ("rules: [{id: a, regions: ['31'], at: [1], above: 5}]", "rules[0]: above requires every"),
        ("rules: [{id: a, regions: ['31'], at: [0]}]", "rules[0].at[0]: Input should be greater than or equal to 1"),
        ("rules: [{id: a, regions: ['31'], at: [1], colour: red}]", "rules[0].colour: Extra inputs are not permitted"),
        ("rules: [{id: a, regions: [31.71], at: [1]}]", 'rules[0].regions[0]: a region code is a string: write "31.71" in quotes'),
        ("rules: [{id: a, regions: ['31.99'], at: [1]}]", "rules[0].regions: there is no region 31.99"),
        ("rules: [{id: a, regions: ['31'], at: [1], epoch: fest}]", "rules[0].epoch: fest is not under epochs"),
        ("rules: [{id: a, regions: ['31.71'], percent_of_target: [5]}]", "rules[0].percent_of_target: 31.71 has no target of all, registered"),
        ("rules: [{id: a, level: city, percent_of_target: [5]}]", "rules[0].percent_of_target: no city has a target of all, registered"),
        ("rules: [{id: a, regions: ['31'], at: [1]}, {id: a, regions: ['31'], at: [2]}]", "rules[1]: the id a is already used at rules[0]"),
        (RULE + "\nofficials: [{id: x, role: {id: X, en: X}, address: x@example.org, regions: ['31'], fallbacks: [{}]}]", "officials[0].fallbacks[0]: needs either address or webhook"),
        (RULE + "\nofficials: [{id: x, role: {id: X, en: X}, address: x@example.org, regions: ['31'], fallbacks: [{address: x@example.org}]}]", "officials[0]: fallbacks must not repeat an address or a webhook"),
        (RULE + "\nofficials: [{id: x, role: {id: X, en: X}, address: X <x@example.org>, regions: ['31']}]", "officials[0].address: is not a valid e-mail address"),
        (RULE + "\nofficials: [{id: x, role: {id: X, en: X}, address: nobody, regions: ['31']}]", "officials[0].address: is not a valid e-mail address: An email address must have an @-sign."),
        (RULE + "\nofficials: [{id: x, role: {id: X, en: X}, address: x@example.org}]", "officials[0]: needs regions or within"),
        (RULE + "\nwebhooks: [{id: x, within: ['31'], rules: [nothing]}]", "webhooks[0].rules: there is no rule nothing"),
        ("rules: []\nrules: []", "line 2: rules is repeated"),
        ("rules: [", "line 1: "),
        ("", "(whole file): "),
    ],
)  # fmt: skip
def test_an_error_is_reported_with_its_path(tmp_path: Path, rules: str, error: str) -> None:
    errors = errors_of(tmp_path, rules)

    assert len(errors) == 1
    assert error in errors[0]


def test_all_errors_in_both_files_are_reported_at_once(tmp_path: Path) -> None:
    errors = errors_of(
        tmp_path, "rules: [{id: A, regions: ['31'], at: [1]}, {id: b}]", '- {region: "31", value: none}'
    )

    assert [error.split(":")[0] for error in errors] == ["rules[0].id", "rules[1]", "[0].value"]


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidRulesError, match="cannot be read"):
        load_rules(tmp_path / "none.yaml", None, REGIONS)
