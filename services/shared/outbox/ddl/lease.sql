-- One row per lease, which expires by the server's clock. Each service has this table in its own schema.
create table if not exists lease (
    name   text        primary key,
    holder text        not null,
    term   bigint      not null,
    until  timestamptz not null
) with (fillfactor = 50);
