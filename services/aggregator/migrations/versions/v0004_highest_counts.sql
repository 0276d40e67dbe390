-- The highest count that the tally had before its count first fell below it, and the time of that fall. It is at or
-- below `count`, and then without meaning, until the count falls.
alter table tally
    add column peak bigint not null default 0,
    add column peak_left_at timestamptz;

-- Counts change in several statements, so a trigger keeps the peaks. Only counts that fall pay for it.
-- now() is the start of a statement, which may have waited for the row; clock_timestamp() is after the wait.
create function keep_peak() returns trigger language plpgsql as $$
begin
    if old.count >= old.peak then
        new.peak := old.count;
        new.peak_left_at := clock_timestamp();
    end if;
    return new;
end
$$;
create trigger keep_peak before update of count on tally
for each row when (new.count < old.count) execute function keep_peak();
