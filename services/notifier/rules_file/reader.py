"""Reads and checks the rules file and the targets file, and reports the place of each error in its file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from localization.region_names import RegionNames
from notifier.domain.alerts import BilingualText, Channel, Recipient
from notifier.domain.rules import EVER, UNPLACED, At, Every, Key, PercentOfTarget, Rule
from notifier.rules_file.schema import (
    OfficialEntry,
    RuleEntry,
    RulesFile,
    TargetEntry,
    TargetsFile,
    WebhookEntry,
)

F = TypeVar("F", RulesFile, TargetsFile)


class InvalidRulesError(Exception):
    """The rules or targets file is invalid. `errors` has one line per error, which names its place."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A named time from which a rule can measure growth."""

    name: str
    title: BilingualText
    opens: datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """The content of the rules file and the targets file, after all checks."""

    rules: tuple[Rule, ...]
    titles: Mapping[str, BilingualText]
    epochs: Mapping[str, Epoch]
    recipients: tuple[Recipient, ...]
    targets: Mapping[Key, int]

    def recipient(self, id: str) -> Recipient | None:  # noqa: A002 - the field's name
        """The recipient with this id; None if the rules file no longer has it."""
        return next((recipient for recipient in self.recipients if recipient.id == id), None)

    def next_recipient(self, id: str) -> Recipient | None:  # noqa: A002 - the field's name
        """The next channel of the recipient with this id; None if there is none."""
        recipient = self.recipient(id)
        return None if recipient is None or recipient.next is None else self.recipient(recipient.next)


def load_rules(rules_file: Path, targets_file: Path | None, regions: RegionNames) -> Rules:
    """Read and check both files. Raises InvalidRulesError with the errors of both files."""
    errors: list[str] = []
    entries = _read(rules_file, RulesFile, errors)
    targets = _read(targets_file, TargetsFile, errors) if targets_file else TargetsFile()
    if entries is not None and targets is not None:
        errors.extend(_cross_check(entries, targets, regions))
    if errors or entries is None or targets is None:
        raise InvalidRulesError(errors)
    return Rules(
        rules=tuple(_rule(entry) for entry in entries.rules),
        titles={entry.id: entry.title.model_dump() for entry in entries.rules if entry.title},
        epochs={
            entry.name: Epoch(entry.name, entry.title.model_dump(), entry.opens) for entry in entries.epochs
        },
        recipients=(
            *(recipient for entry in entries.officials for recipient in _official(entry)),
            *(_webhook(entry) for entry in entries.webhooks),
        ),
        targets={(entry.scope, entry.region, entry.measure): entry.value for entry in targets.root},
    )


def check_webhooks(rules: Rules, configured: Collection[str]) -> None:
    """Raise InvalidRulesError if a webhook in the rules is not one of the `configured` names."""
    names = dict.fromkeys(recipient.endpoint for recipient in rules.recipients if recipient.endpoint)
    missing = [name for name in names if name not in configured]
    if missing:
        raise InvalidRulesError([f"webhooks: {name} has no address in NOTIFIER_WEBHOOKS" for name in missing])


