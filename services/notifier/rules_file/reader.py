"""What the rules file and the targets file say, checked strictly: every fault is named with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from notifier.domain.alerts import Channel, Recipient, Text
from notifier.domain.rules import EVER, UNPLACED, At, Every, Key, PercentOfTarget, Rule
from notifier.region_names import Regions
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
    """The rules or targets file has faults; each is one line that begins with its path."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A time from whose opening growth is measured."""

    name: str
    title: Text
    opens: datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """Both files together, checked."""

    rules: tuple[Rule, ...]
    titles: Mapping[str, Text]
    epochs: Mapping[str, Epoch]
    recipients: tuple[Recipient, ...]
    targets: Mapping[Key, int]

    def recipient(self, id: str) -> Recipient | None:  # noqa: A002 - it is called an id everywhere
        """The recipient of this id, if it still stands in the file."""
        return next((recipient for recipient in self.recipients if recipient.id == id), None)


def load_rules(rules_file: Path, targets_file: Path | None, regions: Regions) -> Rules:
    """Read and check both files. Raises InvalidRulesError with every fault of both."""
    faults: list[str] = []
    entries = _read(rules_file, RulesFile, faults)
    targets = _read(targets_file, TargetsFile, faults) if targets_file else TargetsFile()
    if entries is not None and targets is not None:
        faults.extend(_contradictions(entries, targets, regions))
    if faults or entries is None or targets is None:
        raise InvalidRulesError(faults)
    return Rules(
        rules=tuple(_rule(entry) for entry in entries.rules),
        titles={entry.id: entry.title.model_dump() for entry in entries.rules if entry.title},
        epochs={
            entry.name: Epoch(entry.name, entry.title.model_dump(), entry.opens) for entry in entries.epochs
        },
        recipients=(
            *(_official(entry) for entry in entries.officials),
            *(_webhook(entry) for entry in entries.webhooks),
        ),
        targets={(entry.scope, entry.region, entry.measure): entry.value for entry in targets.root},
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML where a key given twice is a fault, not the last one's victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(path: Path, kind: type[F], faults: list[str]) -> F | None:
    try:
        # A subclass of SafeLoader: it builds plain values only.
        content = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 - see above
        return kind.model_validate(content)
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        faults.append(f"{path}: is not UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}" if mark else "?"
        faults.append(f"{path}: {where}: {error.problem}")
    except yaml.YAMLError as error:
        faults.append(f"{path}: {error}")
    except ValidationError as error:
        faults.extend(
            f"{_path(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False, include_input=False)
        )
    return None


def _path(location: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "(whole file)"


def _contradictions(entries: RulesFile, targets: TargetsFile, regions: Regions) -> Iterator[str]:
    """What each entry cannot see alone: names given twice, and names of things that do not exist."""
    yield from _twice("rules", "id", [entry.id for entry in entries.rules])
    yield from _twice("epochs", "name", [entry.name for entry in entries.epochs])
    yield from _twice("officials", "id", [entry.id for entry in entries.officials])
    yield from _twice("webhooks", "id", [entry.id for entry in entries.webhooks])
    keys = [f"{entry.scope} {entry.region} {entry.measure}" for entry in targets.root]
    yield from _twice("targets", "scope, region and measure", keys)
    for number, target in enumerate(targets.root):
        yield from _unknown(f"targets[{number}].region", [target.region], regions)
    epochs = {entry.name for entry in entries.epochs} | {EVER}
    rule_ids = {entry.id for entry in entries.rules}
    for number, rule in enumerate(entries.rules):
        if rule.epoch not in epochs:
            yield f"rules[{number}].epoch: {rule.epoch} is not under epochs"
        yield from _unknown(f"rules[{number}].regions", rule.regions or [], regions)
        yield from _without_target(f"rules[{number}]", rule, targets.root)
    listed: list[tuple[str, OfficialEntry | WebhookEntry]] = [
        *((f"officials[{n}]", entry) for n, entry in enumerate(entries.officials)),
        *((f"webhooks[{n}]", entry) for n, entry in enumerate(entries.webhooks)),
    ]
    for path, recipient in listed:
        yield from _unknown(f"{path}.regions", recipient.regions, regions)
        yield from _unknown(f"{path}.within", recipient.within, regions)
        for rule_id in recipient.rules or []:
            if rule_id not in rule_ids:
                yield f"{path}.rules: there is no rule {rule_id}"


def _without_target(path: str, rule: RuleEntry, targets: Sequence[TargetEntry]) -> Iterator[str]:
    if rule.percent_of_target is None:
        return
    having = {t.region for t in targets if (t.scope, t.measure) == (rule.scope, rule.measure)}
    if rule.regions is None and not any(_rule(rule).watches(region) for region in having):
        yield f"{path}.percent_of_target: no {rule.level} has a target of {rule.scope}, {rule.measure}"
    for region in rule.regions or []:
        if region not in having:
            yield f"{path}.percent_of_target: {region} has no target of {rule.scope}, {rule.measure}"


def _unknown(path: str, codes: Sequence[str], regions: Regions) -> Iterator[str]:
    for code in codes:
        if code not in regions and code != UNPLACED:
            yield f"{path}: there is no region {code}"


def _twice(path: str, what: str, names: Sequence[str]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in first:
            yield f"{path}[{number}]: the {what} {name} stands already at {path}[{first[name]}]"
        first.setdefault(name, number)


def _rule(entry: RuleEntry) -> Rule:
    thresholds: At | Every | PercentOfTarget
    if entry.at is not None:
        thresholds = At(tuple(entry.at))
    elif entry.every is not None:
        thresholds = Every(entry.every, entry.above)
    else:
        assert entry.percent_of_target is not None, "the entry was checked to have one of the three"
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


def _official(entry: OfficialEntry) -> Recipient:
    return Recipient(
        id=f"official:{entry.id}",
        channel=Channel.EMAIL,
        regions=frozenset(entry.regions),
        within=tuple(entry.within),
        rules=None if entry.rules is None else frozenset(entry.rules),
        role=entry.role.model_dump(),
        address=entry.address,
        language=entry.language,
    )


def _webhook(entry: WebhookEntry) -> Recipient:
    return Recipient(
        id=f"webhook:{entry.id}",
        channel=Channel.WEBHOOK,
        regions=frozenset(entry.regions),
        within=tuple(entry.within),
        rules=None if entry.rules is None else frozenset(entry.rules),
    )
