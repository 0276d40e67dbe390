-- name: merge_held(id, recipient, alerts_max)!
-- Moves the alerts of the recipient's other held e-mails that are due into this e-mail, which is locked. The first
-- e-mails are merged, as long as all alerts together are no more than `alerts_max`.
with other as (
    select id, is_repeat,
           sum((select count(*) from alert where message_id = message.id)) over (order by due_at, created_at, id)
             + (select count(*) from alert where message_id = :id) as alerts
      from message
     where recipient = :recipient and channel = 'email' and state = 'held' and ended_at is null
       and due_at <= now() and id <> :id
), merged as (
    update message
       set state = 'merged', ended_at = now(), merged_into = :id
      from other
     where message.id = other.id and other.alerts <= :alerts_max and message.state = 'held'
    returning message.id, message.is_repeat
), moved as (
    update alert set message_id = :id where message_id in (select id from merged)
), merged_before as (
    update message set merged_into = :id where merged_into in (select id from merged)
)
update message
   set is_repeat = is_repeat or exists (select from merged where merged.is_repeat)
 where id = :id;

-- name: hold(id, until)!
-- The time for retries begins again when the silence has ended.
update message
   set state = 'held', reason = null, due_at = :until, claimed_until = null, retried_since = null
 where id = :id;

-- name: split_held(id, alerts, until)!
-- Moves the alerts that a silence holds into a held message of their own.
with held as (
    insert into message (id, recipient, channel, state, due_at, is_repeat)
    select gen_random_uuid(), recipient, channel, 'held', :until, is_repeat from message where id = :id
    returning id
)
update alert set message_id = held.id from held where alert.id = any(:alerts::uuid[]);
