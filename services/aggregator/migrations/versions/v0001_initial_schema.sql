-- Which set of tallies is live. A rebuild counts into a second set, and then makes the second set live.
create table live (
    one        boolean  primary key default true check (one),
    set_id     smallint not null,
    generation bigint   not null,  -- increases when counts change otherwise than by counting the next events
    epoch      bigint   not null,  -- the register's epoch; it increases when the sequences restart
    building   smallint            -- the set into which a running rebuild counts; null while no rebuild runs
);
insert into live (set_id, generation, epoch) values (1, 1, 1);

-- The last counted sequence of each partition, and the next offset to read.
create table position (
    set_id       smallint not null,
    partition    smallint not null check (partition >= 0),
    sequence     bigint   not null,
    kafka_offset bigint   not null,
    gap_seen     bigint,  -- the lowest sequence that arrived beyond the gap; null if there is no gap
    primary key (set_id, partition)
) with (fillfactor = 50);
insert into position (set_id, partition, sequence, kafka_offset)
select 1, partition, 0, 0 from generate_series(0, 11) partition;

create table tally (
    set_id  smallint not null,
    scope   text     not null,
    region  text     not null,
    measure text     not null,
    count   bigint   not null,
    primary key (set_id, scope, region, measure)
) with (fillfactor = 50);

-- The growth of the measure `registered` per minute, by the register's clock.
create table minute_tally (
    set_id smallint    not null,
    minute timestamptz not null,
    scope  text        not null,
    region text        not null,
    count  bigint      not null,
    primary key (set_id, minute, scope, region)
) with (fillfactor = 50);

-- The keys of the tallies and minute tallies that each counted fetch changed, with the position of one of its
-- partitions after the fetch. The publisher reads the keys that changed since its last cut.
create table changed (
    set_id        smallint not null,
    partition     smallint not null,
    sequence      bigint   not null,
    scopes        text[]   not null,
    regions       text[]   not null,
    measures      text[]   not null,
    minutes       timestamptz[] not null,
    minute_scopes text[]   not null,
    primary key (set_id, partition, sequence)
);

-- Which records were not counted; their payload is only in the topic.
create table quarantine (
    id             bigint      primary key generated always as identity,
    epoch          bigint      not null,
    partition      smallint    not null,
    kafka_offset   bigint      not null,
    event_sequence bigint,     -- null if the record has no valid sequence; the record then moves no position
    reason         text        not null,
    state          text        not null default 'quarantined' check (state in ('quarantined', 'applied', 'skipped')),
    note           text,       -- the operator's reason for applying or skipping
    changes        jsonb,      -- the tally changes that applying added: {"tallies": […], "minutes": […]}
    at             timestamptz not null default now(),
    told           boolean     not null default false   -- whether the newest state is in the outbox
);
create index quarantine_untold on quarantine (at) where not told;
create unique index quarantine_placed on quarantine (epoch, partition, event_sequence)
where event_sequence is not null;
create unique index quarantine_stray on quarantine (epoch, partition, kafka_offset) where event_sequence is null;

-- The progress of publishing. Cut numbers never decrease.
create table published (
    one                boolean  primary key default true check (one),
    term               bigint   not null,
    cut                bigint   not null,
    minutes_set_id     smallint not null,  -- the set, generation and positions up to which
    minutes_generation bigint   not null,  -- all changed minutes are published
    minutes_positions  bigint[] not null
);
insert into published values (true, 0, 0, 1, 1, array_fill(0::bigint, array[12]));

create sequence set_ids as smallint start 2 cycle minvalue 1;
