-- The newest kept cut: the cut that was newest when a minute ended.
create table kept_cut (
    one        boolean     primary key default true check (one),
    ends_at    timestamptz not null,  -- the end of the minute for which the cut was kept
    cut        text        not null,  -- "term.cut"
    as_of      timestamptz not null,
    generation bigint      not null,
    epoch      bigint      not null,
    positions  bigint[]    not null,
    behind     boolean     not null   -- whether the cut lacked events that had been accepted seconds before
);

-- The counts of `registered` in the newest kept cut.
create table kept_count (
    scope  text   not null,
    region text   not null,
    count  bigint not null,
    primary key (scope, region)
) with (fillfactor = 50);

-- The growth in each minute of the last 48 hours, as the value of its record in region-minutes.
create table kept_minute (
    minute    timestamptz not null,
    scope     text        not null,
    value     text        not null,
    published boolean     not null default false,
    primary key (minute, scope)
);
create index kept_minute_unpublished on kept_minute (minute) where not published;

-- The current minute ends with the next one, because its beginning was counted by event.
insert into kept_cut
select true, date_trunc('minute', now()) + interval '1 minute', published.term || '.' || published.cut, now(),
    live.generation, live.epoch, array_agg(position.sequence order by partition), false
from published, live join position using (set_id)
group by published.term, published.cut, live.generation, live.epoch;

insert into kept_count
select scope, region, count from tally join live using (set_id) where measure = 'registered';

insert into kept_minute
select minute, scope, json_build_object(
    'scope', scope, 'minute', to_char(minute at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'term', greatest(term, 1),
    'rows', coalesce(
        json_agg(json_build_array(region, count) order by region) filter (where count <> 0), '[]'))
from minute_tally join live using (set_id), published
group by minute, scope, term;

drop table minute_tally;
alter table changed drop column minutes, drop column minute_scopes;
alter table published drop column minutes_set_id, drop column minutes_generation, drop column minutes_positions,
    add column minutes_end bigint not null default 0;  -- the end of region-minutes after the last published record
