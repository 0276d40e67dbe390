-- name: open_messages()
select lane, channel, state, count(*) as messages,
       count(*) filter (where due_at <= now() and (claimed_until is null or claimed_until <= now())) as due
  from message
 where ended_at is null
 group by lane, channel, state;

-- name: lock_due(lane)^
-- Locks the message of the lane that has been due longest and is not claimed. A message that another process
-- is claiming is skipped. `now` is the database's time. Due times, claims and signatures use it, because the
-- clock of a process may be wrong. Of the held e-mails of an official only the first is claimed: it merges the
-- others, and must be the only one that does.
select id, recipient, state, claimed_until, now() as now,
       exists (select from disabled_webhook where disabled_webhook.lane = message.lane) as is_disabled
  from message
 where lane = :lane and ended_at is null and due_at <= now() and (claimed_until is null or claimed_until <= now())
   and not (state = 'held' and channel = 'email' and exists (
         select from message as earlier
          where earlier.lane = :lane and earlier.ended_at is null and earlier.recipient = message.recipient
            and earlier.state = 'held' and earlier.due_at <= now()
            and (earlier.due_at, earlier.created_at, earlier.id)
              < (message.due_at, message.created_at, message.id)))
 order by due_at, created_at, id limit 1
   for update skip locked;

-- name: attempt_history(id)^
-- A series has the attempts since the message was stored or replayed; `age_s` is the time since its first one.
select count(number) as attempts,
       coalesce(bool_or(number is not null and attempt.ended_at is null), false) as is_open,
       count(*) filter (where started_at >= retried_since) as in_series,
       count(*) filter (where started_at >= retried_since and attempt.reason = 'ambiguous') as ambiguous_in_series,
       coalesce(extract(epoch from now() - retried_since), 0)::float8 as age_s
  from message left join attempt on message_id = id
 where id = :id
 group by retried_since;

-- name: close_open_attempts(id, reason)!
with closed as (update attempt set ended_at = now(), reason = :reason where message_id = :id and ended_at is null)
update message set is_repeat = true where id = :id;

-- name: begin_attempt(id, number, claim_s, retry_in_s)^
-- `due_at` is the time of a further attempt if no result of this one is stored.
with begun as (insert into attempt (message_id, number) values (:id, :number))
update message
   set state = 'sending', reason = null, claimed_until = now() + make_interval(secs => :claim_s),
       due_at = now() + make_interval(secs => :retry_in_s), retried_since = coalesce(retried_since, now())
 where id = :id
returning claimed_until, is_repeat;

-- name: alerts_of(id)
select alert.id, latch.id as crossing_id, scope, region, rule, measure, threshold, epoch, epoch_name,
       value, count, percent, target, cut, as_of, crossed_at
  from alert
  join latch on latch.id = alert.latch_id
 where alert.message_id = :id
 order by region, measure, threshold, rule;

-- name: end_claim(id, claimed_until, state, is_ended, reason, due_in_s)$
-- Returns the recipient, or no row if the claim is lost. A later claim of the message has a later `claimed_until`. A delivery ends the message even if its claim is
-- lost, so that no further attempt repeats it.
update message
   set state = :state, reason = :reason, due_at = now() + make_interval(secs => :due_in_s), claimed_until = null,
       ended_at = case when :is_ended then now() end, is_repeat = is_repeat or :reason = 'ambiguous'
 where id = :id and ended_at is null
   and (claimed_until is not distinct from :claimed_until or :state = 'delivered')
returning recipient;

-- name: set_next_recipient(id, recipient)!
update message set next_recipient = :recipient where id = :id;

-- name: end_attempt(id, number, reason, receipt)!
-- If another process has already closed this attempt as ambiguous, the real reason and receipt replace the
-- reason `ambiguous`.
update attempt
   set ended_at = now(), reason = :reason, receipt = :receipt::text::jsonb
 where message_id = :id and number = :number and (ended_at is null or reason = 'ambiguous');

-- name: disable_webhook(id)!
insert into disabled_webhook (lane, message_id) select lane, id from message where id = :id on conflict do nothing;

-- name: disabled_webhooks()
select lane, disabled_at, message_id from disabled_webhook order by lane;

-- name: enable_webhook(lane)$
delete from disabled_webhook where lane = :lane returning lane;
