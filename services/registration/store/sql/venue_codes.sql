-- Codes of venues: see the table `venue_code`.

-- name: insert_venue_code(code, venue, valid_from, valid_until, created_by)!
insert into venue_code (code, venue, valid_from, valid_until, created_by)
values (:code, :venue, :valid_from, :valid_until, :created_by);

-- name: usable_venue_codes(codes_max)
-- Returns the codes that are valid now or later.
select code, venue, valid_from, valid_until from venue_code
where revoked_at is null and valid_until > now()
order by valid_from, code limit :codes_max;

-- name: revoke_venue_code(code)$
update venue_code set revoked_at = now() where code = :code and revoked_at is null returning true;
