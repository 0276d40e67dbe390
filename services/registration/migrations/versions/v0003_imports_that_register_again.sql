-- Participants that had withdrawn and whom an import registered again, with the revision it gave them. Whom it
-- registered for the first time got revision 1: no row is needed to see that nobody touched them since.
create table import_again (
    import_id      text        not null references import_file (id) on delete cascade,
    participant_id uuid        not null references participant (id),
    revision       integer     not null,
    primary key (import_id, participant_id)
);
-- Why an import failed, in one word: what its file lacks.
alter table import_file add column fault text;
