-- name: lock_message(id)^
-- `now` is the database's time. Due times and signatures use it, because the clock of a process may be wrong.
select id, recipient, channel, state, ended_at is not null as ended, due_at, now() as now
  from message where id = :id for update;

-- name: last_attempt(id)^
select number, ended_at is null as open, reason from attempt where message_id = :id order by number desc limit 1;

-- name: close_open_attempts(id, reason)!
update attempt set ended_at = now(), reason = :reason where message_id = :id and ended_at is null;

-- name: put_attempt(id, number)!
insert into attempt (message_id, number) values (:id, :number);

-- name: set_message(id, state, reason, due_in_s)$
update message
   set state = :state, reason = :reason, due_at = now() + make_interval(secs => :due_in_s),
       ended_at = case when :state in ('delivered', 'dead') then now() end
 where id = :id and ended_at is null
returning due_at;

-- name: end_attempt(id, number, reason, receipt)!
-- If another worker has already closed this attempt as ambiguous, the real reason and receipt replace the
-- reason `ambiguous`.
update attempt
   set ended_at = now(), reason = :reason, receipt = :receipt::text::jsonb
 where message_id = :id and number = :number and (ended_at is null or reason = 'ambiguous');

-- name: alerts_of(id)
select alert.id, latch.id as crossing_id, scope, region, rule, measure, threshold, epoch, epoch_name,
       value, count, percent, target, cut, as_of, crossed_at
  from alert
  join latch on latch.id = alert.latch_id
 where alert.message_id = :id
 order by region, measure, threshold, rule;

-- name: ambiguous_before(id, number)$
select count(*) from attempt where message_id = :id and number < :number and reason = 'ambiguous';

-- name: without_job(queue, task, ids_max)
-- Returns open messages without a job. Their job failed unexpectedly, or was missing from a restored backup.
select id from message
 where ended_at is null
   and not exists (select from procrastinate_jobs as job
                    where job.queue_name = :queue and job.task_name = :task
                      and job.args ->> 'message' = message.id::text and job.status in ('todo', 'doing'))
 order by due_at limit :ids_max;

-- name: open_messages()
select state, count(*) as messages from message where ended_at is null group by state;
