-- Records that wait to be published to a topic of one partition, and how far they were.
CREATE TABLE IF NOT EXISTS outbox (
    topic         text   PRIMARY KEY,
    last_sequence bigint NOT NULL DEFAULT 0,
    published     bigint NOT NULL DEFAULT 0,
    CHECK (published <= last_sequence)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS outbox_record (
    topic    text   NOT NULL REFERENCES outbox,
    sequence bigint NOT NULL,
    key      text   NOT NULL,
    value    text,  -- null: a tombstone
    PRIMARY KEY (topic, sequence)
);
