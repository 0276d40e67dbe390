"""Programs that some tests need and that are not Python packages.

A test that needs a missing program is skipped, or fails if TESTS_REQUIRE_ALL is set.
`python -m tests.support.required_programs` prints a line for each missing program.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from deploy.local.decoder_build import can_compile
from tests.support.process_clock import LIBRARY

SEARCH_PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Requirement:
    """Programs that some tests need, what these tests cover, and the Debian packages with the programs."""

    name: str
    covers: str
    packages: str
    missing: Callable[[], str]
    """A function that returns the names of the missing programs; empty if none is missing."""

    def line(self) -> str:
        """Return a line on the tests that cannot run and how to enable them; empty if all can run."""
        missing = self.missing()
        return f"not run: {self.covers} ({missing} missing); Debian: {self.packages}" if missing else ""


def _not_found(*programs: str) -> str:
    return ", ".join(name for name in programs if shutil.which(name, path=SEARCH_PATH) is None)


def _containers() -> str:
    found = _not_found("podman", "runc", "iptables", "debootstrap", "prometheus", "haproxy")
    # Base images that cannot be pulled are built from Debian's packages, which requires root.
    return found or ("" if os.geteuid() == 0 else "root")


REQUIREMENTS: Final = {
    requirement.name: requirement
    for requirement in (
        Requirement(
            "cc", "the compiled decoder", "gcc libc6-dev python3-dev", lambda: "" if can_compile() else "cc"
        ),
        Requirement("promtool", "the alert rules", "prometheus", partial(_not_found, "promtool")),
        Requirement("haproxy", "replicas behind the proxy", "haproxy", partial(_not_found, "haproxy")),
        Requirement(
            "postgresql",
            "TLS to the database",
            "postgresql",
            lambda: "" if next(Path("/usr/lib/postgresql").glob("*/bin/postgres"), None) else "postgres",
        ),
        Requirement("faketime", "wrong clocks", "libfaketime", lambda: "" if LIBRARY else "libfaketime"),
        Requirement("npm", "a generated TypeScript client", "npm", partial(_not_found, "node", "npm")),
        Requirement("chromium", "the board in a browser", "chromium", partial(_not_found, "chromium")),
        Requirement(
            "containers",
            "docker-compose.yml in containers",
            "podman runc iptables debootstrap prometheus haproxy fuse-overlayfs slirp4netns netavark"
            " aardvark-dns",
            _containers,
        ),
    )
}


def require(name: str, *, whole_module: bool = False) -> None:
    """Skip the test, or its module, if a program is missing. With TESTS_REQUIRE_ALL set, fail instead."""
    line = REQUIREMENTS[name].line()
    if line and os.environ.get("TESTS_REQUIRE_ALL"):
        pytest.fail(line, pytrace=False)
    if line:
        pytest.skip(line, allow_module_level=whole_module)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the programs named by the test's `needs` markers, before any fixture starts."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            require(name)


if __name__ == "__main__":
    sys.stdout.writelines(
        f"{line}\n" for requirement in REQUIREMENTS.values() if (line := requirement.line())
    )
