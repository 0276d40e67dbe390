-- Starting over from a restored register.

-- name: recover_seize(name, holder, seconds)$
-- Take a lease from whoever holds it: what a former holder still tries is refused by its term.
insert into lease as held (name, holder, term, until)
values (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
on conflict (name) do update
   set holder = excluded.holder, term = held.term + 1, until = clock_timestamp() + make_interval(secs => :seconds)
returning term;

-- name: recover_rewind(reason)!
-- Nothing is published any more, and the relay refuses should this be cut short. Locked as the writers lock.
with locked as materialized (
    select partition from partition order by partition for update
), rewound as (
    update partition set published = 0 from locked where partition.partition = locked.partition returning 1
)
update register set refused = :reason, refused_at = now() where (select count(*) from rewound) >= 0;

-- name: recover_begin_epoch()$
update register set epoch = epoch + 1, refused = null, refused_at = null, recovered_at = now() returning epoch;

-- name: recover_give_back(name, holder)!
update lease set until = '-infinity' where name = :name and holder = :holder;
