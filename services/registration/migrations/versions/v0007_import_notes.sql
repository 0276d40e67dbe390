-- `ignored` are the headings of columns that are not imported. `notes` are pairs of a code and what it is about.
alter table import_file
    add column ignored text[] not null default '{}',
    add column notes   jsonb  not null default '[]';
