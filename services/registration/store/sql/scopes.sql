-- Campaigns and agencies.

-- name: campaigns()
select id, name from campaign order by id;

-- name: agencies()
select id, name from agency order by id;

-- name: open_campaign(id, name)$
-- Inserts the campaign unless its id exists. Returns the stored name, which may be another, or NULL if a concurrent
-- transaction inserted it after this statement began.
with opened as (insert into campaign (id, name) values (:id, :name) on conflict do nothing returning name)
select name from opened union all select name from campaign where id = :id limit 1;

-- name: open_agency(id, name)$
-- The same for an agency.
with opened as (insert into agency (id, name) values (:id, :name) on conflict do nothing returning name)
select name from opened union all select name from agency where id = :id limit 1;
