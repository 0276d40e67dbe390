-- Withdrawn participants that an import registered again, each with its revision after that. Participants that an
-- import registered for the first time have no row here. They are unchanged if their revision is 1.
create table import_again (
    import_id      text        not null references import_file (id) on delete cascade,
    participant_id uuid        not null references participant (id),
    revision       integer     not null,
    primary key (import_id, participant_id)
);
-- The code of what is wrong with the file of a failed import.
alter table import_file add column fault text;
