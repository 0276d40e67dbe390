-- Who leads, by the server's clock. One row per leadership; each service has the table in its own schema.
CREATE TABLE IF NOT EXISTS lease (
    name   text        PRIMARY KEY,
    holder text        NOT NULL,
    term   bigint      NOT NULL,
    until  timestamptz NOT NULL
) WITH (fillfactor = 50);
