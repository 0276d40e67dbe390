-- The register: who takes part, what happened, and what each caller was told.
-- Names are unqualified: the role's search_path is its own schema.

-- One row per person that ever registered. The latest standing lies in the row, the history in `event`.
CREATE TABLE participant (
    id             uuid        PRIMARY KEY,
    -- Keyed HMAC-SHA256 of the NIK: finds and refuses a second registration without knowing the number. NULL once erased.
    nik_hmac       bytea       UNIQUE,
    nik_cipher     bytea,
    phone_cipher   bytea,
    cipher_key_id  text        NOT NULL,
    name           text,
    business       jsonb,
    region         text        NOT NULL,
    agency         text,
    campaign       text,
    steps          text[]      NOT NULL DEFAULT '{}',
    standing       text        NOT NULL DEFAULT 'registered' CHECK (standing IN ('registered', 'withdrawn', 'merged')),
    revision       integer     NOT NULL DEFAULT 1 CHECK (revision >= 1),
    consent        text        NOT NULL,
    channel        text        NOT NULL,
    booth          text,
    occurred_at    timestamptz,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    changed_at     timestamptz NOT NULL DEFAULT now(),
    import_id      text,
    merged_into    uuid,
    erased_at      timestamptz,
    CHECK ((standing = 'merged') = (merged_into IS NOT NULL)),
    CHECK (erased_at IS NULL OR (nik_hmac IS NULL AND nik_cipher IS NULL AND phone_cipher IS NULL AND name IS NULL
                                 AND business IS NULL AND import_id IS NULL))
);
CREATE INDEX participant_import ON participant (import_id) WHERE import_id IS NOT NULL;

-- Sequences are handed out here, last of all in a transaction, under a row lock held until its commit.
CREATE TABLE partition (
    partition      smallint    PRIMARY KEY CHECK (partition BETWEEN 0 AND 11),
    last_sequence  bigint      NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
    published      bigint      NOT NULL DEFAULT 0 CHECK (published >= 0),
    published_term bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO partition (partition) SELECT generate_series(0, 11);

-- What happened, gapless per partition, in commit order, kept for good. `value` is the record as it goes to the topic.
CREATE TABLE event (
    partition      smallint    NOT NULL,
    sequence       bigint      NOT NULL,
    id             uuid        NOT NULL,
    participant_id uuid        NOT NULL,
    type           text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    value          text        NOT NULL,
    PRIMARY KEY (partition, sequence)
);

-- What each caller was told for a key, written in the transaction that did the work. Kept 48 hours.
CREATE TABLE idempotency (
    caller         text        NOT NULL,
    route          text        NOT NULL,
    key            text        NOT NULL,
    body_hmac      bytea       NOT NULL,
    -- 'done', or the reason of the refusal.
    outcome        text        NOT NULL,
    participant_id uuid,
    region         text,
    revision       integer,
    -- Also the answer's recorded_at: both are now() of one transaction.
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_age ON idempotency USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE campaign (
    id             text        PRIMARY KEY,
    name           text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE agency (
    id             text        PRIMARY KEY,
    name           text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- Only the SHA-256 of a key's 256-bit secret is kept.
CREATE TABLE api_key (
    id             text        PRIMARY KEY,
    role           text        NOT NULL CHECK (role IN ('booth', 'officer', 'admin')),
    hash           bytea       NOT NULL,
    label          text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    revoked_at     timestamptz
);

-- id: keyed HMAC of the file's bytes, so the same file is the same import.
CREATE TABLE import_file (
    id             text        PRIMARY KEY,
    name           text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('running', 'done', 'failed', 'undoing', 'undone')),
    rows           bigint,
    last_row       bigint      NOT NULL DEFAULT 0,
    accepted       bigint      NOT NULL DEFAULT 0,
    rejected       bigint      NOT NULL DEFAULT 0,
    undone         bigint      NOT NULL DEFAULT 0,
    caller         text,
    started_at     timestamptz NOT NULL DEFAULT now(),
    changed_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
);
CREATE TABLE import_rejected (
    import_id      text        NOT NULL REFERENCES import_file (id) ON DELETE CASCADE,
    row            bigint      NOT NULL,
    field          text        NOT NULL,
    reason         text        NOT NULL,
    PRIMARY KEY (import_id, row, field)
);

-- Leadership is a leased row.
CREATE TABLE lease (
    name           text        PRIMARY KEY,
    holder         text        NOT NULL,
    term           bigint      NOT NULL,
    until          timestamptz NOT NULL
) WITH (fillfactor = 50);

-- One row about the register as a whole. The epoch rises when a restored register starts over.
CREATE TABLE register (
    only_row       boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch          integer     NOT NULL DEFAULT 1,
    recovered_at   timestamptz
);
INSERT INTO register DEFAULT VALUES;
