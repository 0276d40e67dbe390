-- Writing a batch. Locks are taken in one order everywhere: idempotency keys sorted, NIK fingerprints sorted,
-- participants by id, partitions ascending. Arrays come in that order already; the large ones come as literals (`::text::…[]`),
-- of which the driver does not look at each element.

-- name: write_rows(key_count, callers, routes, keys, body_hmacs, outcomes, told_ids, told_regions, told_revisions, participant_count, ids, nik_hmacs, nik_ciphers, phone_ciphers, cipher_key_ids, names, businesses, consents, channels, booths, occurred_ats, import_ids, regions, agencies, campaigns, steps, raised_partitions, raised_by, partitions, places, event_ids, event_participants, types, texts, time_place, sequence_place)^
-- All that is new, of which each part may be empty, in the order of locks, and how much of each was written:
-- Keys, each with the answer we expect to give; one that is taken is left out (another transaction that holds one
-- is waited for).
-- Where every key was free, participants; one whose NIK is known is left out.
-- Where everybody was new, events: the partitions are locked and their last sequences raised; `places` count from 1
-- within a partition. Texts come one a line, JSON as we write it has no line break; what only the register knows
-- stands in them as placeholders.
with claimed as (
    insert into idempotency (caller, route, key, body_hmac, outcome, participant_id, region, revision)
    select * from unnest(:callers::text::text[], :routes::text::text[], :keys::text::text[],
                         :body_hmacs::text::bytea[], :outcomes::text::text[],
                         :told_ids::text::uuid[], :told_regions::text::text[], :told_revisions::text::integer[])
    on conflict do nothing
    returning 1
), inserted as (
    insert into participant (id, nik_hmac, nik_cipher, phone_cipher, cipher_key_id, name, business, consent, channel,
                             booth, occurred_at, import_id, region, agency, campaign, steps)
    select new.id, new.nik_hmac, new.nik_cipher, new.phone_cipher, new.cipher_key_id, new.name, new.business::jsonb,
           new.consent, new.channel, new.booth, new.occurred_at, new.import_id, new.region, new.agency, new.campaign,
           string_to_array(new.steps, ',')
    from unnest(:ids::text::uuid[], :nik_hmacs::text::bytea[], :nik_ciphers::text::bytea[],
                :phone_ciphers::text::bytea[], :cipher_key_ids::text::text[], :names::text::text[],
                :businesses::text::text[], :consents::text::text[], :channels::text::text[], :booths::text::text[],
                :occurred_ats::text::timestamptz[], :import_ids::text::text[], :regions::text::text[],
                :agencies::text::text[], :campaigns::text::text[], :steps::text::text[])
         as new (id, nik_hmac, nik_cipher, phone_cipher, cipher_key_id, name, business, consent, channel, booth,
                 occurred_at, import_id, region, agency, campaign, steps)
    -- Asked before the first row is inserted, so keys are locked before NIKs.
    where (select count(*) from claimed) = :key_count
    on conflict (nik_hmac) do nothing
    returning 1
), locked as materialized (
    select partition, last_sequence from partition
    where partition = any(:raised_partitions::text::smallint[])
      and (select count(*) from claimed) = :key_count
      and (select count(*) from inserted) = :participant_count
    order by partition
    for update
), raised as (
    update partition set last_sequence = locked.last_sequence + new.raised_by
    from unnest(:raised_partitions::text::smallint[], :raised_by::text::integer[]) as new (partition, raised_by)
    join locked using (partition)
    where partition.partition = new.partition
), appended as (
    insert into event (partition, sequence, id, participant_id, type, value, recorded_at)
    select new.partition, locked.last_sequence + new.place, new.id, new.participant_id, new.type,
           replace(replace(new.value, :sequence_place::text,
                           '"sequence":' || (locked.last_sequence + new.place) || ','),
                   :time_place::text,
                   -- As `events.utc_text` writes it.
                   (select '"time":"' || replace(to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                                                 '.000000Z', 'Z') || '"')),
           now()
    from unnest(:partitions::text::smallint[], :places::text::integer[], :event_ids::text::uuid[],
                :event_participants::text::uuid[], :types::text::text[], string_to_array(:texts::text, E'\n'))
         as new (partition, place, id, participant_id, type, value)
    join locked using (partition)
    returning 1
)
select (select count(*) from claimed) as claimed, (select count(*) from inserted) as inserted,
       (select count(*) from appended) as appended, now() as recorded_at;

