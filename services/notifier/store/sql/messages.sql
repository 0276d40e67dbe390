-- name: open_messages()
select lane, channel, state, count(*) as messages,
       count(*) filter (where due_at <= now() and (claimed_until is null or claimed_until <= now())) as due
  from message
 where ended_at is null
 group by lane, channel, state;

-- name: lock_due(lane)^
-- Locks the message of the lane that has been due longest and is not claimed. A message that another process
-- is claiming is skipped. `now` is the database's time. Due times, claims and signatures use it, because the
-- clock of a process may be wrong.
select id, recipient, claimed_until, now() as now
  from message
 where lane = :lane and ended_at is null and due_at <= now() and (claimed_until is null or claimed_until <= now())
 order by due_at limit 1
   for update skip locked;

-- name: attempt_history(id)^
select count(*) as attempts, coalesce(bool_or(ended_at is null), false) as is_open,
       coalesce(bool_or(reason = 'ambiguous'), false) as is_ambiguous
  from attempt where message_id = :id;

-- name: close_open_attempts(id, reason)!
update attempt set ended_at = now(), reason = :reason where message_id = :id and ended_at is null;

-- name: begin_attempt(id, number, claim_s)$
with begun as (insert into attempt (message_id, number) values (:id, :number))
update message
   set state = 'sending', reason = null, claimed_until = now() + make_interval(secs => :claim_s)
 where id = :id
returning claimed_until;

-- name: alerts_of(id)
select alert.id, latch.id as crossing_id, scope, region, rule, measure, threshold, epoch, epoch_name,
       value, count, percent, target, cut, as_of, crossed_at
  from alert
  join latch on latch.id = alert.latch_id
 where alert.message_id = :id
 order by region, measure, threshold, rule;

-- name: end_claim(id, claimed_until, state, reason, due_in_s)$
-- A later claim of the message has a later `claimed_until`. A delivery ends the message even if its claim is
-- lost, so that no further attempt repeats it.
update message
   set state = :state, reason = :reason, due_at = now() + make_interval(secs => :due_in_s), claimed_until = null,
       ended_at = case when :state in ('delivered', 'dead') then now() end
 where id = :id and ended_at is null
   and (claimed_until is not distinct from :claimed_until or :state = 'delivered')
returning id;

-- name: end_attempt(id, number, reason, receipt)!
-- If another process has already closed this attempt as ambiguous, the real reason and receipt replace the
-- reason `ambiguous`.
update attempt
   set ended_at = now(), reason = :reason, receipt = :receipt::text::jsonb
 where message_id = :id and number = :number and (ended_at is null or reason = 'ambiguous');
