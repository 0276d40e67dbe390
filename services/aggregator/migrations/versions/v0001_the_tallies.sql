-- Which set of tallies is the live one. A rebuild counts another set beside it and then names that one.
create table live (
    one        boolean  primary key default true check (one),
    set_id     smallint not null,
    generation bigint   not null,  -- rises when counts change otherwise than by the next event
    epoch      bigint   not null,  -- of the register: rises when sequences were handed out anew
    building   smallint            -- the set that a rebuild is counting
);
insert into live (set_id, generation, epoch) values (1, 1, 1);

-- The last counted sequence of each partition, and where in the topic reading goes on.
create table position (
    set_id       smallint not null,
    partition    smallint not null check (partition >= 0),
    sequence     bigint   not null,
    kafka_offset bigint   not null,
    gap_seen     bigint,  -- a sequence met beyond the next one, null where there is no gap
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

-- Growth of the measure `registered` in one minute, by the register's time.
create table minute_tally (
    set_id smallint    not null,
    minute timestamptz not null,
    scope  text        not null,
    region text        not null,
    count  bigint      not null,
    primary key (set_id, minute, scope, region)
) with (fillfactor = 50);

-- What each counted batch changed, under the position it moved to: the publisher reads on from its last cut.
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

-- Records that were not counted; never their payload.
create table quarantine (
    id             bigint      primary key generated always as identity,
    epoch          bigint      not null,
    partition      smallint    not null,
    kafka_offset   bigint      not null,
    event_sequence bigint,     -- null where it could not be read: then the position stays before it
    reason         text        not null,
    state          text        not null default 'quarantined' check (state in ('quarantined', 'applied', 'skipped')),
    note           text,       -- why an operator applied or skipped it
    changes        jsonb,      -- what applying it added: {"tallies": […], "minutes": […]}
    at             timestamptz not null default now(),
    told           boolean     not null default false   -- whether its newest state is in the outbox
);
create index quarantine_untold on quarantine (at) where not told;
create unique index quarantine_placed on quarantine (epoch, partition, event_sequence)
where event_sequence is not null;
create unique index quarantine_stray on quarantine (epoch, partition, kafka_offset) where event_sequence is null;

-- The publisher's memory: numbers of cuts never go back.
create table published (
    one                boolean  primary key default true check (one),
    term               bigint   not null,
    cut                bigint   not null,
    minutes_set_id     smallint not null,  -- of which set, in which generation and up to which positions
    minutes_generation bigint   not null,  -- every changed minute has been published
    minutes_positions  bigint[] not null
);
insert into published values (true, 0, 0, 1, 1, array_fill(0::bigint, array[12]));

create sequence set_ids as smallint start 2 cycle minvalue 1;
