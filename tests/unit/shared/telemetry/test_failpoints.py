"""A crash point ends the process by SIGKILL, at the pass it was armed for, and else does nothing."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
from telemetry.failpoints import arm, failpoint
arm("relay.after_ack:3")
for n in range(5):
    failpoint("relay.before_ack")
    print(n, flush=True)
    failpoint("relay.after_ack")
"""


def test_the_third_pass_is_the_last() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env={}, capture_output=True, text=True)

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["0", "1", "2"]
