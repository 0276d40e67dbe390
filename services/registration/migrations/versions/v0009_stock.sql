-- Whether a participant is stock: imported as a baseline, not registered live. Events of before this migration do not
-- say so, and count everybody as live. Therefore nobody is stock yet.
alter table participant add column if not exists stock boolean not null default false;
alter table import_file
    add column if not exists counts_as text not null default 'live' check (counts_as in ('stock', 'live'));
alter table import_file alter column counts_as set default 'stock';
