-- name: latches()
-- Returns the newest latch of each threshold. If this latch is retracted, the threshold can be crossed again.
select distinct on (scope, region, rule, threshold, epoch_name)
       scope, region, rule, threshold, epoch_name, number, state = 'retracted' as retracted,
       register_epoch
  from latch
 order by scope, region, rule, threshold, epoch_name, number desc;

-- name: all_latches()
select id, scope, region, rule, measure, threshold, epoch, value, cut, crossed_at, state
  from latch order by crossed_at, id;

-- name: put_latches(crossings)
-- Inserts the latches that do not exist yet, and returns them. Every notifier inserts in the same order, so
-- that two notifiers never deadlock.
insert into latch (id, scope, region, rule, threshold, epoch, epoch_name, number, measure, value, count, percent,
                   target, cut, as_of, register_epoch)
select id, scope, region, rule, threshold, epoch, epoch_name, number, measure, value, count, percent, target, cut,
       as_of, register_epoch
  from jsonb_to_recordset(:crossings::text::jsonb)
       as input (id uuid, scope text, region text, rule text, threshold bigint, epoch text, epoch_name text,
                 number integer, measure text, value bigint, count bigint, percent integer, target bigint, cut text,
                 as_of timestamptz, register_epoch bigint)
 order by scope, region, rule, threshold, epoch
    on conflict do nothing
returning id, crossed_at;

-- name: confirm_latches(latches, register_epoch)!
-- Stores that these thresholds are reached in an epoch of the register. Without this, a fall below a threshold
-- retracts nothing in that epoch.
update latch set register_epoch = :register_epoch::bigint
  from jsonb_to_recordset(:latches::text::jsonb)
       as input (scope text, region text, rule text, threshold bigint, epoch_name text)
 where latch.scope = input.scope and latch.region = input.region and latch.rule = input.rule
   and latch.threshold = input.threshold and latch.epoch_name = input.epoch_name
   and register_epoch < :register_epoch::bigint;

-- name: retract_latch(scope, region, rule, threshold, epoch_name, number, cut, value)^
update latch
   set state = 'retracted', retracted_at = now(), retracted_cut = :cut, retracted_value = :value
 where scope = :scope and region = :region and rule = :rule and threshold = :threshold
   and epoch_name = :epoch_name and number = :number and state = 'crossed'
returning id, scope, region, rule, measure, threshold, epoch, value, cut, crossed_at;

-- name: put_messages(messages)!
-- If the message's silence has already ended, the message is not held.
insert into message (id, recipient, channel, state, due_at)
select id, recipient, channel, case when held_until > now() then 'held' else 'intent' end,
       greatest(coalesce(held_until, now()), now())
  from jsonb_to_recordset(:messages::text::jsonb)
       as input (id uuid, recipient text, channel text, held_until timestamptz)
    on conflict do nothing;

-- name: put_alerts(alerts)!
insert into alert (id, latch_id, message_id, recipient)
select id, latch_id, message_id, recipient
  from jsonb_to_recordset(:alerts::text::jsonb)
       as input (id uuid, latch_id uuid, message_id uuid, recipient text)
    on conflict do nothing;

-- name: epochs()
select name, base from epoch;

-- name: put_epoch(name, cut, base)!
insert into epoch (name, cut, base) values (:name, :cut, :base::text::jsonb) on conflict do nothing;

-- name: silences()
select until, recipient, region, rule from silence where until > now();

-- name: evaluated_cut()^
select term, cut, as_of, full_term, full_cut, full_offset from evaluated_cut;

-- name: advance_evaluated_cut(known_term, known_cut, term, cut, as_of, full_term, full_cut, full_offset)$
-- Moves the evaluated cut on condition that it is still the known one. The row stays locked until the commit, so
-- that only one notifier at a time stores the crossings of a cut.
insert into evaluated_cut as stored (term, cut, as_of, full_term, full_cut, full_offset)
values (:term, :cut, :as_of, :full_term, :full_cut, :full_offset)
on conflict (one) do update
   set term = excluded.term, cut = excluded.cut, as_of = excluded.as_of,
       full_term = excluded.full_term, full_cut = excluded.full_cut, full_offset = excluded.full_offset
 where (stored.term, stored.cut) = (:known_term::bigint, :known_cut::bigint)
returning true;

-- name: rules()
select value from published_rules;

-- name: put_rules(value)$
insert into published_rules as stored (value) values (:value)
on conflict (one) do update set value = excluded.value where stored.value <> excluded.value
returning true;
