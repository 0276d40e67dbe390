"""Describes the machine of a measurement: hardware, versions, settings, and the disk's fsync rate."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from aggregator.consumer import faust_app
from deploy.local import jars, kafka, postgres
from deploy.local.java import find_java

PACKAGES: Final = (
    "faust-streaming",
    "aiokafka",
    "msgspec",
    "asyncpg",
    "uvloop",
    "fastapi",
    "uvicorn",
    "pydantic",
)
STREAMS_POM: Final = Path(__file__).resolve().parents[1] / "rivals" / "kafka_streams" / "pom.xml"
QUIX_REQUIREMENTS: Final = Path(__file__).resolve().parents[2] / "requirements" / "quix.txt"
SHOWN_SETTINGS: Final = ("fsync", "synchronous_commit", "shared_buffers", "wal_compression")
SYNC_BYTES: Final = 8192
SYNC_S: Final = 1.0


def describe() -> dict[str, object]:
    """Return the machine's facts, as the results file stores them."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
        "fsyncs_per_s": round(fsyncs_per_s(Path(tempfile.gettempdir()))),
        "versions": versions(),
        "settings": {
            "PostgreSQL": {name: postgres.SETTINGS[name] for name in SHOWN_SETTINGS},
            "Kafka": {"nodes": 1, "heap_mb": kafka.Broker.heap_mb},
            "worker": {
                "fetch_bytes_max": faust_app.FETCH_BYTES_MAX,
                "fetch_records": faust_app.FETCH_RECORDS_MAX,
            },
        },
    }


def versions() -> Mapping[str, str]:
    """Return the versions of Python, Java, the main packages and the rivals."""
    found = {"python": platform.python_version(), "java": _java()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found |= {artifact: number for _, artifact, number in (line.split(":") for line in jars.read_wanted())}
    found |= _pom_versions(STREAMS_POM)
    for line in QUIX_REQUIREMENTS.read_text("utf-8").splitlines():
        if line.startswith("quixstreams=="):
            found["quixstreams"] = line.split("==")[1].split()[0]
    return found


def fsyncs_per_s(folder: Path) -> float:
    """Measure how many writes of one page, each with an fsync, the folder's disk completes per second."""
    page = os.urandom(SYNC_BYTES)
    with tempfile.TemporaryFile(dir=folder) as file:
        began_at, done = time.perf_counter(), 0
        while time.perf_counter() - began_at < SYNC_S:
            os.pwrite(file.fileno(), page, 0)
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - began_at)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _java() -> str:
    done = subprocess.run([find_java().path, "-version"], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[0] if done.stderr else "unknown"


def _pom_versions(pom: Path) -> dict[str, str]:
    found = {}
    for dependency in ElementTree.parse(pom).getroot().iter("{http://maven.apache.org/POM/4.0.0}dependency"):
        parts = {child.tag.rpartition("}")[2]: child.text or "" for child in dependency}
        found[parts["artifactId"]] = parts["version"]
    return found
