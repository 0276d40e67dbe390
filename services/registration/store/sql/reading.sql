-- Looking things up for the API: no locks.

-- name: find_participant(id)^
select id, standing, revision, merged_into, region, agency, campaign, steps, nik_hmac, nik_cipher, phone_cipher,
       cipher_key_id, name, business::text as business, consent, channel, booth, occurred_at, import_id,
       recorded_at, changed_at
from participant where id = :id;

-- name: find_participant_by_nik(nik_hmac)^
select id, standing, revision, merged_into, region, agency, campaign, steps, nik_hmac, nik_cipher, phone_cipher,
       cipher_key_id, name, business::text as business, consent, channel, booth, occurred_at, import_id,
       recorded_at, changed_at
from participant where nik_hmac = :nik_hmac;

-- name: find_key(id)^
select role, hash from api_key where id = :id and revoked_at is null;

-- name: insert_key(id, role, hash, label)!
insert into api_key (id, role, hash, label) values (:id, :role, :hash, :label);

-- name: revoke_key(id)$
update api_key set revoked_at = now() where id = :id and revoked_at is null returning true;

-- name: campaigns()
select id, name from campaign order by id;

-- name: agencies()
select id, name from agency order by id;

-- name: open_campaign(id, name)$
-- The name under which it is open afterwards.
with opened as (insert into campaign (id, name) values (:id, :name) on conflict do nothing returning name)
select name from opened union all select name from campaign where id = :id limit 1;

-- name: open_agency(id, name)$
with opened as (insert into agency (id, name) values (:id, :name) on conflict do nothing returning name)
select name from opened union all select name from agency where id = :id limit 1;

-- name: erase(id)$
-- Takes away who the participant is. The id and the standing stay, so every count still holds; there is no event.
update participant
set name = null, nik_hmac = null, nik_cipher = null, phone_cipher = null, business = null, import_id = null,
    erased_at = now()
where id = :id and erased_at is null
returning true;

-- name: alive()$
select true;

-- name: sealed_under()$
-- The key id that some participant's data are sealed under.
select cipher_key_id from participant where erased_at is null limit 1;
