"""Finds statements in migrations that block other transactions or break the running version; uses squawk.

Migrations that were published before this rule are exempt: see EXEMPT.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from checks.findings import Finding, run

DESCRIPTION: Final = (
    "Find statements in migrations that block other transactions or break the running version."
)
VERSIONS: Final = "services/*/migrations/versions/v*"
EXEMPT: Final = {"registration": "0012", "aggregator": "0004", "notifier": "0008"}
"""The last migration of each service that is exempt."""
CONTRACTION: Final = "_contract_"
CONCURRENTLY: Final = "_concurrently.sql"
INLINE_SQL: Final = "write the statements to a .sql file beside the migration"
# The command `migrate` sets time-outs. Small numbers are small columns on purpose.
NEVER: Final = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "require-lock-timeout",
    "require-statement-timeout",
)
# Contractions remove what no running version uses any more.
ONLY_IN_CONTRACTIONS: Final = (
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-drop-column",
    "ban-drop-constraint",
    "ban-drop-not-null",
    "ban-drop-table",
    "changing-column-type",
    "renaming-column",
    "renaming-table",
)


def check(root: Path) -> Iterator[Finding]:
    """Check the files of all migrations that are not exempt."""
    paths = [path for path in sorted(root.glob(VERSIONS)) if not _is_exempt(path)]
    for path in paths:
        if path.suffix == ".py" and "op." in path.read_text("utf-8"):
            yield Finding(path.relative_to(root), 1, "inline-sql", INLINE_SQL)
        if path.suffix == ".sql" and not path.name.endswith(CONCURRENTLY):
            yield from _concurrent_statements(path.relative_to(root), path.read_text("utf-8"))
    for is_contraction in (False, True):
        for is_concurrent in (False, True):
            chosen = [
                path
                for path in paths
                if path.suffix == ".sql"
                and (CONTRACTION in path.name) == is_contraction
                and path.name.endswith(CONCURRENTLY) == is_concurrent
            ]
            excluded = (*NEVER, *(ONLY_IN_CONTRACTIONS if is_contraction else ()))
            yield from _squawk(root, chosen, excluded, in_transaction=not is_concurrent)


def _is_exempt(path: Path) -> bool:
    service, revision = path.parts[-4], path.name[1:5]
    return revision <= EXEMPT.get(service, "")


def _concurrent_statements(path: Path, text: str) -> Iterator[Finding]:
    for line, words in enumerate(text.lower().splitlines(), 1):
        if re.search(r"\bindex concurrently\b", words.partition("--")[0]):
            yield Finding(path, line, "concurrently-in-transaction", f"move it to a file …{CONCURRENTLY}")


def _squawk(
    root: Path, paths: Sequence[Path], excluded: Sequence[str], *, in_transaction: bool
) -> Iterator[Finding]:
    if not paths:
        return
    command = [str(Path(sys.executable).with_name("squawk")), "--reporter=json"]
    command += ["--assume-in-transaction" if in_transaction else "--no-assume-in-transaction"]
    command += [f"--exclude={','.join(excluded)}", *(str(path) for path in paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for found in json.loads(done.stdout):
        path = Path(found["file"]).resolve().relative_to(root.resolve())
        yield Finding(path, found["line"] + 1, found["rule_name"], found["help"] or found["message"])


def main(argv: Sequence[str]) -> int:
    """Run the command line; return its exit status."""
    return run(check, "migration_sql", DESCRIPTION, argv)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
