"""The delivery queue, built on procrastinate: one job per open message, and the recovery of lost jobs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

import procrastinate
from procrastinate import exceptions
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from lifecycle.loops import run_forever
from lifecycle.run_until_stop import cancel_on_stop
from lifecycle.stop_signal import StopSignal
from notifier import metrics
from notifier.delivery.delivery_attempt import DeliverySender, RetryLaterError
from notifier.store.latches import QUEUE, TASK
from notifier.store.messages import MessageStore
from telemetry.logs import get

UPKEEP_QUEUE: Final = "upkeep"
UPKEEP_TASK: Final = "notifier.take_over"
UPKEEP_CRON: Final = "* * * * * */2"
"""Every two seconds; the sixth field of the pattern is the second."""
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)
"""This time is in the past by the database's clock, even if this machine's clock is wrong."""
POLL_S: Final = 1.0
"""The interval at which the worker looks for retries that are due. A new job wakes the worker at once."""
RESTART_S: Final = 0.5

log = get()


class RetryAtStoredTime(BaseRetryStrategy):
    """Retries a job at the time that its RetryLaterError states.

    After any other exception the job is not retried; `defer_orphans` then adds a new job.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, RetryLaterError):
            return RetryDecision(retry_at=exception.due_at)
        return None


def queue_app(
    url: str, delivery_sender: DeliverySender, store: MessageStore, stalled_s: float
) -> procrastinate.App:
    """Return the procrastinate app with the delivery task and the periodic upkeep task.

    The upkeep task retries the jobs of workers that have sent no heartbeat for `stalled_s` seconds, because
    procrastinate only lists such jobs. It also adds a job for every open message that has none.
    """
    connector = procrastinate.PsycopgConnector(
        conninfo=url, min_size=1, max_size=4, kwargs={"application_name": "notifier-queue"}
    )
    app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": 10})

    @app.task(name=TASK, queue=QUEUE, retry=RetryAtStoredTime())
    async def deliver(message: str) -> None:
        await delivery_sender.send_once(uuid.UUID(message))

    @app.periodic(cron=UPKEEP_CRON)
    @app.task(name=UPKEEP_TASK, queue=UPKEEP_QUEUE, priority=10)
    async def upkeep(timestamp: int) -> None:
        await _retry_stalled_jobs(app, delivery_sender, stalled_s)
        metrics.ADOPTED.inc(await store.defer_orphans())
        await _update_open_gauge(store)

    return app


async def deliver_until_stopped(
    app: procrastinate.App, deliveries_at_once: int, stalled_s: float, stopping: StopSignal
) -> None:
    """Work on the queue until the stop. At the stop, deliveries in progress get 10 seconds to end."""

    async def run_worker() -> None:
        await cancel_on_stop(_run_worker(app, deliveries_at_once, stalled_s), stopping)

    await run_forever(run_worker, stopping, name="deliver", pause_s=RESTART_S)


async def _run_worker(app: procrastinate.App, deliveries_at_once: int, stalled_s: float) -> None:
    """Work on the queue until the task is cancelled or the database fails."""
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


async def _retry_stalled_jobs(
    app: procrastinate.App, delivery_sender: DeliverySender, stalled_s: float
) -> None:
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s):
        if job.task_name == TASK and delivery_sender.is_sending(uuid.UUID(str(job.task_kwargs["message"]))):
            continue
        try:
            if job.task_name == TASK:
                await app.job_manager.retry_job(job, retry_at=AT_ONCE)
                metrics.TAKEN_OVER.inc()
                log.info("stalled job taken over", job=job.id)
            else:
                await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
        except exceptions.ConnectorException:
            log.info("stalled job already taken over", job=job.id)


async def _update_open_gauge(store: MessageStore) -> None:
    open_messages = await store.open_messages()
    for state in ("intent", "held", "sending", "retry"):
        metrics.OPEN.labels(state).set(open_messages.get(state, 0))
