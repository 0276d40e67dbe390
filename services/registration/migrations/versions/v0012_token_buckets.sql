-- A token bucket is one time: when it is full again. Its key is a fingerprint, so the table has no address and no NIK.
-- The table is unlogged, because after a crash of the server all buckets may start full. It has no further index and
-- free space in each page, so that an update touches one page.
create unlogged table token_bucket (
    name    text        not null,
    key     bytea       not null,
    full_at timestamptz not null,
    primary key (name, key)
) with (fillfactor = 50);
