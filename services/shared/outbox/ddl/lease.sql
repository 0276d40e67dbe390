-- Who leads, by the server's clock. One row per leadership; each service has the table in its own schema.
create table if not exists lease (
    name   text        primary key,
    holder text        not null,
    term   bigint      not null,
    until  timestamptz not null
) with (fillfactor = 50);
