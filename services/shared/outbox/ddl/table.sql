-- The records to publish to topics with one partition, and the sequence up to which each topic is published.
create table if not exists outbox (
    topic         text   primary key,
    last_sequence bigint not null default 0,
    published     bigint not null default 0,
    check (published <= last_sequence)
) with (fillfactor = 50);
create table if not exists outbox_record (
    topic    text   not null references outbox,
    sequence bigint not null,
    key      text   not null,
    value    text,  -- null for a tombstone
    primary key (topic, sequence)
);
