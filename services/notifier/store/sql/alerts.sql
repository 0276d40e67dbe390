-- name: list_alerts(before, limit, recipient, region, rule, scope, state, id)
-- Returns the newest alert first. A parameter that is null matches all alerts. A region also matches the
-- regions inside it.
select alert.number, alert.id, alert.recipient, acknowledged_at, acknowledged_by,
       latch.id as crossing_id, latch.scope, latch.region, latch.rule, latch.measure, latch.threshold,
       latch.epoch, latch.value, latch.count, latch.percent, latch.target, latch.cut, latch.as_of,
       latch.crossed_at, latch.state as crossing_state,
       message.id as message_id, message.channel, message.state, message.reason, message.due_at,
       message.created_at, message.ended_at
  from alert
  join latch on latch.id = alert.latch_id
  join message on message.id = alert.message_id
 where (:before::bigint is null or alert.number < :before)
   and (:id::uuid is null or alert.id = :id)
   and (:recipient::text is null or alert.recipient = :recipient)
   and (:rule::text is null or latch.rule = :rule)
   and (:scope::text is null or latch.scope = :scope)
   and (:state::text is null or message.state = :state)
   and (:region::text is null or latch.region = :region or starts_with(latch.region, :region || '.'))
 order by alert.number desc limit :limit;

-- name: attempts_of(ids)
-- The attempts of a message include those of the messages that were merged into it.
select coalesce(merged_into, id) as message_id, number, started_at, attempt.ended_at, attempt.reason,
       receipt::text as receipt
  from message join attempt on message_id = id
 where id = any(:ids::uuid[]) or merged_into = any(:ids::uuid[])
 order by started_at, number;

-- name: acknowledge(id, who)^
-- If the alert is already acknowledged, its time and caller stay as they are.
update alert
   set acknowledged_at = coalesce(acknowledged_at, now()), acknowledged_by = coalesce(acknowledged_by, :who)
 where id = :id
returning acknowledged_at = now() as is_first;

-- name: acknowledge_message(id, who)!
-- The link of a message that was merged into another one acknowledges the alerts of the other.
update alert
   set acknowledged_at = now(), acknowledged_by = :who
 where message_id = coalesce((select merged_into from message where id = :id), :id) and acknowledged_at is null;

-- name: message_alerts(id)
select alert.id, recipient, acknowledged_at, scope, region, rule, measure, threshold, epoch_name, percent, target
  from alert join latch on latch.id = alert.latch_id
 where message_id = coalesce((select merged_into from message where id = :id), :id)
 order by region, measure, threshold;

-- name: put_silence(id, recipient, region, rule, until, reason, body_hash)^
-- Returns no row if a silence with this id is already stored.
insert into silence (id, recipient, region, rule, until, reason, body_hash)
values (:id, :recipient, :region, :rule, :until, :reason, :body_hash)
on conflict do nothing returning id;

-- name: silence(id)^
select id, recipient, region, rule, until, reason, created_at, body_hash from silence where id = :id;

-- name: list_silences()
select id, recipient, region, rule, until, reason, created_at, body_hash
  from silence where until > now() order by until, id limit 500;
