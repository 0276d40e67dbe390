"""Programs that some tests need and Python's packages do not bring.

A test that needs a missing program is skipped, or fails where TESTS_REQUIRE_ALL is set.
`python -m tests.support.required_programs` prints a line for each that is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest

from deploy.local.extension_build import can_compile
from tests.support.process_clock import LIBRARY

SEARCHED: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Need:
    """What a set of tests needs, what those tests cover, and the Debian packages that bring it."""

    name: str
    covers: str
    packages: str
    missing: Callable[[], str]
    """Names what this machine lacks; empty where it lacks nothing."""

    def line(self) -> str:
        """What did not run and how to enable it; empty where nothing is missing."""
        missing = self.missing()
        return f"not run: {self.covers} ({missing} missing); Debian: {self.packages}" if missing else ""


def _not_found(*programs: str) -> str:
    return ", ".join(name for name in programs if shutil.which(name, path=SEARCHED) is None)


def _containers() -> str:
    found = _not_found("podman", "runc", "iptables", "debootstrap", "prometheus")
    # Base images are built from Debian's packages where none can be pulled, which takes root.
    return found or ("" if os.geteuid() == 0 else "root")


NEEDS: Final = {
    need.name: need
    for need in (
        Need(
            "cc", "the compiled decoder", "gcc libc6-dev python3-dev", lambda: "" if can_compile() else "cc"
        ),
        Need("promtool", "the alert rules", "prometheus", partial(_not_found, "promtool")),
        Need("faketime", "wrong clocks", "libfaketime", lambda: "" if LIBRARY else "libfaketime"),
        Need("chromium", "the board in a browser", "chromium", partial(_not_found, "chromium")),
        Need(
            "containers",
            "docker-compose.yml in containers",
            "podman runc iptables debootstrap prometheus fuse-overlayfs slirp4netns netavark aardvark-dns",
            _containers,
        ),
    )
}


def require(name: str, *, whole_module: bool = False) -> None:
    """Skip the test, or its whole module, where a need is not met; fail it where TESTS_REQUIRE_ALL is set."""
    line = NEEDS[name].line()
    if line and os.environ.get("TESTS_REQUIRE_ALL"):
        pytest.fail(line, pytrace=False)
    if line:
        pytest.skip(line, allow_module_level=whole_module)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the `needs` markers before any fixture starts."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            require(name)


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for need in NEEDS.values() if (line := need.line()))
