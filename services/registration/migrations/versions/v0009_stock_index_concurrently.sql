-- The audit reads only this index; see migration 0004. The former index stays until the new one is built.
drop index concurrently if exists participant_standing_with_stock;
create index concurrently participant_standing_with_stock
    on participant (region, agency, campaign, steps, stock) where standing = 'registered';
drop index concurrently if exists participant_standing;
alter index participant_standing_with_stock rename to participant_standing;
