"""Registers, looks up, corrects and reads counts through clients that openapi-python-client has generated.

Arguments: the URLs of register and board, the keys of booth and officer, a NIK. Prints what it was answered.
It runs in the environment of `requirements/clients.txt`, beside the packages `register_client` and
`board_client`.
"""

from __future__ import annotations

import json
import sys

from board_client import Client as BoardClient
from board_client.api.default import counts_v1_counts_get
from register_client import AuthenticatedClient
from register_client.api.participants import (
    correct,
    lookup_v1_participants_lookup_post,
    register_v1_participants_post,
)
from register_client.models import (
    AnswerView,
    CorrectBody,
    LookupBody,
    ParticipantView,
    ProblemView,
    RegisterBody,
)

register_url, board_url, booth_key, officer_key, nik = sys.argv[1:]
booth = AuthenticatedClient(base_url=register_url, token=booth_key)
officer = AuthenticatedClient(base_url=register_url, token=officer_key)

person = RegisterBody(name="Peserta Contoh", nik=nik, region="31.71.01.1001", consent="2026-01")
first, again = (
    register_v1_participants_post.sync_detailed(client=booth, body=person, idempotency_key=nik)
    for _ in range(2)
)
assert isinstance(first.parsed, AnswerView), first.content
assert isinstance(again.parsed, AnswerView), again.content

found = lookup_v1_participants_lookup_post.sync_detailed(client=officer, body=LookupBody(nik=nik))
assert isinstance(found.parsed, ParticipantView), found.content
corrected, refused = (
    correct.sync_detailed(
        found.parsed.participant_id,
        client=booth,
        body=CorrectBody(name=name),
        idempotency_key=f"{nik}-{key}",
        if_match=found.headers["ETag"],
    )
    for key, name in enumerate(("Nama Baru", "Nama Lain"))
)
assert isinstance(corrected.parsed, AnswerView), corrected.content
assert isinstance(refused.parsed, ProblemView), refused.content

counts = counts_v1_counts_get.sync_detailed(client=BoardClient(base_url=board_url))
rows = {row["region"]: row["counts"] for row in json.loads(counts.content)["rows"]}

sys.stdout.write(
    json.dumps(
        {
            "participant_id": str(first.parsed.participant_id),
            "replayed": again.parsed.participant_id == first.parsed.participant_id
            and again.headers.get("Idempotent-Replayed"),
            "found": str(found.parsed.participant_id),
            "phone": found.parsed.phone,
            "revision": corrected.parsed.revision,
            "refused": refused.parsed.status,
            "registered": rows["31"]["registered"],
        }
    )
)
