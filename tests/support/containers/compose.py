"""Starts docker-compose.yml with podman as Docker would: a service after its `depends_on` conditions are met.

Podman runs health checks only with systemd, so this module itself runs the health checks of the file.
"""

from __future__ import annotations

import json
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from tests.support.containers.podman import BUILD_OPTIONS, podman, run
from tests.support.deadlines import until

ROOT = Path(__file__).resolve().parents[3]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# For each image that the file builds, one of the services that use the image.
BUILT = ("registration-api", "aggregator-worker", "notifier", "board", "topics")
CONDITION_S_MAX = 180.0


class Compose:
    """A compose project without profiles. `down` removes its containers, volumes and network."""

    def __init__(self, project: str, ports: dict[str, int], scaled: dict[str, int] | None = None) -> None:
        """Make the project. `scaled` has the number of replicas of services, instead of the file's number."""
        self.project = project
        self.ports = ports
        self._scaled = scaled or {}
        self.declared: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
        self.services: dict[str, Any] = {
            name: service for name, service in self.declared["services"].items() if "profiles" not in service
        }

    def build(self) -> None:
        """Build one image of the file, then in parallel the others, which reuse its layers."""
        authorities = (f"--env={name}={CERTIFICATES}" for name in ("PIP_CERT", "SSL_CERT_FILE"))
        options = " ".join((*BUILD_OPTIONS, *authorities))
        for names in (BUILT[:1], BUILT[1:]):
            self._compose("--podman-build-args", options, "build", *names, timeout_s=900)

    async def up(self) -> None:
        """Start the services in groups, each group when its `depends_on` conditions are met."""
        needs = {name: dict(service.get("depends_on", {})) for name, service in self.services.items()}
        order = TopologicalSorter(needs)
        order.prepare()
        while order.is_active():
            names = order.get_ready()
            for needed, condition in {item for name in names for item in _pairs(needs[name])}:
                await self._wait_for_condition(needed, condition)
            for name in names:
                self._compose(
                    "up", "-d", "--no-build", "--no-deps", "--scale", f"{name}={self.replicas(name)}", name
                )
            order.done(*names)

    def down(self) -> None:
        """Remove the project's containers, volumes and network, also those of an interrupted run."""
        own = f"label=io.podman.compose.project={self.project}"
        _remove(
            ("rm", "--force", "--volumes", "--time", "0"),
            podman("ps", "--all", "--quiet", "--filter", own).stdout,
        )
        # podman-compose gives a name to an anonymous volume, too.
        _remove(
            ("volume", "rm", "--force"),
            podman("volume", "ls", "--quiet", "--filter", f"name=^{self.project}_").stdout,
        )
        for name in self.declared["networks"]:
            podman("network", "rm", "--force", f"{self.project}_{name}", check=False)

    def replicas(self, name: str) -> int:
        """Return the number of containers of a service."""
        return int(self._scaled.get(name, self.services[name].get("scale", 1)))

    async def healthy(self, name: str) -> None:
        """Wait until the health check of each container of the service succeeds."""
        for number in range(1, self.replicas(name) + 1):
            await self._until(name, "is healthy", partial(self._check_health, name, number))

    def kill(self, name: str, number: int = 1) -> None:
        """Kill a container of a service. It stays stopped until `start` is called."""
        podman("kill", "--signal", "KILL", self._container(name, number))

    def start(self, name: str, number: int = 1) -> None:
        """Start a stopped container of a service."""
        podman("start", self._container(name, number))

    def restart_one_after_another(self, name: str) -> None:
        """Restart the containers of a service with the script that operators use."""
        run(
            str(ROOT / "deploy" / "rolling_restart.sh"),
            name,
            env={"ENGINE": "podman", "COMPOSE_PROJECT_NAME": self.project},
        )

    def output(self, name: str, *command: str) -> str:
        """Run a command in a new container of a service, with its volumes and settings; return its output."""
        entrypoint, *arguments = command
        return self._compose("run", "--rm", "--no-deps", "-T", "--entrypoint", entrypoint, name, *arguments)

    def logs(self, name: str) -> str:
        """Return the last lines of a service's log."""
        done = podman("logs", "--tail", "40", self._container(name), check=False)
        return done.stdout + done.stderr

    def url(self, variable: str) -> str:
        """Return the base URL of a published port. `variable` names the port in the file."""
        return f"http://127.0.0.1:{self.ports[variable]}"

    async def _wait_for_condition(self, name: str, condition: str) -> None:
        match condition:
            case "service_healthy":
                await self.healthy(name)
            case "service_completed_successfully":
                await self._until(name, "has ended", lambda: self._state(name)["Status"] == "exited")
                assert self._state(name)["ExitCode"] == 0, f"{name} failed:\n{self.logs(name)}"
            case _:
                raise AssertionError(f"unknown condition {condition}")

    def _check_health(self, name: str, number: int) -> bool:
        return podman("healthcheck", "run", self._container(name, number), check=False).returncode == 0

    def _state(self, name: str) -> dict[str, Any]:
        (found,) = json.loads(podman("inspect", self._container(name)).stdout)
        return dict(found["State"])

    async def _until(self, name: str, what: str, condition: Any) -> None:
        try:
            await until(condition, CONDITION_S_MAX, 0.2, f"{name} {what}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs(name)}") from error

    def _container(self, name: str, number: int = 1) -> str:
        return f"{self.project}_{name}_{number}"

    def _compose(self, *arguments: str, timeout_s: float = 300) -> str:
        command = (
            "podman-compose",
            "--project-name",
            self.project,
            "--file",
            str(ROOT / "docker-compose.yml"),
        )
        env = {variable: str(port) for variable, port in self.ports.items()}
        return run(*command, *arguments, env=env, timeout_s=timeout_s).stdout


def _remove(command: tuple[str, ...], names: str) -> None:
    if names.strip():
        podman(*command, *names.split())


def _pairs(needs: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, how["condition"]) for name, how in needs.items()]
