"""Faust takes the app's settings, transport and overrides; this fails if a release of Faust changes them."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Iterator

import faust
import pytest
from faust.transport.drivers import aiokafka as driver

from aggregator.consumer.faust_app import build_app
from aggregator.consumer.faust_transport import FetchApp, FetchConsumer
from aggregator.consumer.whole_fetch_scheduler import FetchScheduler
from kafka.settings import KafkaSettings

# In a process of its own, because `mode.loop.use` has an effect only once per process.
THREAD_LOOP = """
import asyncio
from aggregator.consumer.faust_app import build_app
from mode.threads import ServiceThread
from kafka.settings import KafkaSettings

async def main():
    build_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), "aggregator", 6.0)
    print(type(ServiceThread().thread_loop).__module__)

asyncio.run(main())
"""


@pytest.fixture
def app() -> Iterator[FetchApp]:
    policy = asyncio.get_event_loop_policy()
    yield build_app(KafkaSettings(bootstrap_servers="127.0.0.1:1,127.0.0.1:2"), "aggregator", 6.0)
    asyncio.set_event_loop_policy(policy)


def test_the_consumer_is_ours_and_delivers_whole_fetches(app: FetchApp) -> None:
    scheduler: object = app.conf.ConsumerScheduler

    assert app.transport.Consumer is FetchConsumer
    assert scheduler is FetchScheduler


def test_the_loop_of_the_fetching_thread_is_uvloop_s() -> None:
    done = subprocess.run([sys.executable, "-c", THREAD_LOOP], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["uvloop"]


def test_the_consumer_connects_to_all_brokers(app: FetchApp) -> None:
    assert [str(url) for url in app.transport.url] == ["kafka://127.0.0.1:1", "kafka://127.0.0.1:2"]


def test_a_stand_by_that_fetches_nothing_for_weeks_stays_in_the_group(app: FetchApp) -> None:
    assert app.conf.broker_max_poll_interval > 100 * 86_400


@pytest.mark.parametrize(
    ("override", "overridden"),
    [
        (FetchApp._create_directories, faust.App._create_directories),
        (FetchConsumer.getmany, driver.Consumer.getmany),
        (FetchConsumer.seek_to_committed, driver.Consumer.seek_to_committed),
        (FetchConsumer.on_buffer_full, driver.Consumer.on_buffer_full),
        (FetchConsumer.verify_event_path, driver.Consumer.verify_event_path),
    ],
)
def test_an_override_takes_the_arguments_of_the_method_in_faust(override: object, overridden: object) -> None:
    assert callable(override)
    assert callable(overridden)

    assert list(inspect.signature(override).parameters) == list(inspect.signature(overridden).parameters)
