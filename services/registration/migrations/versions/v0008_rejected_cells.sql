-- The cells of rejected and differing rows, encrypted as a JSON list of texts. They are deleted some weeks after the
-- end of the import.
create table import_rejected_cells (
    import_id      text        not null references import_file (id) on delete cascade,
    row            bigint      not null,
    cells          bytea       not null,
    primary key (import_id, row)
);

-- The headings and the separator of the file, which the report of rejected rows repeats.
alter table import_file
    add column headings  text[] not null default '{}',
    add column separator text   not null default ',';
