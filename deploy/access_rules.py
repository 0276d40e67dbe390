"""Grants each service access to its own topics and consumer groups, and to nothing else.

It needs a broker with users. A user has the name of its service. Only the user that creates the topics may
change the rules.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # the package re-exports these names
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from deploy.topics import Topic

GROUP_OWNERS: Final = ("aggregator",)
"""The services that use consumer groups; the names of their groups begin with the service's name."""
ANSWER_S_MAX: Final = 15.0
APPLIED_S_MAX: Final = 30.0
RETRY_PAUSE_S: Final = 0.1


class AccessError(RuntimeError):
    """The broker refuses to list or to change its access rules."""


def set_access_rules(settings: KafkaSettings, topics: Sequence[Topic]) -> None:
    """Create the missing rules of the services, and remove all other rules of their users.

    Return when the broker applies them. Rules of topics and groups without the configured prefix belong to
    another installation and remain. Raises AccessError.
    """
    admin = AdminClient(_configuration(settings))
    wanted = set(_wanted(settings, topics))
    deadline = time.monotonic() + APPLIED_S_MAX
    try:
        while (own := _own_rules(admin, wanted, settings.topic(""))) != wanted:
            if time.monotonic() > deadline:
                raise AccessError(f"{settings.bootstrap_servers} has not applied the access rules")
            if missing := wanted - own:
                _wait(admin.create_acls(list(missing), request_timeout=ANSWER_S_MAX))
            if unwanted := own - wanted:
                _wait(admin.delete_acls(list(map(_exactly, unwanted)), request_timeout=ANSWER_S_MAX))
            time.sleep(RETRY_PAUSE_S)
    except KafkaException as error:
        raise AccessError(f"{settings.bootstrap_servers}: {error.args[0].str()}") from error


def _own_rules(admin: AdminClient, wanted: set[AclBinding], prefix: str) -> set[AclBinding]:
    users = {rule.principal for rule in wanted}
    found = admin.describe_acls(_every_rule(), request_timeout=ANSWER_S_MAX).result(ANSWER_S_MAX)
    return {rule for rule in found if rule.principal in users and rule.name.startswith(prefix)}


def _wanted(settings: KafkaSettings, topics: Sequence[Topic]) -> Iterator[AclBinding]:
    for topic in topics:
        name = settings.topic(topic.name)
        yield _topic_rule(topic.writer, name, AclOperation.WRITE)
        # A writer reads its last records to continue after them.
        for reader in {topic.writer, *topic.readers}:
            yield _topic_rule(reader, name, AclOperation.READ)
        if topic.emptied:
            yield _topic_rule(topic.writer, name, AclOperation.DELETE)
    for service in GROUP_OWNERS:
        yield _rule(
            ResourceType.GROUP,
            settings.topic(service),
            ResourcePatternType.PREFIXED,
            service,
            AclOperation.READ,
        )


def _topic_rule(service: str, name: str, operation: AclOperation) -> AclBinding:
    return _rule(ResourceType.TOPIC, name, ResourcePatternType.LITERAL, service, operation)


def _rule(
    kind: ResourceType, name: str, pattern: ResourcePatternType, service: str, operation: AclOperation
) -> AclBinding:
    return AclBinding(kind, name, pattern, f"User:{service}", "*", operation, AclPermissionType.ALLOW)


def _every_rule() -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # the type of the base class, which has a name
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]  # as above
        None,  # type: ignore[arg-type]  # as above
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


def _exactly(rule: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        rule.restype,
        rule.name,
        rule.resource_pattern_type,
        rule.principal,
        rule.host,
        rule.operation,
        rule.permission_type,
    )


def _configuration(settings: KafkaSettings) -> dict[str, str | int | float | bool]:
    assert settings.sasl_username, "settings require it"
    assert settings.sasl_password, "settings require it"
    configuration: dict[str, str | int | float | bool] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": settings.sasl_password.get_secret_value(),
        "log_level": 0,
    }
    if settings.ssl_ca_file:
        configuration["ssl.ca.location"] = settings.ssl_ca_file
    return configuration


def _wait(answers: dict[Any, Future[Any]]) -> None:
    for answer in answers.values():
        answer.result(ANSWER_S_MAX)
