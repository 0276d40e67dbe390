-- A held import has written nothing, and `fault` is the reason. `confirmed_by` is the caller who confirmed the file.
alter table import_file drop constraint import_file_state_check;
alter table import_file
    add constraint import_file_state_check
        check (state in ('running', 'held', 'done', 'failed', 'undoing', 'undone')),
    add column confirmed_by text;
