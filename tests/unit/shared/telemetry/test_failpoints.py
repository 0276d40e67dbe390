"""An armed failpoint kills the process with SIGKILL at the armed pass; earlier passes do nothing."""

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


def test_a_failpoint_armed_for_the_third_pass_kills_the_process_there() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env={}, capture_output=True, text=True)

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["0", "1", "2"]
