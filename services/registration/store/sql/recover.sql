-- Starting over from a restored register.

-- name: recover_seize(name, holder, seconds)$
-- Take a lease from whoever holds it: what a former holder still tries is refused by its term.
INSERT INTO lease AS held (name, holder, term, until)
VALUES (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, term = held.term + 1, until = clock_timestamp() + make_interval(secs => :seconds)
RETURNING term;

-- name: recover_rewind(reason)!
-- Nothing is published any more, and the relay refuses should this be cut short. Locked as the writers lock.
WITH locked AS MATERIALIZED (
    SELECT partition FROM partition ORDER BY partition FOR UPDATE
), rewound AS (
    UPDATE partition SET published = 0 FROM locked WHERE partition.partition = locked.partition RETURNING 1
)
UPDATE register SET refused = :reason, refused_at = now() WHERE (SELECT count(*) FROM rewound) >= 0;

-- name: recover_begin_epoch()$
UPDATE register SET epoch = epoch + 1, refused = NULL, refused_at = NULL, recovered_at = now() RETURNING epoch;

-- name: recover_give_back(name, holder)!
UPDATE lease SET until = '-infinity' WHERE name = :name AND holder = :holder;
