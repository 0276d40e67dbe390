"""Builds the notifier from its settings: `python -m notifier run`, `migrate`, `rules check FILE`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import procrastinate
import typer

from database.migrations import migrate as migrate_schema
from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.shutdown import StopSignal
from lifecycle.shutdown import run as run_until_stopped
from notifier.api.acknowledgement_page import AcknowledgementPages
from notifier.api.app import make_app
from notifier.api.authentication import AcknowledgementLinks, OfficerKey
from notifier.channels.email import MailSender, MailServer
from notifier.channels.email_content import EmailContent
from notifier.channels.webhook import WebhookEndpoint, WebhookSender
from notifier.cut_evaluator import CutEvaluator
from notifier.delivery.queue import queue_app
from notifier.delivery.sender import DeliverySender, Sender
from notifier.domain.alerts import Channel
from notifier.domain.delivery_policy import Policy
from notifier.i18n import Wording
from notifier.processes.loops import deliver, evaluate_cuts, follow, publish, together
from notifier.region_names import load_regions
from notifier.rules_file.reader import InvalidRulesError, Rules, load_rules
from notifier.settings import MigrateSettings, NotifierSettings
from notifier.store.alerts import AlertStore
from notifier.store.latches import TOPIC, LatchStore
from notifier.store.messages import MessageStore
from outbox.postgres_leases import Lease, new_holder
from outbox.publisher import Publisher
from outbox.publisher import TopicChannel as TopicChannel
from outbox.table_source import TableSource
from settings.contract_files import contract_path
from settings.kafka import KafkaSettings
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.health import Health
from telemetry.logs import configure, get

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Tells officials of milestones.")
rules_cli = typer.Typer(no_args_is_help=True, help="The milestone rules.")
cli.add_typer(rules_cli, name="rules")


@cli.command()
def run() -> None:
    """Follow the cuts, latch, deliver and serve the interface, until stopped."""
    settings, kafka = load(NotifierSettings, KafkaSettings)
    configure("notifier", settings.log_level)
    arm(settings.crash_at)
    rules = _rules(settings.rules_file, settings.targets_file, settings)
    run_until_stopped(partial(_run, settings, kafka, rules))


@cli.command()
def migrate() -> None:
    """Bring the schema `notifier` up to date."""
    migrate_schema("notifier", str(load(MigrateSettings).database_url))


@rules_cli.command()
def check(
    file: Annotated[Path, typer.Argument(help="The rules file.")],
    targets: Annotated[
        Path | None, typer.Option(help="The targets file; else targets.yaml beside it.")
    ] = None,
) -> None:
    """Check a rules file with its targets; names every fault and exits with 2 where there is one."""
    rules = _rules(file, targets or file.with_name("targets.yaml"), None)
    counted = f"{len(rules.rules)} rules, {len(rules.recipients)} recipients, {len(rules.targets)} targets"
    typer.echo(f"{file}: {counted}: in order")


def _rules(file: Path, targets: Path, settings: NotifierSettings | None) -> Rules:
    """Both files, checked against the contract's regions and, where given, the settings; exits with 2."""
    try:
        rules = load_rules(file, targets, load_regions(contract_path("regions.csv")))
        if settings is not None:
            _check_webhooks(rules, settings)
    except InvalidRulesError as wrong:
        typer.echo(f"{file} with {targets}: {len(wrong.faults)} wrong:", err=True)
        for fault in wrong.faults:
            typer.echo(f"  {fault}", err=True)
        raise SystemExit(2) from None
    return rules


def _check_webhooks(rules: Rules, settings: NotifierSettings) -> None:
    hooks = [one.id.removeprefix("webhook:") for one in rules.recipients if one.channel is Channel.WEBHOOK]
    missing = [name for name in hooks if name not in settings.webhooks]
    if missing:
        raise InvalidRulesError([f"webhooks: {name} has no address in NOTIFIER_WEBHOOKS" for name in missing])


async def _run(settings: NotifierSettings, kafka: KafkaSettings, rules: Rules, stopping: StopSignal) -> None:
    pool = await connect(str(settings.database_url), application_name="notifier", max_size=12)
    try:
        health = Health()
        watch = CutEvaluator(rules, LatchStore(pool))
        health.check("postgres", lambda: _answers(pool))
        health.check("cut", lambda: watch.state.ready)
        links = (
            AcknowledgementLinks(settings.link_secret.get_secret_value()) if settings.link_secret else None
        )
        wording = _wording(rules)
        queue = _queue(
            settings,
            rules,
            pool,
            {
                Channel.EMAIL: _mail(settings, wording, links),
                Channel.WEBHOOK: _webhooks(settings),
            },
        )
        pages = AcknowledgementPages(wording, str(settings.board_url))
        app = make_app(AlertStore(pool), OfficerKey(settings.officer_key_hash), links, pages, health)
        lease = Lease(pool, TOPIC, new_holder())
        channel = TopicChannel(kafka.topic(TOPIC), kafka.client_options())
        get().info("notifier starts", rules=len(rules.rules), recipients=len(rules.recipients))
        async with queue.open_async():
            await together(
                stopping,
                follow(kafka, watch, stopping),
                evaluate_cuts(watch, health, stopping),
                deliver(queue, settings.deliveries_at_once, settings.stalled_s, stopping),
                publish(Publisher(TableSource(pool, TOPIC, TOPIC), lease, channel), lease, stopping),
                serve(app, settings.host, settings.port, stopping),
            )
    finally:
        await pool.close()


async def _answers(pool: asyncpg.Pool[Any]) -> bool:
    return bool(await pool.fetchval("select true"))


def _wording(rules: Rules) -> Wording:
    titles = {name: epoch.title for name, epoch in rules.epochs.items()}
    return Wording(load_regions(contract_path("regions.csv")), titles)


def _queue(
    settings: NotifierSettings, rules: Rules, pool: asyncpg.Pool[Any], senders: Mapping[Channel, Sender]
) -> procrastinate.App:
    policy = Policy(settings.attempts_max, settings.retry_delay_s, settings.retry_delay_s_max)
    messages = MessageStore(pool, policy)
    sending = DeliverySender(messages, senders, rules.recipient)
    return queue_app(str(settings.database_url), sending, messages, settings.stalled_s)


def _mail(settings: NotifierSettings, wording: Wording, links: AcknowledgementLinks | None) -> MailSender:
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
    return MailSender(server, EmailContent(wording, str(settings.board_url), link))


def _webhooks(settings: NotifierSettings) -> WebhookSender:
    hooks = {
        name: WebhookEndpoint(str(endpoint.url), endpoint.secret.get_secret_value())
        for name, endpoint in settings.webhooks.items()
    }
    return WebhookSender(
        hooks, timeout_s=settings.webhook_timeout_s, allowed_networks=settings.webhook_allowed_networks
    )


if __name__ == "__main__":
    sys.exit(cli())
