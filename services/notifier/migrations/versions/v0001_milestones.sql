-- A latched crossing. It is unique per scope, region, rule, threshold and epoch (`ever`, `ever.2`, …).
create table latch (
    id              uuid primary key,
    scope           text not null,
    region          text not null,
    rule            text not null,
    threshold       bigint not null,
    epoch           text not null,
    epoch_name      text not null,
    number          integer not null,
    measure         text not null,
    value           bigint not null,
    count           bigint not null,
    percent         integer,
    target          bigint,
    cut             text not null,
    as_of           timestamptz not null,
    crossed_at      timestamptz not null default now(),
    state           text not null default 'crossed' check (state in ('crossed', 'retracted')),
    retracted_at    timestamptz,
    retracted_cut   text,
    retracted_value bigint,
    unique (scope, region, rule, threshold, epoch)
);

-- An open epoch. `cut` is the cut from which growth is measured.
-- `base` has all counts of that cut: [[scope, region, measure, count], …].
create table epoch (
    name      text primary key,
    opened_at timestamptz not null default now(),
    cut       text not null,
    base      jsonb not null
);

-- One e-mail or webhook call.
create table message (
    id         uuid primary key,
    recipient  text not null,
    channel    text not null check (channel in ('email', 'webhook')),
    state      text not null check (state in ('intent', 'held', 'sending', 'retry', 'delivered', 'dead')),
    reason     text,
    due_at     timestamptz not null default now(),
    created_at timestamptz not null default now(),
    ended_at   timestamptz
) with (fillfactor = 70);
create index message_open on message (due_at) where ended_at is null;

create table alert (
    number          bigint generated always as identity unique,
    id              uuid primary key,
    latch_id        uuid not null references latch,
    message_id      uuid not null references message,
    recipient       text not null,
    acknowledged_at timestamptz,
    acknowledged_by text
);
create index alert_latch on alert (latch_id);
create index alert_message on alert (message_id);

-- A row is inserted before the message is sent. If `ended_at` is null, the attempt is in progress, or its
-- process has died.
create table attempt (
    message_id uuid not null references message,
    number     integer not null,
    started_at timestamptz not null default now(),
    ended_at   timestamptz,
    reason     text,
    receipt    jsonb not null default '{}',
    primary key (message_id, number)
);

-- A silence holds matching alerts until `until`. A column that is null matches all alerts.
create table silence (
    id         uuid primary key,
    recipient  text,
    region     text,
    rule       text,
    until      timestamptz not null,
    reason     text not null,
    created_at timestamptz not null default now(),
    body_hash  text not null
);
create index silence_until on silence (until);
