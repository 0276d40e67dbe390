-- clock_timestamp() and not now(): a statement may have waited for the row, and a lease counts from its writing.

-- name: take(name, holder, seconds)$
-- Take or keep a lease that is free, run out or the holder's own; no row where another holds it.
insert into lease as held (name, holder, term, until)
values (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
on conflict (name) do update
   set holder = excluded.holder,
       term = held.term + case when held.holder = excluded.holder then 0 else 1 end,
       until = clock_timestamp() + make_interval(secs => :seconds)
 where held.holder = excluded.holder or held.until < clock_timestamp()
returning term;

-- name: lift(name, holder, term, above)$
-- Raise the term of a lease that is held above one that was seen in use.
update lease set term = :above::bigint + 1
 where name = :name and holder = :holder and term = :term and until > clock_timestamp()
returning term;

-- name: release(name, holder, term)!
-- Let the next one take it at once.
update lease set until = '-infinity' where name = :name and holder = :holder and term = :term;
