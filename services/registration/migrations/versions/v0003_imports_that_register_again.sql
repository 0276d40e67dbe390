-- Participants that had withdrawn and whom an import registered again, with the revision it gave them. Whom it
-- registered for the first time got revision 1: no row is needed to see that nobody touched them since.
CREATE TABLE import_again (
    import_id      text        NOT NULL REFERENCES import_file (id) ON DELETE CASCADE,
    participant_id uuid        NOT NULL REFERENCES participant (id),
    revision       integer     NOT NULL,
    PRIMARY KEY (import_id, participant_id)
);
-- Why an import failed, in one word: what its file lacks.
ALTER TABLE import_file ADD COLUMN fault text;
