"""Changes to participants, campaigns, agencies and regions, over HTTP on a real database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from registration.cli.command_runner import CommandRefusedError
from registration.cli.erasure import erase_participant
from tests.support.registration.served_api import PATH, ServedApi, body, check_register, nik

pytestmark = pytest.mark.integration

A, B = "31.71.01.1001", "31.72.01.1001"


async def events(register: ServedApi) -> list[dict[str, Any]]:
    rows = await register.pool.fetch("SELECT value FROM event ORDER BY recorded_at, partition, sequence")
    return [json.loads(row["value"]) for row in rows]


async def test_each_change_gives_its_event_and_the_next_revision(register: ServedApi) -> None:
    participant, other = await register.registered(1), await register.registered(2)

    moved = await register.post(f"{PATH}/{participant}/move", {"region": B})
    stepped = await register.post(f"{PATH}/{participant}/steps", {"step": "P3"})
    corrected = await register.post(f"{PATH}/{participant}/correct", {"name": "Nama Baru", "campaign": None})
    merged = await register.post(f"{PATH}/{participant}/merge", {"into": other}, role="officer")
    withdrawn = await register.post(f"{PATH}/{other}/withdraw", b"")

    answers = [response.json() for response in (moved, stepped, corrected, merged, withdrawn)]
    assert [(answer["participant_id"], answer["revision"]) for answer in answers] == [
        (participant, 2),
        (participant, 3),
        (participant, 4),
        (participant, 5),
        (other, 3),
    ]
    types = Counter(event["type"].split(".")[-2] for event in await events(register))
    assert types == {
        "registered": 2,
        "moved": 1,
        "step-completed": 1,
        "corrected": 1,
        "merged": 2,
        "withdrawn": 1,
    }
    assert await check_register(register.pool) == {}
    row = await register.pool.fetchrow(
        "SELECT standing, merged_into, steps FROM participant WHERE id = $1", participant
    )
    assert row is not None
    assert (row["standing"], str(row["merged_into"])) == ("merged", other)
    kept = await register.pool.fetchval("SELECT steps FROM participant WHERE id = $1", other)
    assert kept == ["P3"]


async def test_a_stale_if_match_is_412_and_the_current_revision_is_accepted(register: ServedApi) -> None:
    participant = await register.registered()
    path = f"{PATH}/{participant}/move"

    stale = await register.post(path, {"region": B}, if_match='"2"')
    current = await register.post(path, {"region": B}, if_match='"1"')
    bare = await register.post(path, {"region": A}, if_match="2")
    weakened = await register.post(path, {"region": B}, if_match='W/"3"')
    stale_weakened = await register.post(path, {"region": A}, if_match='W/"3"')
    nonsense = await register.post(path, {"region": B}, if_match="latest")

    assert [response.status_code for response in (stale, current, bare)] == [412, 200, 200]
    assert [response.status_code for response in (weakened, stale_weakened, nonsense)] == [200, 412, 400]
    assert current.headers["etag"] == '"2"'
    assert current.headers["cache-control"] == "no-transform"


async def test_of_parallel_changes_with_the_same_if_match_exactly_one_succeeds(register: ServedApi) -> None:
    participant = await register.registered()

    answers = await asyncio.gather(
        *(
            register.post(f"{PATH}/{participant}/steps", {"step": f"P{n}"}, if_match='"1"')
            for n in range(2, 8)
        )
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 5}


async def test_parallel_changes_of_one_participant_are_all_applied_in_some_order(register: ServedApi) -> None:
    participant = await register.registered()

    answers = await asyncio.gather(
        *(register.post(f"{PATH}/{participant}/steps", {"step": f"P{n}"}) for n in range(2, 8))
    )

    assert sorted(answer.json()["revision"] for answer in answers) == [2, 3, 4, 5, 6, 7]
    shown = (await register.get(f"{PATH}/{participant}", "booth")).json()
    assert shown["steps"] == ["P2", "P3", "P4", "P5", "P6", "P7"]
    assert await check_register(register.pool) == {A: 1}


async def test_a_second_withdrawal_is_409_and_a_repeat_of_the_first_is_not(register: ServedApi) -> None:
    participant = await register.registered()
    path = f"{PATH}/{participant}/withdraw"

    first = await register.post(path, {}, idempotency_key="k")
    replayed = await register.post(path, {}, idempotency_key="k")
    second = await register.post(path, {}, idempotency_key="other")

    assert [response.status_code for response in (first, replayed, second)] == [200, 200, 409]
    assert replayed.content == first.content
    assert second.json()["type"].endswith("/participant-withdrawn")


async def test_a_withdrawn_person_registers_again_as_the_same_participant(register: ServedApi) -> None:
    participant = await register.registered(1)
    await register.post(f"{PATH}/{participant}/steps", {"step": "P2"})
    await register.post(f"{PATH}/{participant}/withdraw", {})

    again = await register.post(PATH, body(1, region=B, name="Nama Baru"))

    assert again.status_code == 201
    assert (again.json()["participant_id"], again.json()["revision"]) == (participant, 4)
    event = (await events(register))[-1]
    assert event["data"]["before"] is None
    assert event["data"]["after"] == {"region": B, "agency": "ppkukm", "campaign": "fest-2021", "steps": []}
    assert await check_register(register.pool) == {B: 1}


async def test_a_public_registration_changes_nothing_of_a_withdrawn_person(register: ServedApi) -> None:
    participant = await register.registered(1)
    await register.registered(2)
    await register.post(f"{PATH}/{participant}/withdraw", {})
    before = await register.pool.fetchrow(
        "SELECT participant FROM participant WHERE id = $1", UUID(participant)
    )

    returning = await register.post(PATH, body(1, region=B, name="Nama Baru"), role=None)
    registered = await register.post(PATH, body(2, region=B, name="Nama Baru"), role=None)

    assert (returning.status_code, returning.json()) == (409, registered.json())
    after = await register.pool.fetchrow(
        "SELECT participant FROM participant WHERE id = $1", UUID(participant)
    )
    assert after == before
    assert await check_register(register.pool) == {A: 1}


async def test_a_return_keeps_what_the_register_had_until_an_erasure(register: ServedApi) -> None:
    participant = await register.registered(1)
    path = f"{PATH}/{participant}"
    await register.post(f"{path}/steps", {"step": "P2"})
    await register.post(f"{path}/withdraw", {})
    withdrawn = (await register.get(path, "officer")).json()

    await register.post(PATH, body(1, region=B, name="Nama Baru", phone=None))

    former = await register.get(f"{path}/former-registrations", "officer")
    assert former.json() == {"items": [withdrawn]}
    assert former.headers["cache-control"] == "no-store, no-transform"
    assert (await register.get(f"{path}/former-registrations", "booth")).status_code == 403
    await erase_participant(register.pool, UUID(participant))
    assert (await register.get(f"{path}/former-registrations", "officer")).json() == {"items": []}


async def test_one_idempotency_key_for_two_participants_is_refused(register: ServedApi) -> None:
    participant, other = await register.registered(1), await register.registered(2)

    first = await register.post(f"{PATH}/{participant}/withdraw", {}, idempotency_key="k")
    second = await register.post(f"{PATH}/{other}/withdraw", {}, idempotency_key="k")

    assert (first.status_code, second.status_code) == (200, 422)


async def test_each_refusal_has_its_status_and_problem_type(register: ServedApi) -> None:
    participant, other = await register.registered(1), await register.registered(2)
    await register.post(f"{PATH}/{other}/withdraw", {})
    unknown = "0192f0c1-0000-7000-8000-000000000000"
    cases: list[tuple[str, Any, int, str]] = [
        (f"{unknown}/withdraw", {}, 404, "participant-not-found"),
        (f"{other}/move", {"region": B}, 409, "participant-withdrawn"),
        (f"{participant}/move", {"region": A}, 409, "region-unchanged"),
        (f"{participant}/move", {"region": "31.72"}, 422, "invalid"),
        (f"{participant}/steps", {"step": "P1"}, 422, "invalid"),
        (f"{participant}/correct", {}, 422, "invalid"),
        (f"{participant}/correct", {"name": None}, 422, "invalid"),
        (f"{participant}/correct", {"region": A}, 409, "nothing-corrected"),
        (f"{participant}/merge", {"into": participant}, 422, "merge-with-itself"),
        (f"{participant}/merge", {"into": unknown}, 422, "merge-target-not-found"),
        (f"{participant}/merge", {"into": other}, 409, "merge-target-not-registered"),
        ("not-an-id/move", {"region": B}, 422, "invalid"),
    ]
    for path, content, status, slug in cases:
        answer = await register.post(f"{PATH}/{path}", content, role="officer")

        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (status, slug), path
    assert await check_register(register.pool) == {A: 1}


async def test_each_endpoint_refuses_roles_below_its_own(register: ServedApi) -> None:
    participant = await register.registered()
    cases: list[tuple[str, Any, dict[str | None, int]]] = [
        (f"{PATH}/{participant}/correct", {"name": "Nama"}, {None: 401}),
        (f"{PATH}/{participant}/merge", {"into": participant}, {None: 401, "booth": 403, "officer": 422}),
        (f"{PATH}/lookup", {"nik": nik(0)}, {None: 401, "booth": 403, "officer": 200, "admin": 200}),
        ("/v1/campaigns", {"id": "x", "name": "X"}, {None: 401, "booth": 403, "officer": 403, "admin": 201}),
    ]
    for path, content, expected in cases:
        statuses = {role: (await register.post(path, content, role=role)).status_code for role in expected}
        assert statuses == expected, path
    assert (await register.get(f"{PATH}/{participant}")).status_code == 401
    assert (await register.get(f"{PATH}/{participant}", "booth")).status_code == 200


async def test_a_participant_is_returned_with_masked_nik_and_phone(register: ServedApi) -> None:
    participant = await register.registered(7)

    by_id = await register.get(f"{PATH}/{participant}", "booth")
    by_nik = await register.post(f"{PATH}/lookup", {"nik": nik(7)}, role="officer")
    unknown = await register.post(f"{PATH}/lookup", {"nik": nik(8)}, role="officer")

    assert by_id.json() == by_nik.json()
    shown = by_id.json()
    assert shown["nik"] == nik(7)[:4] + "********" + nik(7)[-4:]
    assert shown["phone"] == "+62812****789"
    assert (shown["name"], shown["business"]) == (
        "Peserta 7",
        {"name": "Warung Contoh", "category": "kuliner"},
    )
    assert nik(7) not in by_id.text
    assert by_id.headers["cache-control"] == "no-store, no-transform"
    assert by_id.headers["etag"] == '"1"'
    assert unknown.status_code == 404


async def test_an_erased_person_who_registers_again_is_counted_once(register: ServedApi) -> None:
    participant = await register.registered(7)

    await erase_participant(register.pool, UUID(participant))

    shown = (await register.get(f"{PATH}/{participant}", "booth")).json()
    assert [shown[field] for field in ("name", "nik", "phone", "business")] == [None] * 4
    assert (shown["standing"], shown["region"]) == ("withdrawn", A)
    assert await check_register(register.pool) == {}
    with pytest.raises(CommandRefusedError, match="already"):
        await erase_participant(register.pool, UUID(participant))
    again = await register.post(PATH, body(7))
    assert (again.status_code, again.json()["participant_id"] == participant) == (201, False)
    assert await check_register(register.pool) == {A: 1}


async def test_an_erasure_of_a_withdrawn_participant_writes_no_event(register: ServedApi) -> None:
    participant = await register.registered(7)
    await register.post(f"{PATH}/{participant}/withdraw", {})
    before = await register.pool.fetchval("SELECT count(*) FROM event")

    await erase_participant(register.pool, UUID(participant))

    assert await register.pool.fetchval("SELECT count(*) FROM event") == before
    assert await register.pool.fetchval("SELECT nik_hmac FROM participant") is None


async def test_an_erasure_includes_the_participants_that_were_merged_into_the_person(
    register: ServedApi,
) -> None:
    merged, kept = await register.registered(7), await register.registered(8)
    await register.post(f"{PATH}/{merged}/merge", {"into": kept}, role="officer")

    with pytest.raises(CommandRefusedError, match="merged into another"):
        await erase_participant(register.pool, UUID(merged))
    await erase_participant(register.pool, UUID(kept))

    assert await register.pool.fetchval("SELECT count(*) FROM participant WHERE nik_hmac IS NOT NULL") == 0
    assert await check_register(register.pool) == {}


async def test_campaigns_and_agencies_are_opened_once_and_listed(register: ServedApi) -> None:
    campaign = {"id": "pekan-2022", "name": "Pekan 2022"}

    first = await register.post("/v1/campaigns", campaign, role="admin", idempotency_key="k")
    replayed = await register.post("/v1/campaigns", campaign, role="admin", idempotency_key="k")
    same = await register.post("/v1/campaigns", campaign, role="admin")
    renamed = await register.post("/v1/campaigns", campaign | {"name": "Lain"}, role="admin")
    reused = await register.post("/v1/campaigns", campaign | {"id": "x"}, role="admin", idempotency_key="k")
    wrong = await register.post("/v1/campaigns", {"id": "Huruf Besar", "name": "\n"}, role="admin")

    statuses = [response.status_code for response in (first, replayed, same, renamed, reused, wrong)]
    assert statuses == [201, 201, 201, 409, 422, 422]
    assert replayed.headers["idempotent-replayed"] == "true"
    listed = (await register.get("/v1/campaigns")).json()["items"]
    assert [item["id"] for item in listed] == ["fest-2021", "pekan-2022"]
    assert (await register.get("/v1/agencies")).json()["items"] == [{"id": "ppkukm", "name": "Dinas PPKUKM"}]


async def test_unchanged_regions_are_answered_304_by_their_etag(register: ServedApi) -> None:
    listed = await register.get("/v1/regions")
    tag = listed.headers["etag"]
    known = [tag, f"W/{tag}", f'"other", W/{tag}', "*"]

    unchanged = [await register.get("/v1/regions", if_none_match=header) for header in known]

    assert len(listed.json()["regions"]) == 318
    assert listed.json()["regions"][0] == {
        "code": "31",
        "parent": None,
        "level": "province",
        "name": "Daerah Khusus Ibukota Jakarta",
    }
    assert [(response.status_code, response.content) for response in unchanged] == [(304, b"")] * 4
