"""Makes a minimal Debian below .local/bare-machine and runs the README's two commands in it as a normal user.

It needs root and debootstrap, and clones the repository as it is committed. Of the host, the new machine gets
only what the host uses to reach package indexes: environment variables, configuration files, certificates.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / ".local" / "bare-machine"
MACHINE: Final = FOLDER / "root"
SUITE: Final = "bookworm"
PACKAGES: Final = "python3,python3-venv,make,git,ca-certificates"
USER: Final = "visitor"
CHECKOUT: Final = f"/home/{USER}/jakpreneur"
COMMANDS: Final = {"demo": "make demo DURATION=60", "test": "make test"}
LAST_LINES: Final = 30

PASSED_ON: Final = ("PIP_*", "UV_*", "JGO_*", "SSL_CERT_*", "REQUESTS_CA_BUNDLE", "*_proxy", "*_PROXY")
NETWORK_FILES: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/uv/uv.toml")
HOME_FILES: Final = (".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml", ".config/jgo.conf")
CERTIFICATES: Final = ("/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates")

# The shell has its own namespaces, so all its mounts and processes end with it.
SHELL: Final = """\
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot --userspec="$2" "$1" /usr/bin/env -i "${@:4}" bash -c "cd $3 && $COMMAND"
"""


def say(text: str) -> None:
    """Print a message with the current time."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def make_machine() -> None:
    """Create a minimal Debian with a user, and copy the host's access to package indexes into it."""
    say(f"making a minimal Debian ({SUITE}: {PACKAGES}) in {MACHINE}")
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(MACHINE), *_mirror()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"debootstrap failed:\n{(done.stdout + done.stderr)[-2000:]}")
    subprocess.run(["chroot", MACHINE, "useradd", "--create-home", "--shell=/bin/bash", USER], check=True)
    for file in NETWORK_FILES:
        _copy(Path(file), MACHINE / file.lstrip("/"))
    for folder in CERTIFICATES:
        if Path(folder).is_dir():
            target = MACHINE / folder.lstrip("/")
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target, symlinks=True)
    home = MACHINE / "home" / USER
    for file in HOME_FILES:
        _copy(Path.home() / file, home / file)
    say("cloning the repository as it is committed")
    clone = MACHINE / CHECKOUT.lstrip("/")
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True)
    subprocess.run(["chroot", MACHINE, "chown", "-R", f"{USER}:{USER}", f"/home/{USER}"], check=True)


def _mirror() -> Iterator[str]:
    """Yield the host's Debian mirror; nothing if none is configured, so debootstrap uses its default."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    found = re.search(r"^URIs:\s*(\S+)", sources.read_text(), re.MULTILINE) if sources.exists() else None
    if found:
        yield found[1]


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def environment() -> list[str]:
    """Return the user's environment: the settings of package clients, and the variables that a login sets."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in PASSED_ON)
    }
    login = {"HOME": f"/home/{USER}", "USER": USER, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    return [f"{name}={value}" for name, value in {**passed, **login}.items()]


def run(command: str, log: Path) -> int:
    """Run a command in the new machine, print and log its output, and return its exit status."""
    say(f"{command} (log: {log})")
    inside = SHELL.replace("$COMMAND", command)
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    arguments = [str(MACHINE), USER, CHECKOUT, *environment()]
    started = time.monotonic()
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [*namespaces, "bash", "-c", inside, "bash", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                file.write(line)
                print(line, end="", flush=True)
        except BaseException:  # also Ctrl-C and SIGTERM: the processes in the machine must end, too
            process.kill()
            raise
    say(f"{command} ended with {process.returncode} after {time.monotonic() - started:.0f} s")
    return process.returncode


def last_lines(name: str, log: Path, status: int) -> str:
    """Return the last lines of a command's output, followed by its exit status."""
    lines = log.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
    return "\n".join([f"$ {COMMANDS[name]}", *lines, f"exit status {status}", ""])


def main() -> int:
    """Run the commands; return 0 if each ended with 0."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=COMMANDS, help="one of the two commands")
    options.add_argument("--keep", action="store_true", help="leave the machine's files")
    given = options.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise SystemExit("needs root and debootstrap (Debian: apt-get install debootstrap)")
    shutil.rmtree(MACHINE, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    names = [given.only] if given.only else list(COMMANDS)
    statuses = {}
    try:
        make_machine()
        for name in names:
            statuses[name] = run(COMMANDS[name], FOLDER / f"{name}.log")
    finally:
        if not given.keep:
            say("removing the machine")
            shutil.rmtree(MACHINE, ignore_errors=True)
    ends = [last_lines(name, FOLDER / f"{name}.log", status) for name, status in statuses.items()]
    (FOLDER / "last-lines.txt").write_text("\n".join(ends), encoding="utf-8")
    say(", ".join(f"{COMMANDS[name]}: {status}" for name, status in statuses.items()))
    return 1 if any(statuses.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
