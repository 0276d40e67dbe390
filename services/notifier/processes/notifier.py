"""Composes the notifier: reads settings and rules, builds the stores and senders, and runs the loops."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

import asyncpg

from database.pool import ask_server, connect
from kafka.leader_producer import LeaderProducer
from kafka.reachability import ask_broker
from kafka.settings import KafkaSettings
from kafka.topic_reader import end_offset
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.run_until_stop import run_with
from lifecycle.startable_app import StartableApp
from lifecycle.stop_signal import StopSignal
from lifecycle.stop_signal import run as run_until_stopped
from lifecycle.task_group import run_group
from localization.region_names import load_region_names
from notifier.api.acknowledgement_page import AcknowledgementPages
from notifier.api.app import make_app
from notifier.api.authentication import AcknowledgementLinks, OfficerKey
from notifier.channels.email import EmailSender, MailServer
from notifier.channels.email_content import EmailContent
from notifier.channels.webhook import WebhookEndpoint, WebhookSender
from notifier.cli.rules_check import load_or_exit
from notifier.cut_evaluator import CutEvaluator
from notifier.cut_follower import evaluate_until_stopped, follow
from notifier.delivery_queue import DeliveryQueue, Sender
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import RetryPolicy
from notifier.domain.published_rules import published_rules
from notifier.i18n import Wording
from notifier.record_audit import AUDIT_EVERY_S, RecordAudit
from notifier.rules_file.reader import Rules
from notifier.settings import NotifierSettings
from notifier.store.alerts import AlertStore
from notifier.store.dead_messages import DeadMessages
from notifier.store.latches import TOPIC, LatchStore, topic_records
from notifier.store.messages import MessageStore
from outbox.leader import Leader
from outbox.lost_topic import LostTopicStep
from outbox.outbox_table import TableSource, TableTopic
from outbox.postgres_leases import Lease, new_holder
from outbox.publisher import Publisher, TopicChannel
from settings.contract_files import contract_path
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.health import Health
from telemetry.logs import configure, get

POOL_SIZE_MAX: Final = 12


def run() -> None:
    """Run the notifier until it is stopped. Exits with 2 if a setting or a rule is invalid."""
    settings, kafka = load(NotifierSettings, KafkaSettings)
    configure("notifier", settings.log_level)
    arm(settings.crash_at)
    rules = load_or_exit(settings.rules_file, settings.targets_file, settings.webhooks)
    run_until_stopped(partial(_run, settings, kafka, rules), settings.stop_announced_s)


async def _run(settings: NotifierSettings, kafka: KafkaSettings, rules: Rules, stopping: StopSignal) -> None:
    health = Health(waits_for=("postgresql",))
    health.check("not stopping", lambda: not stopping.is_announced())
    health.dependency("kafka", partial(ask_broker, kafka))
    app = StartableApp(health)
    await run_group(
        stopping,
        health.watch_dependencies(),
        server=serve(app, settings.host, settings.port, stopping),
        drain=run_with(
            connect(
                settings.database,
                service="notifier",
                application_name="notifier",
                max_size=POOL_SIZE_MAX,
                wait_s=math.inf,
            ),
            partial(_evaluate_and_deliver, settings, kafka, rules, (app, health), stopping),
            stopping,
        ),
    )


async def _evaluate_and_deliver(
    settings: NotifierSettings,
    kafka: KafkaSettings,
    rules: Rules,
    served: tuple[StartableApp, Health],
    stopping: StopSignal,
    pool: asyncpg.Pool[Any],
) -> None:
    app, health = served
    try:
        latches = LatchStore(pool)
        evaluator = CutEvaluator(rules, latches)
        audit = RecordAudit(evaluator, latches)
        links = _acknowledgement_links(settings)
        wording = _wording(rules)
        queue = _delivery_queue(settings, rules, wording, links, pool)
        pages = AcknowledgementPages(wording, str(settings.board_url))
        key = OfficerKey(settings.officer_key_hash)
        get().info("notifier starts", rules=len(rules.rules), recipients=len(rules.recipients))
        await latches.publish_rules(published_rules(rules.rules, rules.targets))
        health.check("cut", lambda: evaluator.state.ready)
        health.dependency("postgresql", partial(ask_server, pool))
        app.start(make_app(AlertStore(pool), DeadMessages(pool), key, links, pages, health))
        await run_group(
            stopping,
            follow(kafka, evaluator),
            evaluate_until_stopped(evaluator, queue.wake, health, stopping),
            run_forever(
                audit.audit_once, stopping, name="audit", pause_s=AUDIT_EVERY_S, failing_s_max=math.inf
            ),
            _milestone_publisher(kafka, pool).run(stopping),
            drain=queue.deliver_until_stopped(stopping),
        )
    finally:
        await pool.close()


def _milestone_publisher(kafka: KafkaSettings, pool: asyncpg.Pool[Any]) -> Leader:
    lease = Lease(pool, TOPIC, new_holder())
    producer = LeaderProducer(kafka, lease)
    step = LostTopicStep(
        TOPIC,
        Publisher(TableSource(pool, TOPIC, TOPIC), TopicChannel(producer, TOPIC)),
        TableTopic(pool, TOPIC, TOPIC, topic_records),
        partial(end_offset, kafka, TOPIC),
    )
    return Leader(lease, step, producer)


def _acknowledgement_links(settings: NotifierSettings) -> AcknowledgementLinks | None:
    secret = settings.link_secret
    return None if secret is None else AcknowledgementLinks(secret.get_secret_value())


def _wording(rules: Rules) -> Wording:
    titles = {name: epoch.title for name, epoch in rules.epochs.items()}
    return Wording(load_region_names(contract_path("regions.csv")), titles)


def _delivery_queue(
    settings: NotifierSettings,
    rules: Rules,
    wording: Wording,
    links: AcknowledgementLinks | None,
    pool: asyncpg.Pool[Any],
) -> DeliveryQueue:
    policy = RetryPolicy(settings.retried_h * 3600, settings.retry_delay_s, settings.retry_delay_s_max)
    store = MessageStore(pool, policy, rules.next_recipient)
    senders: dict[Channel, Sender] = {
        Channel.EMAIL: _email_sender(settings, wording, links),
        Channel.WEBHOOK: _webhook_sender(settings),
    }
    return DeliveryQueue(store, senders, rules.recipient, settings.deliveries_at_once)


def _email_sender(
    settings: NotifierSettings, wording: Wording, links: AcknowledgementLinks | None
) -> EmailSender:
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.mail_from,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        timeout_s=settings.mail_timeout_s,
    )
    root = str(settings.public_url).rstrip("/")
    link = None if links is None else (lambda message_id: f"{root}/ack/{links.token(message_id)}")
    return EmailSender(server, EmailContent(wording, str(settings.board_url), link))


def _webhook_sender(settings: NotifierSettings) -> WebhookSender:
    endpoints = {
        name: WebhookEndpoint(str(endpoint.url), endpoint.secret.get_secret_value())
        for name, endpoint in settings.webhooks.items()
    }
    return WebhookSender(
        endpoints, timeout_s=settings.webhook_timeout_s, allowed_networks=settings.webhook_allowed_networks
    )
