-- The sequence before the first record of the topic's present content; above 0 if the topic was published again.
alter table outbox add column if not exists topic_start bigint not null default 0;
