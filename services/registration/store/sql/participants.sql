-- Reads single participants without locks, and erases their personal data.

-- name: find_participant(id)^
select {participant_columns}, recorded_at, changed_at
from participant where id = :id;

-- name: find_participant_by_nik(nik_hmac)^
select {participant_columns}, recorded_at, changed_at
from participant where nik_hmac = :nik_hmac;

-- name: erase(id)$
-- Deletes a participant's personal data. The id and the standing remain, so no tally changes and no event is needed.
-- Returns no row if the participant does not exist or was erased before.
update participant
set {erased_assignments}, erased_at = now()
where id = :id and erased_at is null
returning true;

-- name: sealed_under()$
-- Returns the id of the key that encrypts the personal data, as stored with any participant that is not erased.
select cipher_key_id from participant where erased_at is null limit 1;
