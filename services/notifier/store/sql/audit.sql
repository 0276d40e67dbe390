-- name: latch_evidence()
select id, scope, region, rule, measure, threshold, epoch_name as epoch, number, value, count, cut, as_of, percent,
       target
  from latch;

-- name: receipt_errors()
-- The messages that are open or have ended in the last day, and contradict their attempts.
with recent as (
    select id, state, ended_at is null as is_open
      from message where ended_at is null or ended_at > now() - interval '1 day'
), tried as (
    select recent.id, state, is_open, count(attempt.number) as attempts, max(attempt.number) as last,
           coalesce(bool_or(attempt.reason = 'accepted'), false) as is_accepted
      from recent left join attempt on attempt.message_id = recent.id
     group by recent.id, state, is_open
)
select 'delivered_without_receipt' as kind, count(*) as errors from tried where state = 'delivered' and not is_accepted
union all
select 'accepted_and_open', count(*) from tried where is_open and is_accepted
union all
select 'attempt_missing', count(*) from tried where attempts <> coalesce(last, 0);
