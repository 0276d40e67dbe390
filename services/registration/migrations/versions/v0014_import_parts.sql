-- The parts of the files of imports that have not ended, each compressed and encrypted. An import of the command line
-- has none: the command reads its own file.
create table import_part (
    import_id text    not null references import_file (id) on delete cascade,
    number    integer not null,
    sealed    bytea   not null,
    primary key (import_id, number)
);

-- Encrypted bytes cannot be compressed.
alter table import_part alter column sealed set storage external;
