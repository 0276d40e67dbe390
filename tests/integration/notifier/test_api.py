"""Tests the HTTP interface on a real database: alerts with receipts, acknowledgements, silences, links."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from database.pool import connect
from notifier.__main__ import cli
from notifier.api.acknowledgement_page import AcknowledgementPages
from notifier.api.app import make_app
from notifier.api.authentication import AcknowledgementLinks, OfficerKey
from notifier.domain.alert_evidence import Attempt
from notifier.domain.alerts import Channel, alert_id
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason, RetryPolicy
from notifier.i18n import Wording
from notifier.store.alerts import AlertStore
from notifier.store.dead_messages import DeadMessages
from notifier.store.latches import LatchStore
from notifier.store.messages import Lane, MessageStore
from telemetry.health import Health
from tests.support.postgres_server import Databases
from tests.support.samples.milestones import REGIONS, crossing, official, webhook

pytestmark = pytest.mark.integration

LINKS = AcknowledgementLinks("l" * 32)
KEY = {"Authorization": "Bearer officers"}
OFFICIAL = official(within=("31",))
EMAILS = Lane("email", Channel.EMAIL)


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[Any]:
    pool = await connect(database.notifier, application_name="test")
    yield pool
    await pool.close()


@pytest.fixture
async def client(pool: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(
        AlertStore(pool),
        DeadMessages(pool),
        OfficerKey(hashlib.sha256(b"officers").hexdigest()),
        LINKS,
        AcknowledgementPages(Wording(REGIONS, {}), "https://board.example"),
        Health(),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
async def latches(pool: Any) -> LatchStore:
    """A store with two crossings, each with an alert for an official and for a webhook."""
    store = LatchStore(pool)
    await store.record([crossing(), crossing(region="31.71", threshold=500)], [], [OFFICIAL, webhook()])
    return store


async def first_message(pool: Any, recipient: str) -> uuid.UUID:
    return uuid.UUID(
        str(await pool.fetchval("select id from message where recipient = $1 limit 1", recipient))
    )


async def test_alerts_have_their_crossing_and_attempts(
    client: httpx.AsyncClient, pool: Any, latches: LatchStore
) -> None:
    messages = MessageStore(pool, RetryPolicy(retry_delay_s=60))
    begun = await messages.begin_attempt(EMAILS, claim_s=60)
    assert isinstance(begun, Attempt)
    await messages.end_attempt(begun, AttemptResult(DeliveryReason.DEFERRED))

    response = (await client.get("/v1/alerts", params={"recipient": OFFICIAL.id, "region": "31.71"})).json()

    (alert,) = response["alerts"]
    assert alert["id"] == str(alert_id(crossing(region="31.71", threshold=500), OFFICIAL.id))
    assert (alert["state"], alert["reason"], alert["channel"]) == ("retry", "deferred", "email")
    assert alert["crossing"]["threshold"] == 500
    assert alert["crossing"]["as_of"] == "2021-10-21T12:05:00Z"
    assert [(sent["number"], sent["reason"]) for sent in alert["attempts"]] == [(1, "deferred")]
    assert await messages.begin_attempt(EMAILS, claim_s=60) is None


async def test_pages_have_every_alert_once(client: httpx.AsyncClient, latches: LatchStore) -> None:
    ids, before = [], None
    while True:
        page = (
            await client.get("/v1/alerts", params={"limit": 3, **({"before": before} if before else {})})
        ).json()
        ids += [alert["id"] for alert in page["alerts"]]
        before = page["next"]
        if before is None:
            break

    assert len(ids) == len(set(ids)) == 4


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ({"state": "intent"}, 4),
        ({"state": "dead"}, 0),
        ({"region": "31"}, 4),
        ({"region": "31.7"}, None),
        ({"scope": "agency:ppkukm"}, 0),
        ({"rule": "province-target"}, 4),
        ({"recipient": "webhook:control-room"}, 2),
        ({"limit": 0}, None),
        ({"state": "nothing"}, None),
    ],
)
async def test_filters_match_or_are_refused(
    client: httpx.AsyncClient, latches: LatchStore, filter_: dict[str, Any], count: int | None
) -> None:
    response = await client.get("/v1/alerts", params=filter_)

    if count is None:
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == f"/{next(iter(filter_))}"
    else:
        assert len(response.json()["alerts"]) == count


async def test_the_interface_returns_no_email_address(client: httpx.AsyncClient, latches: LatchStore) -> None:
    assert "example.org" not in (await client.get("/v1/alerts")).text


async def test_a_second_acknowledgement_changes_nothing(
    client: httpx.AsyncClient, latches: LatchStore
) -> None:
    url = f"/v1/alerts/{alert_id(crossing(), OFFICIAL.id)}/ack"

    first, second = [await client.post(url, headers=KEY) for _ in range(2)]

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["acknowledged_by"] == "officer"
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


async def test_acknowledging_needs_the_key_and_an_alert(
    client: httpx.AsyncClient, latches: LatchStore
) -> None:
    url = f"/v1/alerts/{alert_id(crossing(), OFFICIAL.id)}/ack"

    without = await client.post(url)
    unknown = await client.post(f"/v1/alerts/{uuid.uuid4()}/ack", headers=KEY)

    assert (without.status_code, unknown.status_code) == (401, 404)
    assert without.headers["content-type"] == "application/problem+json"


async def test_opening_the_link_changes_nothing_and_its_button_acknowledges_all_alerts(
    client: httpx.AsyncClient, pool: Any, latches: LatchStore
) -> None:
    path = f"/ack/{LINKS.token(await first_message(pool, OFFICIAL.id))}"
    acknowledged = "select count(*) from alert where acknowledged_at is not null"

    looked = await client.get(path, headers={"Accept-Language": "en"})
    after_looking = await pool.fetchval(acknowledged)
    pressed = await client.post(path)

    assert "DKI Jakarta has reached 200,000 registered participants" in looked.text
    assert "<button>Mark as known</button>" in looked.text
    assert after_looking == 0
    assert "Sudah diketahui sejak" in pressed.text
    assert await pool.fetchval(acknowledged) == 2


async def test_a_made_up_link_is_not_found(client: httpx.AsyncClient) -> None:
    responses = [await client.get(f"/ack/{token}") for token in ("x", "A" * 43, LINKS.token(uuid.uuid4()))]

    assert [response.status_code for response in responses] == [404, 404, 404]


def silence(**other: Any) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {"region": "31.71", "until": until, "reason": "maintenance"} | other


async def test_a_silence_holds_matching_alerts_until_it_ends(client: httpx.AsyncClient, pool: Any) -> None:
    posted = await client.post("/v1/silences", json=silence(), headers=KEY | {"Idempotency-Key": "1"})

    await LatchStore(pool).record([crossing(), crossing(region="31.71")], [], [OFFICIAL])

    assert posted.status_code == 201
    alerts = (await client.get("/v1/alerts")).json()["alerts"]
    assert {alert["crossing"]["region"]: alert["state"] for alert in alerts} == {
        "31": "intent",
        "31.71": "held",
    }
    held = next(alert for alert in alerts if alert["state"] == "held")
    assert held["due_at"] == posted.json()["until"]
    assert (await client.get("/v1/silences")).json()["silences"] == [posted.json()]


async def test_a_silence_is_stored_once_per_idempotency_key(client: httpx.AsyncClient) -> None:
    body, headers = silence(), KEY | {"Idempotency-Key": "1"}

    first = await client.post("/v1/silences", json=body, headers=headers)
    again = await client.post("/v1/silences", json=body, headers=headers)
    other = await client.post("/v1/silences", json=body | {"region": "31.72"}, headers=headers)

    assert (first.json(), again.headers["idempotent-replayed"]) == (again.json(), "true")
    assert (other.status_code, other.json()["type"].rsplit("/", 1)[1]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"until": "2021-01-01T00:00:00Z"}, "/until"),
        ({"until": "2999-01-01T00:00:00Z"}, "/until"),
        ({"until": "2999-01-01T00:00:00"}, "/until"),
        ({"region": "Menteng"}, "/region"),
        ({"reason": "a\u0000b"}, "/reason"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_an_invalid_silence_is_refused_by_field(
    client: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    response = await client.post(
        "/v1/silences", json=silence(**change), headers=KEY | {"Idempotency-Key": "1"}
    )

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_a_silence_needs_the_access_key_and_an_idempotency_key(client: httpx.AsyncClient) -> None:
    without_key = await client.post("/v1/silences", json=silence())
    without_idempotency = await client.post("/v1/silences", json=silence(), headers=KEY)

    assert (without_key.status_code, without_idempotency.status_code) == (401, 422)


async def give_up_first_email(pool: Any) -> uuid.UUID:
    """End the first e-mail as dead and return its id."""
    messages = MessageStore(pool, RetryPolicy())
    begun = await messages.begin_attempt(EMAILS, claim_s=60)
    assert isinstance(begun, Attempt)
    await messages.end_attempt(begun, AttemptResult(DeliveryReason.REFUSED, {"status": 550, "text": "no"}))
    return begun.message_id


async def test_a_dead_message_is_listed_replayed_once_and_discarded_once(
    client: httpx.AsyncClient, pool: Any, latches: LatchStore
) -> None:
    message_id = await give_up_first_email(pool)

    (listed,) = (await client.get("/v1/dead")).json()["messages"]
    replayed = [await client.post(f"/v1/dead/{message_id}/replay", headers=KEY) for _ in range(2)]
    listed_after_replay = (await client.get("/v1/dead")).json()["messages"]
    assert await give_up_first_email(pool) == message_id
    discarded = [await client.post(f"/v1/dead/{message_id}/discard", headers=KEY) for _ in range(2)]

    assert (listed["id"], listed["state"], listed["reason"]) == (str(message_id), "dead", "refused")
    assert listed["receipt"] == {"status": 550, "text": "no"}
    assert [response.status_code for response in replayed] == [204, 409]
    assert listed_after_replay == []
    assert [response.status_code for response in discarded] == [204, 409]
    assert (await client.get("/v1/dead")).json()["messages"] == []
    assert len((await client.get("/v1/alerts", params={"state": "discarded"})).json()["alerts"]) == 2


async def test_deciding_about_a_dead_message_needs_the_key_and_a_message(client: httpx.AsyncClient) -> None:
    unknown = f"/v1/dead/{uuid.uuid4()}"

    responses = [
        await client.post(f"{unknown}/{command}", headers=headers)
        for command in ("replay", "discard")
        for headers in ({}, KEY)
    ]

    assert [response.status_code for response in responses] == [401, 404, 401, 404]


async def test_the_commands_list_replay_and_discard_dead_messages(
    pool: Any, database: Databases, latches: LatchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.notifier_service.environment("notifier").items():
        monkeypatch.setenv(name, value)
    message_id = str(await give_up_first_email(pool))

    listed = await command("dead", "list", "--json")
    replayed = await command("dead", "replay", "--all")
    empty = await command("dead", "list")
    not_dead = await command("dead", "replay", message_id)
    await give_up_first_email(pool)
    discarded = [await command("dead", "discard", message_id) for _ in range(2)]
    nothing_named = await command("dead", "replay")

    assert json.loads(listed.stdout)["id"] == message_id
    assert (replayed.stdout, empty.stdout) == ("1 messages are sent again\n", "")
    assert (not_dead.exit_code, nothing_named.exit_code) == (1, 1)
    assert [result.exit_code for result in discarded] == [0, 1]


async def test_the_commands_list_and_enable_disabled_webhooks(
    pool: Any, database: Databases, latches: LatchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.notifier_service.environment("notifier").items():
        monkeypatch.setenv(name, value)
    messages = MessageStore(pool, RetryPolicy())
    begun = await messages.begin_attempt(Lane("webhook:control-room", Channel.WEBHOOK), claim_s=60)
    assert isinstance(begun, Attempt)
    await messages.end_attempt(begun, AttemptResult(DeliveryReason.GONE))

    disabled = await command("webhooks", "disabled")
    enabled = [await command("webhooks", "enable", "control-room") for _ in range(2)]

    assert disabled.stdout.startswith("control-room  since 20")
    assert [result.exit_code for result in enabled] == [0, 1]


async def command(*arguments: str) -> Result:
    """Run a command of the notifier, which starts an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, cli, list(arguments))


async def test_the_key_is_checked_before_the_body(client: httpx.AsyncClient) -> None:
    without = await client.post("/v1/silences", json={"until": "never"})
    with_key = await client.post("/v1/silences", json={"until": "never"}, headers=KEY)

    assert (without.status_code, with_key.status_code) == (401, 422)


@pytest.mark.parametrize(
    "filter_", [{"recipient": "a\x00"}, {"rule": "a\x00"}, {"scope": "a\x00"}, {"before": 2**63}]
)
async def test_a_filter_that_the_database_could_not_store_is_refused(
    client: httpx.AsyncClient, filter_: dict[str, Any]
) -> None:
    response = await client.get("/v1/alerts", params=filter_)

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/{next(iter(filter_))}"


async def test_without_the_database_requests_are_answered_503_with_retry_after(
    client: httpx.AsyncClient, pool: Any
) -> None:
    await pool.close()

    for path in ("/v1/alerts", "/v1/silences", "/v1/dead"):
        response = await client.get(path)
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        assert response.json()["type"].endswith("/problems/unavailable")
