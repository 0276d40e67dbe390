"""The delivery queue on procrastinate: one job per open message, and the care for jobs of dead workers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

import procrastinate
from procrastinate import exceptions
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from notifier import metrics
from notifier.delivery.sender import DeliverySender, RetryLaterError
from notifier.store.latches import QUEUE, TASK
from notifier.store.messages import MessageStore
from telemetry.logs import get

UPKEEP_QUEUE: Final = "upkeep"
UPKEEP_TASK: Final = "notifier.take_over"
UPKEEP_CRON: Final = "* * * * * */2"
"""Every two seconds: the sixth field is the second."""
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)
"""Past for the database's clock, whatever the time of this process."""
POLL_S: Final = 1.0
"""New jobs wake the worker at once; this is for those whose time comes."""

log = get()


class RetryAtStoredTime(BaseRetryStrategy):
    """Retries when the message store says so; an unforeseen fault is left to the orphans' adoption."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, RetryLaterError):
            return RetryDecision(retry_at=exception.due_at)
        return None


def queue_app(url: str, sending: DeliverySender, store: MessageStore, stalled_s: float) -> procrastinate.App:
    """The procrastinate application: the delivery task and the periodic upkeep.

    Jobs of a worker whose heart has not beaten for `stalled_s` seconds are taken over (procrastinate itself
    only lists them), and open messages without a job get one.
    """
    connector = procrastinate.PsycopgConnector(
        conninfo=url, min_size=1, max_size=4, kwargs={"application_name": "notifier-queue"}
    )
    app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": 10})

    @app.task(name=TASK, queue=QUEUE, retry=RetryAtStoredTime())
    async def deliver(message: str) -> None:
        await sending.send_once(uuid.UUID(message))

    @app.periodic(cron=UPKEEP_CRON)
    @app.task(name=UPKEEP_TASK, queue=UPKEEP_QUEUE, priority=10)
    async def take_over(timestamp: int) -> None:
        await _adopt_orphans(app, sending, stalled_s)
        metrics.ADOPTED.inc(await store.adopt_orphans())
        await _show_open(store)

    return app


async def _adopt_orphans(app: procrastinate.App, sending: DeliverySender, stalled_s: float) -> None:
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s):
        if job.task_name == TASK and sending.is_sending(uuid.UUID(str(job.task_kwargs["message"]))):
            continue
        try:
            if job.task_name == TASK:
                await app.job_manager.retry_job(job, retry_at=AT_ONCE)
                metrics.TAKEN_OVER.inc()
                log.info("job taken over", job=job.id)
            else:
                await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except exceptions.ConnectorException:
            log.info("job already taken over", job=job.id)


async def run_worker(app: procrastinate.App, deliveries_at_once: int, stalled_s: float) -> None:
    """Work until cancelled, or until the database fails: then the caller starts it again."""
    await app.run_worker_async(
        queues=[QUEUE, UPKEEP_QUEUE],
        concurrency=deliveries_at_once,
        fetch_job_polling_interval=POLL_S,
        shutdown_graceful_timeout=10.0,
        delete_jobs="always",
        install_signal_handlers=False,
        update_heartbeat_interval=stalled_s / 4,
        stalled_worker_timeout=stalled_s,
    )


async def _show_open(store: MessageStore) -> None:
    standing = await store.open_messages()
    for state in ("intent", "held", "sending", "retry"):
        metrics.OPEN.labels(state).set(standing.get(state, 0))
