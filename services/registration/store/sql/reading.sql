-- Looking things up for the API: no locks.

-- name: find_participant(id)^
SELECT id, standing, revision, merged_into, region, agency, campaign, steps, nik_hmac, nik_cipher, phone_cipher,
       cipher_key_id, name, business::text AS business, consent, channel, booth, occurred_at, import_id,
       recorded_at, changed_at
FROM participant WHERE id = :id;

-- name: find_participant_by_nik(nik_hmac)^
SELECT id, standing, revision, merged_into, region, agency, campaign, steps, nik_hmac, nik_cipher, phone_cipher,
       cipher_key_id, name, business::text AS business, consent, channel, booth, occurred_at, import_id,
       recorded_at, changed_at
FROM participant WHERE nik_hmac = :nik_hmac;

-- name: find_key(id)^
SELECT role, hash FROM api_key WHERE id = :id AND revoked_at IS NULL;

-- name: insert_key(id, role, hash, label)!
INSERT INTO api_key (id, role, hash, label) VALUES (:id, :role, :hash, :label);

-- name: revoke_key(id)$
UPDATE api_key SET revoked_at = now() WHERE id = :id AND revoked_at IS NULL RETURNING true;

-- name: campaigns()
SELECT id, name FROM campaign ORDER BY id;

-- name: agencies()
SELECT id, name FROM agency ORDER BY id;

-- name: open_campaign(id, name)$
-- The name under which it is open afterwards.
WITH opened AS (INSERT INTO campaign (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING RETURNING name)
SELECT name FROM opened UNION ALL SELECT name FROM campaign WHERE id = :id LIMIT 1;

-- name: open_agency(id, name)$
WITH opened AS (INSERT INTO agency (id, name) VALUES (:id, :name) ON CONFLICT DO NOTHING RETURNING name)
SELECT name FROM opened UNION ALL SELECT name FROM agency WHERE id = :id LIMIT 1;

-- name: erase(id)$
-- Takes away who the participant is. The id and the standing stay, so every count still holds; there is no event.
UPDATE participant
SET name = NULL, nik_hmac = NULL, nik_cipher = NULL, phone_cipher = NULL, business = NULL, import_id = NULL,
    erased_at = now()
WHERE id = :id AND erased_at IS NULL
RETURNING true;

-- name: alive()$
SELECT true;

-- name: sealed_under()$
-- The key id that some participant's data are sealed under.
SELECT cipher_key_id FROM participant WHERE erased_at IS NULL LIMIT 1;
