-- The last evaluated cut, and the full record from which it can be read again. There is no row before the first
-- evaluation.
create table evaluated_cut (
    one         boolean     primary key default true check (one),
    term        bigint      not null,
    cut         bigint      not null,
    as_of       timestamptz not null,
    full_term   bigint      not null,
    full_cut    bigint      not null,
    full_offset bigint      not null
) with (fillfactor = 50);

-- The newest epoch of the register in which the value was at or above the threshold. Only in this epoch can a
-- fall retract the latch.
alter table latch add column register_epoch bigint not null default 1;
