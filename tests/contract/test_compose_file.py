"""docker-compose.yml bounds memory and logs, publishes only the proxy's port, and limits secret mounts.

The build gets every file that an image copies.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import yaml

from tests.support.contract_documents import ROOT

MEMORY_MIB_MAX = 4_096
DOCKERFILE = ROOT / "deploy/images/Dockerfile"
PUBLISHED = {"proxy", "mail", "webhooks", "prometheus"}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
LASTING = {name: service for name, service in SERVICES.items() if service["restart"] != "no"}
CLUSTER = {name for name, service in SERVICES.items() if service.get("profiles") == ["cluster"]}


def test_all_services_together_fit_in_four_gibibytes() -> None:
    limits = [
        int(service["mem_limit"].removesuffix("m")) * service.get("scale", 1)
        for name, service in LASTING.items()
        if name not in CLUSTER
    ]

    assert sum(limits) <= MEMORY_MIB_MAX


def test_every_lasting_service_bounds_its_log() -> None:
    assert {service["logging"]["options"]["max-size"] for service in LASTING.values()} == {"30m"}


def test_our_services_write_only_to_their_volumes() -> None:
    ours = {name: service for name, service in LASTING.items() if "build" in service}

    assert {"registration-api", "registration-relay", "aggregator-worker", "notifier", "board"} <= ours.keys()
    assert all(service["read_only"] for service in ours.values())


def test_only_the_proxy_and_the_tools_publish_ports_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published.keys() == PUBLISHED
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_only_the_services_that_need_a_secret_mount_it() -> None:
    mounts = {
        volume: {name for name, service in SERVICES.items() if f"{volume}:" in str(service.get("volumes"))}
        for volume in COMPOSE["volumes"]
        if volume.startswith("secrets-")
    }

    assert mounts["secrets-registration-api"] == {"secrets", "registration-api", "first-keys"}
    for service in ("registration", "aggregator", "notifier"):
        assert mounts[f"secrets-{service}-owner"] == {"secrets", f"migrate-{service}"}
    assert mounts["secrets-postgres"] == {"secrets", "postgres", "roles"}
    assert mounts["secrets-authority"] == {"secrets"}
    assert mounts["secrets-kafka"] == {"secrets", "kafka"} | CLUSTER
    assert mounts["secrets-kafka-admin"] == {"secrets", "topics"}
    assert {volume for volume, names in mounts.items() if "board" in names} == {"secrets-board"}
    assert not any("proxy" in names for names in mounts.values())


def test_only_the_services_that_need_the_database_or_kafka_share_a_network_with_it() -> None:
    members = {
        network: {
            name for name, service in SERVICES.items() if network in service.get("networks", ["default"])
        }
        for network in COMPOSE["networks"]
    }

    assert not any("postgres" in names for network, names in members.items() if network != "database")
    assert not any("kafka" in names for network, names in members.items() if network != "broker")
    assert members["database"].isdisjoint({"board", "proxy", "prometheus", "mail", "webhooks", "topics"})
    assert members["broker"].isdisjoint({"registration-api", "proxy", "prometheus", "mail", "webhooks"})
    assert SERVICES["secrets"]["network_mode"] == "none"


def test_each_service_logs_in_to_kafka_as_itself() -> None:
    users = {
        name: service["environment"]["KAFKA_SASL_USERNAME"]
        for name, service in SERVICES.items()
        if "KAFKA_BOOTSTRAP_SERVERS" in service.get("environment", {})
    }

    assert users == {
        "topics": "admin",
        "registration-relay": "registration",
        "registration-audit": "registration",
        "aggregator-worker": "aggregator",
        "aggregator-publisher": "aggregator",
        "notifier": "notifier",
        "board": "board",
    }
    assert {SERVICES[name]["environment"]["KAFKA_SECURITY_PROTOCOL"] for name in users} == {"SASL_SSL"}


def test_the_topics_have_a_copy_on_each_broker_of_the_cluster() -> None:
    assert {"kafka-2", "kafka-3"} == CLUSTER
    assert SERVICES["topics"]["environment"]["TOPIC_REPLICATION"] == "${KAFKA_BROKERS:-1}"
    nodes = [SERVICES[name]["environment"]["NODE"] for name in ("kafka", "kafka-2", "kafka-3")]
    assert nodes == [1, 2, 3]


def test_a_service_that_the_proxy_stops_using_first_has_the_time_to_end() -> None:
    announced = {
        name: int(value)
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if variable.endswith("_STOP_ANNOUNCED_S")
    }

    assert announced.keys() == {"registration-api", "notifier", "board"}
    for name, seconds in announced.items():
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > seconds + 30


def test_a_build_gets_every_file_that_the_images_copy() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignored if line.startswith("!")]
    copies = [line.split()[1:-1] for line in DOCKERFILE.read_text().splitlines() if line.startswith("COPY ")]
    sources = [source for copy in copies if not copy[0].startswith("--from") for source in copy]

    assert len(sources) > 10
    assert [
        source
        for source in sources
        if not any(fnmatch(source, path) or source.startswith(f"{path}/") for path in sent)
    ] == []