class _StrictLoader(yaml.SafeLoader):
    """A safe YAML loader that rejects a mapping with a repeated key, instead of using the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[str] = set()
        for key, _ in node.value:
            if key.value in keys:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is repeated", problem_mark=key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def _read(path: Path, kind: type[F], errors: list[str]) -> F | None:
    try:
        # This is safe: _StrictLoader is a SafeLoader, which builds plain values only.
        content = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 - see above
        return kind.model_validate(content)
    except OSError as error:
        errors.append(f"{path}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        errors.append(f"{path}: is not UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}" if mark else "?"
        errors.append(f"{path}: {where}: {error.problem}")
    except yaml.YAMLError as error:
        errors.append(f"{path}: {error}")
    except ValidationError as error:
        errors.extend(
            f"{_path(entry['loc'])}: {entry['msg'].removeprefix('Value error, ')}"
            for entry in error.errors(include_url=False, include_input=False)
        )
    return None


def _path(location: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "(whole file)"


def _cross_check(entries: RulesFile, targets: TargetsFile, regions: RegionNames) -> Iterator[str]:
    """Return the errors that concern several entries: repeated names, and references to unknown names."""
    yield from _repeated("rules", "id", [entry.id for entry in entries.rules])
    yield from _repeated("epochs", "name", [entry.name for entry in entries.epochs])
    yield from _repeated("officials", "id", [entry.id for entry in entries.officials])
    yield from _repeated("webhooks", "id", [entry.id for entry in entries.webhooks])
    keys = [f"{entry.scope} {entry.region} {entry.measure}" for entry in targets.root]
    yield from _repeated("targets", "scope, region and measure", keys)
    for number, target in enumerate(targets.root):
        yield from _unknown_regions(f"targets[{number}].region", [target.region], regions)
    epochs = {entry.name for entry in entries.epochs} | {EVER}
    rule_ids = {entry.id for entry in entries.rules}
    for number, rule in enumerate(entries.rules):
        if rule.epoch not in epochs:
            yield f"rules[{number}].epoch: {rule.epoch} is not under epochs"
        yield from _unknown_regions(f"rules[{number}].regions", rule.regions or [], regions)
        yield from _missing_targets(f"rules[{number}]", rule, targets.root)
    recipients: list[tuple[str, OfficialEntry | WebhookEntry]] = [
        *((f"officials[{n}]", entry) for n, entry in enumerate(entries.officials)),
        *((f"webhooks[{n}]", entry) for n, entry in enumerate(entries.webhooks)),
    ]
    for path, recipient in recipients:
        yield from _unknown_regions(f"{path}.regions", recipient.regions, regions)
        yield from _unknown_regions(f"{path}.within", recipient.within, regions)
        for rule_id in recipient.rules or []:
            if rule_id not in rule_ids:
                yield f"{path}.rules: there is no rule {rule_id}"


def _missing_targets(path: str, rule: RuleEntry, targets: Sequence[TargetEntry]) -> Iterator[str]:
    if rule.percent_of_target is None:
        return
    with_target = {t.region for t in targets if (t.scope, t.measure) == (rule.scope, rule.measure)}
    if rule.regions is None and not any(_rule(rule).covers(region) for region in with_target):
        yield f"{path}.percent_of_target: no {rule.level} has a target of {rule.scope}, {rule.measure}"
    for region in rule.regions or []:
        if region not in with_target:
            yield f"{path}.percent_of_target: {region} has no target of {rule.scope}, {rule.measure}"


def _unknown_regions(path: str, codes: Sequence[str], regions: RegionNames) -> Iterator[str]:
    for code in codes:
        if code not in regions and code != UNPLACED:
            yield f"{path}: there is no region {code}"


def _repeated(path: str, field: str, names: Sequence[str]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in first:
            yield f"{path}[{number}]: the {field} {name} is already used at {path}[{first[name]}]"
        first.setdefault(name, number)


def _rule(entry: RuleEntry) -> Rule:
    thresholds: At | Every | PercentOfTarget
    if entry.at is not None:
        thresholds = At(tuple(entry.at))
    elif entry.every is not None:
        thresholds = Every(entry.every, entry.above)
    else:
        assert entry.percent_of_target is not None, "the schema requires one of the three"
        thresholds = PercentOfTarget(tuple(entry.percent_of_target))
    return Rule(
        id=entry.id,
        scope=entry.scope,
        measure=entry.measure,
        thresholds=thresholds,
        level=entry.level,
        regions=None if entry.regions is None else frozenset(entry.regions),
        epoch=entry.epoch,
        rearm_margin=entry.rearm_margin,
    )


def _official(entry: OfficialEntry) -> Iterator[Recipient]:
    """Return the official's channels. Only the first has regions; each has the id of the next."""
    first = Recipient(
        id=f"official:{entry.id}",
        channel=Channel.EMAIL,
        regions=frozenset(entry.regions),
        within=tuple(entry.within),
        rules=None if entry.rules is None else frozenset(entry.rules),
        role=entry.role.model_dump(),
        address=entry.address,
        language=entry.language,
    )
    channels = [first]
    for number, fallback in enumerate(entry.fallbacks, start=2):
        name = str(number) if fallback.webhook is None else f"webhook:{fallback.webhook}"
        channel = replace(
            first,
            id=f"{first.id}/{name}",
            channel=Channel.EMAIL if fallback.webhook is None else Channel.WEBHOOK,
            regions=frozenset(),
            within=(),
            address=fallback.address,
            endpoint=fallback.webhook,
        )
        channels[-1] = replace(channels[-1], next=channel.id)
        channels.append(channel)
    yield from channels


def _webhook(entry: WebhookEntry) -> Recipient:
    return Recipient(
        id=f"webhook:{entry.id}",
        channel=Channel.WEBHOOK,
        endpoint=entry.id,
        regions=frozenset(entry.regions),
        within=tuple(entry.within),
        rules=None if entry.rules is None else frozenset(entry.rules),
    )
