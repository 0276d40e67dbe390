-- A statement may wait for the row lock, and the lease must start when its row is written. Therefore the
-- statements use clock_timestamp(); now() is the time at which the transaction started.

-- name: acquire(name, holder, seconds)$
-- Acquire a free or expired lease, or renew a lease of `holder`. Returns no row if another holder has it.
insert into lease as held (name, holder, term, until)
values (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
on conflict (name) do update
   set holder = excluded.holder,
       term = held.term + case when held.holder = excluded.holder then 0 else 1 end,
       until = clock_timestamp() + make_interval(secs => :seconds)
 where held.holder = excluded.holder or held.until < clock_timestamp()
returning term;

-- name: raise_term(name, holder, term, above)$
-- Raise the term of a held lease above a term that is already in use.
update lease set term = :above::bigint + 1
 where name = :name and holder = :holder and term = :term and until > clock_timestamp()
returning term;

-- name: release(name, holder, term)!
-- Make the lease expire at once, so that another holder can acquire it.
update lease set until = '-infinity' where name = :name and holder = :holder and term = :term;
