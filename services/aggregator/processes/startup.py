"""Starts a process or a command: loads settings, sets up logs and failpoint, and chooses the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

from aggregator.settings import AggregatorSettings
from kafka.settings import KafkaSettings
from lifecycle.stop_signal import StopSignal, run
from settings.loader import load
from telemetry import logs
from telemetry.failpoints import arm

Process = Callable[[AggregatorSettings, KafkaSettings, StopSignal], Awaitable[None]]


def load_settings(name: str) -> tuple[AggregatorSettings, KafkaSettings]:
    """Load the settings, configure logs under this process name, and arm the failpoint if one is set."""
    settings, kafka = load(AggregatorSettings, KafkaSettings)
    logs.configure(name, settings.log_level)
    arm(settings.crash_at)
    return settings, kafka


def run_process(name: str, process: Process) -> None:
    """Run a process, then exit with code 0 after a stop, 1 after a failure, or 3 if the TCP port is taken."""
    settings, kafka = load_settings(name)
    code = 0
    try:
        run(lambda stopping: process(settings, kafka, stopping))
    except Exception as error:
        logs.get().error("process failed", error=type(error).__name__, reason=str(error)[:300])
        code = 1
    except SystemExit as refused:  # the TCP port is taken
        logs.get().error("process refused", reason=str(refused))
        code = 3
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a hanging Faust thread must not keep the process alive
