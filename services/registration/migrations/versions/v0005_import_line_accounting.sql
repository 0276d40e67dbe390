-- Each line of a file is counted in exactly one of these columns: `heading_lines`, `blank`, `accepted`, `unchanged`,
-- `differing`, `rejected`. `runs` is how often the file was imported.
alter table import_file
    add column heading_lines bigint  not null default 1,
    add column blank         bigint  not null default 0,
    add column unchanged     bigint  not null default 0,
    add column differing     bigint  not null default 0,
    add column runs          integer not null default 1;
