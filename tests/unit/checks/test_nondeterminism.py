"""Clocks and sources of randomness are found in pure modules, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.nondeterminism import check, check_source

PATH = Path("services/shop/price.py")


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import time as t",
        "from time import monotonic",
        "import random",
        "from random import choice",
        "import secrets",
        "from os import urandom",
        "import os\nkey = os.urandom(8)",
        "from datetime import datetime\nnow = datetime.now()",
        "from datetime import datetime as dt, UTC\nnow = dt.now(UTC)",
        "import datetime\nnow = datetime.datetime.utcnow()",
        "import datetime as d\nnow = d.datetime.today()",
        "from datetime import date\nday = date.today()",
        "from datetime import datetime\nat = field(default_factory=datetime.now)",
        "import uuid\nid = uuid.uuid1()",
        "from uuid import uuid4",
        "from uuid_utils import uuid7 as new_id",
        "import uuid_utils.compat\nid = uuid_utils.compat.uuid7()",
        "import asyncio\nnow = asyncio.get_running_loop().time()",
        "from asyncio import get_event_loop\nnow = get_event_loop().time()",
        "async def price(loop):\n    return loop.time()",
        "class Price:\n    def at(self):\n        return self._loop.time()",
    ],
)
def test_a_clock_or_random_number_is_found(source: str) -> None:
    found = [(finding.line, finding.rule) for finding in check_source(PATH, source)]

    assert found == [(len(source.splitlines()), "clock")]


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, timedelta\nday = datetime(2026, 1, 1) + timedelta(1)",
        "from datetime import datetime\nat = datetime.fromisoformat('2026-01-01').time()",
        "import uuid\nid = uuid.uuid5(uuid.NAMESPACE_URL, 'x')",
        "def price(time, clock):\n    return time.total, clock()",
        "import os.path\nname = os.path.join('a', 'b')",
    ],
)
def test_times_and_ids_from_arguments_or_computation_are_allowed(source: str) -> None:
    assert list(check_source(PATH, source)) == []


def test_only_the_listed_modules_and_all_modules_of_listed_packages_are_checked(tmp_path: Path) -> None:
    for name in ("pure/deep/a.py", "b.py", "c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import time\n")
    (tmp_path / "pyproject.toml").write_text('[tool.checks]\npure = ["pure", "b.py"]\n')

    found = {str(finding.path) for finding in check(tmp_path)}

    assert found == {"pure/deep/a.py", "b.py"}


def test_a_listed_path_that_does_not_exist_is_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.checks]\npure = ["gone.py"]\n')

    found = [(str(finding.path), finding.rule) for finding in check(tmp_path)]

    assert found == [("pyproject.toml", "pure-path")]
