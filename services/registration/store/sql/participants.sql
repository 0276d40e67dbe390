-- Reads participants without locks, and erases their personal data.

-- name: find_participant(id)^
select {participant_columns}, recorded_at, changed_at
from participant where id = :id;

-- name: find_participant_by_nik(nik_hmac)^
select {participant_columns}, recorded_at, changed_at
from participant where nik_hmac = :nik_hmac;

-- name: former_registrations(id)
select {participant_columns}, recorded_at, changed_at
from former_registration where id = :id order by revision;

-- name: same_person(id)
-- Returns the ids of a participant and of all participants that were merged into it, directly or not, in ascending
-- order.
with recursive person as (
    select id from participant where id = :id
    union
    select merged.id from participant as merged join person on merged.merged_into = person.id
)
select id from person order by id;

-- name: erase(id)$
-- Deletes a participant's personal data and its former registrations. The id and the standing remain, so that the
-- events stay explained. Returns no row if the participant does not exist or was erased before.
with forgotten as (delete from former_registration where id = :id)
update participant
set {erased_assignments}, erased_at = now()
where id = :id and erased_at is null
returning true;

-- name: sealed_under()$
-- Returns the id of the key that encrypts the personal data, as stored with any participant that is not erased.
select cipher_key_id from participant where erased_at is null limit 1;
