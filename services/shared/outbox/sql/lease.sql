-- clock_timestamp() and not now(): a statement may have waited for the row, and a lease counts from its writing.

-- name: take(name, holder, seconds)$
-- Take or keep a lease that is free, run out or the holder's own; no row where another holds it.
INSERT INTO lease AS held (name, holder, term, until)
VALUES (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       term = held.term + CASE WHEN held.holder = excluded.holder THEN 0 ELSE 1 END,
       until = clock_timestamp() + make_interval(secs => :seconds)
 WHERE held.holder = excluded.holder OR held.until < clock_timestamp()
RETURNING term;

-- name: lift(name, holder, term, above)$
-- Raise the term of a lease that is held above one that was seen in use.
UPDATE lease SET term = :above::bigint + 1
 WHERE name = :name AND holder = :holder AND term = :term AND until > clock_timestamp()
RETURNING term;

-- name: release(name, holder, term)!
-- Let the next one take it at once.
UPDATE lease SET until = '-infinity' WHERE name = :name AND holder = :holder AND term = :term;
