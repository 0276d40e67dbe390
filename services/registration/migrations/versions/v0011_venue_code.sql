-- Codes of venues. A link or QR code contains the code, and registrations by it have a limit of their own.
create table venue_code (
    code           text        primary key,
    venue          text        not null,
    valid_from     timestamptz not null,
    valid_until    timestamptz not null,
    created_by     text        not null,
    created_at     timestamptz not null default now(),
    revoked_at     timestamptz,
    check (valid_from < valid_until)
);
