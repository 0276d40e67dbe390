-- The migrations that removed or narrowed what an earlier version of the service uses. Processes read it at their start.
create table contraction (
    revision   text        primary key,
    applied_at timestamptz not null default now()
);
