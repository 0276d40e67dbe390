-- name: list_dead(limit)
-- Returns the messages that were given up, oldest first, with the receipt of the last attempt.
select id, recipient, channel, state, reason, created_at, ended_at, next_recipient,
       (select count(*) from alert where message_id = message.id) as alerts,
       (select count(*) from attempt where message_id = message.id) as attempts,
       (select receipt::text from attempt where message_id = message.id order by number desc limit 1) as receipt
  from message
 where state in ('dead', 'unconfirmed')
 order by ended_at, id limit :limit;

-- name: replay(id)
-- Makes one message that was given up due now, or all of them if `id` is null, and begins its time for retries.
update message
   set state = 'retry', reason = null, due_at = now(), ended_at = null, retried_since = null
 where state in ('dead', 'unconfirmed') and (:id::uuid is null or id = :id)
returning id;

-- name: discard(id)$
update message set state = 'discarded' where state in ('dead', 'unconfirmed') and id = :id returning id;

-- name: message_state(id)$
select state from message where id = :id;
