-- Lists and opens campaigns and agencies.

-- name: campaigns()
select id, name from campaign order by id;

-- name: agencies()
select id, name from agency order by id;

-- name: open_campaign(id, name)$
-- Inserts the campaign unless its id exists. Returns the stored name, which differs from `name` if the id existed with
-- another name. Returns no row if a concurrent transaction inserted the id after this statement began.
with opened as (insert into campaign (id, name) values (:id, :name) on conflict do nothing returning name)
select name from opened union all select name from campaign where id = :id limit 1;

-- name: open_agency(id, name)$
-- Does the same as `open_campaign`, for an agency.
with opened as (insert into agency (id, name) values (:id, :name) on conflict do nothing returning name)
select name from opened union all select name from agency where id = :id limit 1;
