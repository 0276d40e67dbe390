-- Messages of one lane are sent independently of all others: all messages of a channel, or the calls of one
-- webhook. A process that sends a message claims it until `claimed_until`; null means that it is not claimed.
alter table message
    add column lane text not null generated always as (case channel when 'webhook' then recipient else channel end) stored,
    add column claimed_until timestamptz;
drop index message_open;
create index message_open on message (lane, due_at) where ended_at is null;

-- Messages that were in the job queue are due in the table `message`. Only databases that were migrated by an
-- earlier version have the job queue.
drop table if exists procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers cascade;
do $$
declare
    dropped record;
begin
    for dropped in
        select oid::regprocedure as name from pg_proc
         where pronamespace = current_schema()::regnamespace and proname like 'procrastinate\_%'
    loop
        execute format('drop function if exists %s cascade', dropped.name);
    end loop;
    for dropped in
        select oid::regtype as name from pg_type
         where typnamespace = current_schema()::regnamespace and typname like 'procrastinate\_%' and typtype in ('c', 'e')
    loop
        execute format('drop type if exists %s cascade', dropped.name);
    end loop;
end $$;
