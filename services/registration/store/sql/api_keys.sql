-- Access keys of the API, and a query that shows that the database answers.

-- name: find_key(id)^
select role, hash from api_key where id = :id and revoked_at is null;

-- name: insert_key(id, role, hash, label)!
insert into api_key (id, role, hash, label) values (:id, :role, :hash, :label);

-- name: revoke_key(id)$
update api_key set revoked_at = now() where id = :id and revoked_at is null returning true;
