-- The register: participants, their events, and the answers to API requests.
-- Names have no schema, because the search_path of the role is the role's own schema.

-- One row per person who has ever registered, with the person's latest state. The table `event` has the history.
create table participant (
    id             uuid        primary key,
    -- Keyed HMAC-SHA256 of the NIK. It detects a second registration without the plain NIK. NULL after an erasure.
    nik_hmac       bytea       unique,
    nik_cipher     bytea,
    phone_cipher   bytea,
    cipher_key_id  text        not null,
    name           text,
    business       jsonb,
    region         text        not null,
    agency         text,
    campaign       text,
    steps          text[]      not null default '{}',
    standing       text        not null default 'registered' check (standing in ('registered', 'withdrawn', 'merged')),
    revision       integer     not null default 1 check (revision >= 1),
    consent        text        not null,
    channel        text        not null,
    booth          text,
    occurred_at    timestamptz,
    recorded_at    timestamptz not null default now(),
    changed_at     timestamptz not null default now(),
    import_id      text,
    merged_into    uuid,
    erased_at      timestamptz,
    check ((standing = 'merged') = (merged_into is not null)),
    check (erased_at is null or (nik_hmac is null and nik_cipher is null and phone_cipher is null and name is null
                                 and business is null and import_id is null))
);
create index participant_import on participant (import_id) where import_id is not null;

-- The last sequence of each partition. A transaction takes its sequences in its last statement, and locks the
-- partition's row until its commit. `published` is the last sequence that the relay has published, and
-- `published_term` is the term of the lease under which the relay last changed `published`.
create table partition (
    partition      smallint    primary key check (partition between 0 and 11),
    last_sequence  bigint      not null default 0 check (last_sequence >= 0),
    published      bigint      not null default 0 check (published >= 0),
    published_term bigint      not null default 0
) with (fillfactor = 50);
insert into partition (partition) select generate_series(0, 11);

-- Events. They are numbered per partition in the order of commits, without gaps. They are never deleted. `value` is the
-- value of the event's record on the topic.
create table event (
    partition      smallint    not null,
    sequence       bigint      not null,
    id             uuid        not null,
    participant_id uuid        not null,
    type           text        not null,
    recorded_at    timestamptz not null,
    value          text        not null,
    primary key (partition, sequence)
);

-- The answer stored under each idempotency key. The transaction of the operation writes it. It is kept for 48 hours by
-- default.
create table idempotency (
    caller         text        not null,
    route          text        not null,
    key            text        not null,
    body_hmac      bytea       not null,
    -- 'done', or the refusal reason.
    outcome        text        not null,
    participant_id uuid,
    region         text,
    revision       integer,
    -- Also the answer's recorded_at, because both are now() of the same transaction.
    created_at     timestamptz not null default now(),
    primary key (caller, route, key)
);
create index idempotency_age on idempotency using brin (created_at) with (pages_per_range = 32, autosummarize = on);

create table campaign (
    id             text        primary key,
    name           text        not null,
    created_at     timestamptz not null default now()
);
create table agency (
    id             text        primary key,
    name           text        not null,
    created_at     timestamptz not null default now()
);

-- Access keys of the API. `hash` is the SHA-256 of a 256-bit secret, which is not stored.
create table api_key (
    id             text        primary key,
    role           text        not null check (role in ('booth', 'officer', 'admin')),
    hash           bytea       not null,
    label          text        not null,
    created_at     timestamptz not null default now(),
    revoked_at     timestamptz
);

-- Imports. `id` is a keyed HMAC of the file's bytes, so importing the same file again continues the same import.
create table import_file (
    id             text        primary key,
    name           text        not null,
    state          text        not null check (state in ('running', 'done', 'failed', 'undoing', 'undone')),
    rows           bigint,
    last_row       bigint      not null default 0,
    accepted       bigint      not null default 0,
    rejected       bigint      not null default 0,
    undone         bigint      not null default 0,
    caller         text,
    started_at     timestamptz not null default now(),
    changed_at     timestamptz not null default now(),
    finished_at    timestamptz
);
-- The faults of rejected rows. They have row number, column and reason, never a value.
create table import_rejected (
    import_id      text        not null references import_file (id) on delete cascade,
    row            bigint      not null,
    field          text        not null,
    reason         text        not null,
    primary key (import_id, row, field)
);

-- Leases. A row makes the process `holder` the leader until the time `until`.
create table lease (
    name           text        primary key,
    holder         text        not null,
    term           bigint      not null,
    until          timestamptz not null
) with (fillfactor = 50);

-- One row about the whole register. Each recovery from an older backup raises the epoch.
create table register (
    only_row       boolean     primary key default true check (only_row),
    epoch          integer     not null default 1,
    recovered_at   timestamptz
);
insert into register default values;
