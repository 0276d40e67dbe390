-- Token buckets, each stored as the time when it is full again.

-- name: take_token(name, key, refill_s, burst)$
-- Takes a token and returns 0, or returns the seconds until the next token if the bucket has none. A token that is
-- taken defers the time when the bucket is full by :refill_s, at most to :burst times :refill_s from now.
with taken as (
    insert into token_bucket as bucket (name, key, full_at)
    values (:name, :key, now() + make_interval(secs => :refill_s))
    on conflict (name, key) do update
    set full_at = greatest(bucket.full_at, now()) + make_interval(secs => :refill_s)
    where greatest(bucket.full_at, now()) + make_interval(secs => :refill_s)
          -- Each addition rounds to a microsecond.
          <= now() + make_interval(secs => (:refill_s + 0.000001) * :burst)
    returning 1
)
select case when exists (select from taken) then 0.0::float8 else coalesce((
    select greatest(0.001, extract(epoch from full_at - now()) - :refill_s * (:burst - 1))
    from token_bucket where (name, key) = (:name, :key)), :refill_s)::float8 end;

-- name: give_back_token(name, key, refill_s)!
-- A bucket that is full before now is as full as one that is full now.
update token_bucket set full_at = full_at - make_interval(secs => :refill_s) where (name, key) = (:name, :key);

-- name: delete_full_buckets(deleted_max)!
-- Deletes at most `deleted_max` buckets that are full: a missing bucket is full, too.
delete from token_bucket where ctid = any(array(
    select ctid from token_bucket where full_at < now()
    limit :deleted_max for update skip locked));
