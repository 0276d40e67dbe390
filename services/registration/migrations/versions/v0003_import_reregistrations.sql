-- Withdrawn participants that an import registered again, with the revision from that registration. Participants that an
-- import registered for the first time have no row: they are unchanged if their revision is 1.
create table import_again (
    import_id      text        not null references import_file (id) on delete cascade,
    participant_id uuid        not null references participant (id),
    revision       integer     not null,
    primary key (import_id, participant_id)
);
-- Why an import failed: the code of what is wrong with its file.
alter table import_file add column fault text;