-- name: answers_given(callers, routes, keys)
-- The answers under keys that were taken before this transaction, by place in the arrays, from 0.
select asked.place - 1 as place, body_hmac, outcome, participant_id, region, revision, created_at
from unnest(:callers::text[], :routes::text[], :keys::text[]) with ordinality as asked (caller, route, key, place)
join idempotency using (caller, route, key)
where idempotency.xmin <> pg_current_xact_id()::xid;

-- name: change_answers(callers, routes, keys, outcomes, participant_ids, regions, revisions)!
update idempotency
set outcome = given.outcome, participant_id = given.participant_id, region = given.region, revision = given.revision
from unnest(:callers::text[], :routes::text[], :keys::text[], :outcomes::text[], :participant_ids::uuid[],
            :regions::text[], :revisions::integer[])
     as given (caller, route, key, outcome, participant_id, region, revision)
where idempotency.caller = given.caller and idempotency.route = given.route and idempotency.key = given.key;

-- name: lock_participants(ids, nik_hmacs)
-- Participants by id, and those that had one of these NIKs before this transaction.
select id, standing, revision, merged_into, region, agency, campaign, steps, nik_hmac, nik_cipher, phone_cipher,
       cipher_key_id, name, business::text as business, consent, channel, booth, occurred_at, import_id
from participant
where id = any(:ids::uuid[])
   or (nik_hmac = any(:nik_hmacs::bytea[]) and xmin <> pg_current_xact_id()::xid)
order by id
for update;

-- name: update_participants(ids, standings, revisions, merged_intos, nik_ciphers, phone_ciphers, cipher_key_ids, names, businesses, consents, channels, booths, occurred_ats, import_ids, regions, agencies, campaigns, steps)!
-- Writes participants that are locked. A NIK's fingerprint never changes.
update participant
set standing = new.standing, revision = new.revision, merged_into = new.merged_into, nik_cipher = new.nik_cipher,
    phone_cipher = new.phone_cipher, cipher_key_id = new.cipher_key_id, name = new.name,
    business = new.business::jsonb, consent = new.consent, channel = new.channel, booth = new.booth,
    occurred_at = new.occurred_at, import_id = new.import_id, region = new.region, agency = new.agency,
    campaign = new.campaign, steps = string_to_array(new.steps, ','), changed_at = now()
from unnest(:ids::text::uuid[], :standings::text::text[], :revisions::text::integer[],
            :merged_intos::text::uuid[], :nik_ciphers::text::bytea[],
            :phone_ciphers::text::bytea[], :cipher_key_ids::text::text[], :names::text::text[],
            :businesses::text::text[], :consents::text::text[],
            :channels::text::text[], :booths::text::text[], :occurred_ats::text::timestamptz[],
            :import_ids::text::text[], :regions::text::text[],
            :agencies::text::text[], :campaigns::text::text[], :steps::text::text[])
     as new (id, standing, revision, merged_into, nik_cipher, phone_cipher, cipher_key_id, name, business, consent,
             channel, booth, occurred_at, import_id, region, agency, campaign, steps)
where participant.id = new.id;

-- name: delete_old_keys(kept, deleted_max)!
-- A bounded share of the keys older than `kept`; rows that somebody holds are left for the next round.
delete from idempotency where ctid = any(array(
    select ctid from idempotency where created_at < now() - :kept::interval
    limit :deleted_max for update skip locked));
